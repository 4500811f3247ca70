"""Shells complete what `earshot completion` tells them to."""

import asyncio
import os
import pty
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import get_completion_class
from earshot.cli import COMMANDS, cli

from ..livekit_server import free_port
from .conftest import KEY, SECRET, joined, run_here

BIN = Path(sys.executable).parent


def complete(*words: str) -> list[str]:
    """What a shell would offer; the last word is the one that is being typed."""
    kind = get_completion_class("bash")
    assert kind
    completer = kind(cli, {}, "earshot", "_EARSHOT_COMPLETE")
    return [item.value for item in completer.get_completions(list(words[:-1]), words[-1])]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("", {"room", "token", "egress"}),
        ("room ", {"list", "create", "delete"}),
        ("sip tr", {"trunk"}),
        ("token create --ro", {"--room", "--room-config"}),
        ("token create --allow-source m", {"microphone"}),
        ("completion ", {"bash", "zsh", "fish"}),
    ],
)
def test_commands_options_and_values(words: str, expected: set[str]) -> None:
    assert expected <= set(complete(*words.split(" ")))


async def test_rooms_and_participants_that_are_there(there: object, server_url: str) -> None:
    async with joined(server_url, "completed", "anna"):
        assert await asyncio.to_thread(complete, "room", "show", "comp") == ["completed"]
        inside = await asyncio.to_thread(complete, "participant", "get", "completed", "")
        assert inside == ["anna"]
    project = ("project", "add", "lab", "--url", server_url, "--api-key", KEY, "--secret-file", "-")
    assert (await asyncio.to_thread(run_here, *project, stdin=SECRET)).status == 0
    assert complete("room", "list", "--project", "l") == ["lab"]
    here = f"--url=ws://127.0.0.1:{free_port()}"
    assert await asyncio.to_thread(complete, "room", "show", here, "comp") == []


def test_bash_completes() -> None:
    script = run_here("completion", "bash").out
    asked = "COMP_WORDS=(earshot dispatch cr); COMP_CWORD=2; _earshot_completion earshot; echo ${COMPREPLY[*]}"
    shown = subprocess.run(
        ["bash", "--norc", "-c", f"{script}\n{asked}"],
        env={**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert shown.stdout.split() == ["create"], shown.stderr


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_understand_it(shell: str) -> None:
    text = run_here("completion", shell).out
    assert f"_EARSHOT_COMPLETE={shell}_complete" in text
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=text, text=True, check=True)


def test_help_is_quick_and_names_every_command() -> None:
    out = subprocess.run([BIN / "earshot", "--help"], capture_output=True, text=True, check=True)
    for name in COMMANDS:
        assert f"  {name} " in out.stdout
    heavy = "import sys, earshot.cli; print([m for m in ('livekit', 'aiohttp', 'grpc', 'numpy', 'rich', 'google.protobuf', 'yaml', 'pydantic') if m in sys.modules])"
    loaded = subprocess.run(
        [sys.executable, "-c", heavy], capture_output=True, text=True, check=True
    )
    assert loaded.stdout == "[]\n"


def test_a_question_at_a_terminal_can_be_declined(tmp_path: Path) -> None:
    environment = {
        **os.environ, "XDG_CONFIG_HOME": str(tmp_path), "LIVEKIT_API_SECRET": "s" * 40,
    }  # fmt: skip
    add = [BIN / "earshot", "project", "add", "x", "--url", "ws://h", "--api-key", "k"]
    subprocess.run(add, env=environment, check=True, capture_output=True)
    for answer, status, left in ((b"n\n", 130, True), (b"y\n", 0, False)):
        mine, its = pty.openpty()
        process = subprocess.Popen(
            [BIN / "earshot", "project", "remove", "x"],
            env=environment, stdin=its, stdout=its, stderr=its,
        )  # fmt: skip
        os.close(its)
        os.write(mine, answer)
        assert process.wait(60) == status
        os.close(mine)
        assert ("x:" in (tmp_path / "earshot" / "projects.yaml").read_text()) == left


def test_a_reader_that_has_seen_enough(tmp_path: Path) -> None:
    shown = subprocess.run(
        ["bash", "-c", "set -o pipefail; earshot settings --table | head -1"],
        env={**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"},
        capture_output=True, text=True,
    )  # fmt: skip
    assert shown.returncode == 0 and not shown.stderr, shown


def test_ctrl_c_ends_a_request_without_a_trace() -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        environment = {
            **os.environ,
            "LIVEKIT_URL": f"ws://127.0.0.1:{deaf.getsockname()[1]}",
            "LIVEKIT_API_KEY": "k",
            "LIVEKIT_API_SECRET": "s" * 40,
        }
        process = subprocess.Popen(
            [BIN / "earshot", "room", "list"],
            env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        deaf.settimeout(60)
        connected, _ = deaf.accept()
        with connected:
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err.strip()) == (130, "", "stopped")
