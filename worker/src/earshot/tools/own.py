"""Tools of one's own: the functions with @function_tool in a Python file or package.

    from livekit.agents import function_tool

    @function_tool
    async def opening_hours(day: str) -> str:
        \"\"\"Tells when the shop is open.\"\"\"

The file is run as the user whom Earshot runs as: it can do whatever that user can.
"""

import functools
import importlib.util
import inspect
import json
import sys
import traceback
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

from livekit.agents import llm

from ..errors import ToolsError

MODULE = "earshot_own_tools"
Own = llm.FunctionTool[..., Any] | llm.RawFunctionTool[..., Any]

_KINDS = (llm.FunctionTool, llm.RawFunctionTool)


def load_tools(module: Path | None, taken: Iterable[str] = ()) -> list[Own]:
    """The tools in a file, in their order; [] without one.

    Args:
        taken: names that other tools have.

    Raises:
        ToolsError: the file can't be run, has no tools, or one that the model could not use.
    """
    if module is None:
        return []
    file = module / "__init__.py" if module.is_dir() else module
    if not file.is_file():
        expected = "a package (with __init__.py)" if module.is_dir() else "a Python file"
        raise ToolsError(f"tools.module: {module} is not {expected}")
    found = [v for v in vars(_run(module, file)).values() if isinstance(v, _KINDS)]
    tools = list({id(tool): tool for tool in found}.values())
    if not tools:
        raise ToolsError(
            f"tools.module: {file} has no tools: an `async def` with @function_tool was expected"
        )
    names = set(taken)
    for tool in tools:
        _check(tool, file)
        if tool.id in names:
            raise ToolsError(f"tools.module: {file}: there is another tool named {tool.id!r}")
        names.add(tool.id)
    return [_told_as_json(tool) for tool in tools]


def _told_as_json(tool: Own) -> Own:
    """Dicts and lists as JSON: LiveKit would tell the model of them as Python writes them."""
    function = inspect.unwrap(tool)

    @functools.wraps(function)
    async def call(*args: Any, **kwargs: Any) -> Any:
        result = await function(*args, **kwargs)
        if isinstance(result, dict | list):
            return json.dumps(result, ensure_ascii=False, default=str)
        return result

    return type(tool)(call, tool.info)  # type: ignore[arg-type]


def _run(module: Path, file: Path) -> ModuleType:
    inside = [str(module)] if module.is_dir() else None
    spec = importlib.util.spec_from_file_location(MODULE, file, submodule_search_locations=inside)
    assert spec is not None and spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    sys.modules[MODULE] = made  # pydantic and dataclasses look annotations up there
    try:
        spec.loader.exec_module(made)
    except (Exception, SystemExit) as e:
        del sys.modules[MODULE]
        raise ToolsError(f"tools.module: {_where(e, file)}: {type(e).__name__}: {e}") from e
    return made


def _check(tool: Own, file: Path) -> None:
    function = inspect.unwrap(tool)
    where = f"tools.module: {file}:{function.__code__.co_firstlineno}: {tool.id}"
    if not inspect.iscoroutinefunction(function):
        raise ToolsError(f"{where}: `async def` was expected; a plain function would stop the call")
    if isinstance(tool, llm.FunctionTool) and not tool.info.description:
        raise ToolsError(f"{where}: a docstring was expected: it tells the model what it is for")
    try:
        llm.ToolContext([tool]).parse_function_tools("openai", strict=False)
    except Exception as e:  # pydantic's many kinds
        reason = str(e).splitlines()[0] if str(e) else type(e).__name__
        raise ToolsError(f"{where}: its arguments can't be described to a model: {reason}") from e


def _where(error: BaseException, file: Path) -> str:
    """The last line of that file, or of a file beside it, that took part."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if Path(f.filename).is_relative_to(file.parent)]
    return f"{own[-1].filename}:{own[-1].lineno}" if own else str(file)
