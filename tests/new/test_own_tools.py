"""Tools of a project: found, offered, used; and mistakes in them named in one line."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from earshot.errors import ToolsError
from earshot.tools.own import load_tools
from livekit.agents import llm

TOOL = '''
from livekit.agents import function_tool

@function_tool
async def open_door(which: str = "front") -> str:
    """Opens a door."""
    return f"{which} is open"
'''


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "tools.py"
    path.write_text(text)
    return path


def test_none_without_a_setting() -> None:
    assert load_tools(None) == []


def test_a_file(tmp_path: Path) -> None:
    more = (
        TOOL
        + "\nalias = open_door\n\n@function_tool(name='close')\nasync def c() -> None:\n    'Closes it.'\n"
    )
    door, close = load_tools(written(tmp_path, more))
    assert (door.id, close.id) == ("open_door", "close")
    assert asyncio.run(door(which="back")) == "back is open"


def test_results_are_told_as_json(tmp_path: Path) -> None:
    text = """from __future__ import annotations
from livekit.agents import RunContext, function_tool

@function_tool
async def open_door(context: RunContext, which: str = "front") -> dict[str, object]:
    'Opens a door.'
    return {"door": which, "sizes": (1, 2), "é": None}
"""
    (door,) = load_tools(written(tmp_path, text))
    assert asyncio.run(door(None)) == '{"door": "front", "sizes": [1, 2], "é": null}'
    (described,) = llm.ToolContext([door]).parse_function_tools("openai", strict=False)
    assert list(described["function"]["parameters"]["properties"]) == ["which"]


def test_a_package(tmp_path: Path) -> None:
    package = tmp_path / "tools"
    package.mkdir()
    (package / "__init__.py").write_text("from .doors import open_door\n")
    (package / "doors.py").write_text(TOOL)
    assert [tool.id for tool in load_tools(package)] == ["open_door"]
    (package / "doors.py").write_text("1 / 0\n")
    for name in [name for name in sys.modules if name.startswith("earshot_own_tools")]:
        del sys.modules[name]
    with pytest.raises(ToolsError, match=r"doors\.py:1: ZeroDivisionError: division by zero"):
        load_tools(package)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "has no tools: an `async def` with @function_tool"),
        ("def f(:\n", r"tools\.py:1: SyntaxError"),
        ("\nimport nothing_of_that_name\n", r"tools\.py:2: ModuleNotFoundError"),
        ("raise SystemExit(3)\n", r"tools\.py:1: SystemExit: 3"),
        (TOOL.replace("async def", "def"), r"tools\.py:\d: open_door: `async def` was expected"),
        (TOOL.replace('"""Opens a door."""', ""), r"open_door: a docstring was expected"),
        (TOOL.replace("open_door", "calculate"), "another tool named 'calculate'"),
        (TOOL + TOOL.replace("async def open_door", "async def open_again").replace("@function_tool", "@function_tool(name='open_door')"), "another tool named 'open_door'"),
        (TOOL.replace("which: str", "which: object()"), "open_door"),
    ],
)  # fmt: skip
def test_mistakes(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(ToolsError, match=why) as caught:
        load_tools(written(tmp_path, text), ["calculate"])
    assert "\n" not in str(caught.value)


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ToolsError, match="is not a Python file"):
        load_tools(tmp_path / "missing.py")
    with pytest.raises(ToolsError, match=r"is not a package \(with __init__.py\)"):
        load_tools(tmp_path)


def earshot(tmp_path: Path, *arguments: str, status: int) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "earshot", *arguments],
        cwd=tmp_path, capture_output=True, text=True, timeout=110, env=dict(os.environ),
    )  # fmt: skip
    assert done.returncode == status, done.stderr
    return done.stdout if status == 0 else done.stderr


CONFIG = """
state_dir = ".state"
[persona]
tools = ["calculate"]
[tools]
module = "tools.py"
"""


def test_the_agent_uses_it(tmp_path: Path) -> None:
    """The starter model knows five names; one of them may be our own tool."""
    (tmp_path / "earshot.toml").write_text(CONFIG)
    written(
        tmp_path,
        TOOL + "\n@function_tool\nasync def get_current_time() -> dict[str, str]:\n"
        "    'Returns the current local date and time.'\n"
        "    return {'time': '04:05', 'date': 'Monday, January 5, 2026'}\n",
    )
    (turn,) = [
        json.loads(line)
        for line in earshot(
            tmp_path, "talk", "--json", "--text", "What time is it?", status=0
        ).splitlines()
    ]
    assert [tool["name"] for tool in turn["tools"]] == ["get_current_time"]
    assert turn["tools"][0]["result"]["time"] == "04:05"
    assert turn["reply"] == "It is 04:05."


def test_a_mistake_stops_every_command_that_needs_it(tmp_path: Path) -> None:
    (tmp_path / "earshot.toml").write_text(CONFIG)
    written(tmp_path, "1 / 0\n")
    for arguments in (("talk", "--text", "Hello."), ("worker",)):
        (line,) = earshot(tmp_path, *arguments, status=2).splitlines()
        assert line.startswith("earshot: tools.module: ") and "tools.py:1: ZeroDivision" in line
