"""Every example in the help of the operator's commands is run, against a real livekit-server."""

import asyncio
import importlib
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from earshot.cli import SERVER_COMMANDS, main
from livekit import rtc

from .conftest import SECRET, joined, publish, run_here, until

OURS = ("completion", *SERVER_COMMANDS)
_ELSEWHERE = {("room", "join")}
"""Tested where it is made."""


def commands(name: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    yield name, command
    if isinstance(command, click.Group):
        for part, below in command.commands.items():
            if (name, part) not in _ELSEWHERE:
                yield from commands(f"{name} {part}", below)


def examples(command: click.Command) -> list[str]:
    """The shell lines below `Examples:`; one that ends in | goes on in the next."""
    text = command.help or ""
    lines = text.partition("Examples:")[2].replace("\b", "").splitlines()
    found: list[str] = []
    for line in (line.strip() for line in lines if line.strip()):
        if found and found[-1].endswith("|"):
            found[-1] += f" {line}"
        else:
            found.append(line)
    return found


EVERY = [
    (name, command)
    for noun in OURS
    for name, command in commands(noun, importlib.import_module(f"earshot.cli.{noun}").command)
]
# what makes something comes before what changes it, and that before what ends it
_ORDER = ("create", "add", "start", "send", "call", "use", "list", "show", "get", "update", "mute",
          "unmute", "subscribe", "unsubscribe", "remove", "delete", "end", "stop")  # fmt: skip


def rank(name: str) -> tuple[int, int]:
    noun, *_, verb = name.split() if " " in name else (name, "")
    ended = verb in ("remove", "delete", "end", "stop")
    order = _ORDER.index(verb) if verb in _ORDER else len(_ORDER) // 2
    # rooms and participants outlive the rest
    return (OURS.index(noun) if not ended else 100 - OURS.index(noun), order)


def test_every_command_has_a_description_and_examples() -> None:
    for name, command in EVERY:
        assert command.help and command.help.strip(), name
        assert command.get_short_help_str().endswith("."), name
        assert examples(command), f"{name} has no examples"
        for option in command.params:
            if isinstance(option, click.Option):
                words = option.help or option.metavar or isinstance(option.type, click.Choice)
                assert words or option.secondary_opts, (name, option.opts)


def test_commands_say_how_they_are_used_when_they_are_given_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["earshot", "room"])
    with pytest.raises(SystemExit) as status:
        main()
    assert status.value.code == 2
    assert "Commands:\n" in capsys.readouterr().err


def shell(line: str) -> str:
    """Runs a line of examples in this process: pipes, `echo`, and `||` after what may fail."""
    line, _, otherwise = line.partition("||")
    out, status = "", 0
    for part in line.split("| "):
        name, *args = shlex.split(part)
        if name == "echo":
            out = args[0]
            continue
        assert name == "earshot", line
        result = run_here(*args, stdin=out)
        out, status = result.out, result.status
        assert "Traceback" not in result.err
        assert status == 0 or (otherwise and status in (1, 3, 5)), f"$ {line}\n{result}"
    return out


async def test_the_examples_work(there: Path, server_url: str) -> None:
    (there / "secret.txt").write_text(SECRET)

    async def greet(data: rtc.RpcInvocationData) -> str:
        return data.payload

    async def run(line: str) -> str:
        return await asyncio.to_thread(shell, line)

    async with (
        joined(server_url, "lobby", "anna") as anna,
        joined(server_url, "lobby", "ben"),
        joined(server_url, "clinic", "carl"),
    ):
        anna.local_participant.register_rpc_method("greet", greet)
        sid = await publish(anna)

        async def listed() -> bool:
            return sid in await run("earshot track list lobby")

        await until(listed)
        done = []
        for _, command in sorted(EVERY, key=lambda item: rank(item[0])):
            if not isinstance(command, click.Group):
                for line in examples(command):
                    await run(line)
                    done.append(line)
    assert len(done) > 60
    # a group's examples are taken from its commands, or are like them
    for name, command in EVERY:
        if isinstance(command, click.Group):
            for line in examples(command):
                noun, verb = shlex.split(line)[1:3]
                assert f"{noun} {verb}" in {" ".join(n.split()[:2]) for n, _ in EVERY}, (name, line)
