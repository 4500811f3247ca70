"""docs/lk.md is complete, and each of its rows names tests that exist."""

import re
from pathlib import Path

import click
import pytest
from earshot.cli import cli

ROOT = Path(__file__).parents[2]
TESTS = ROOT / "tests"

LK = """
token create
room create, list, update, delete, join, mute-track, update-subscriptions, send-data
room participants list, get, remove, update, forward, move
dispatch list, get, create, delete
egress start, list, stop, test-template, update-layout, update-stream
ingress create, update, list, delete
sip inbound list, create, update, delete
sip outbound list, create, update, delete
sip dispatch list, create, update, delete
sip participant create, transfer
perf load-test, agent-load-test
project add, list, remove, set-default
app create, list-templates, env
agent init, create, dockerfile, config, deploy, promote, status, update, restart, rollback, logs, delete, versions, list, secrets, update-secrets, private-link, start, dev, console, session, simulate
number
cloud auth
docs
"""
"""The commands that `lk --help` shows, version 2.18.3."""


def commands_of_lk() -> set[str]:
    found = set()
    for line in LK.strip().splitlines():
        first, *others = line.split(", ")
        noun = first.rpartition(" ")[0]
        found |= {first, *(f"{noun} {verb}" for verb in others)}
    return found


def rows() -> list[list[str]]:
    lines = (ROOT / "docs" / "lk.md").read_text().splitlines()
    table = [line for line in lines if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table]


def test_every_command_of_lk_has_a_row_and_no_other() -> None:
    named = [name for row in rows() for name in re.findall(r"`([^`]+)`", row[0])]
    assert len(named) == len(set(named))
    assert set(named) == commands_of_lk()


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0].strip("`").split("`")[0])
def test_a_row_holds_what_it_says(row: list[str]) -> None:
    _, ours, verdict, why, tests = row
    assert verdict in ("same", "better", "not applicable")
    named = re.findall(r"`([\w/.]+?)(?:::(\w+))?`", tests)
    if verdict == "not applicable":
        assert why and not named
    else:
        assert ours and named
        assert why or verdict == "same"
    for file, name in named:
        text = (TESTS / file).read_text()
        assert not name or re.search(rf"^(async )?def {name}\(", text, re.M), (file, name)
    for command in re.findall(r"`([^`]+)`", ours):
        _is_a_command(command)


def _is_a_command(line: str) -> None:
    found: click.Command | None = cli
    with click.Context(cli) as ctx:
        for word in line.split():
            if isinstance(found, click.Group):
                found = found.get_command(ctx, word)
                assert found, line
            elif word.startswith("-"):
                assert any(word in p.opts for p in found.params), line
            else:
                assert any(isinstance(p, click.Argument) for p in found.params), line
