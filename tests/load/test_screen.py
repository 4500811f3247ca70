"""What is shown while calls go on."""

import io
from dataclasses import asdict

import pytest
from earshot.load.records import Call
from earshot.load.screen import Lines, Live, Screen
from rich.console import Console

from .making import call, step, turn


def go_on(screen: Screen) -> None:
    screen.step(2, 60.0)
    for caller in (0, 1):
        screen.heard(caller, "joined", {"join_s": 0.1})
        screen.heard(caller, "agent", {"agent_s": 0.2})
    screen.heard(0, "turn", {"turn": asdict(turn(0.5, reply="The answer is [b]8[/b]."))})
    screen.heard(1, "turn", {"turn": asdict(turn(None, why="it did not come"))})
    screen.ended(Call(1, "broken off", "the call ended"))


def test_the_state_is_counted() -> None:
    screen = Screen()
    go_on(screen)
    assert screen.state.startswith(
        "2 at once: 2 joined, 2 with an agent, 1 done, 1 failed; 2 turns, 1 without an answer,"
        " p50 0.50 s, p95 0.50 s;"
    )
    screen.step(4, 60.0)
    assert screen.state.startswith("4 at once: 0 joined")


def test_for_people() -> None:
    screen = Live()
    go_on(screen)
    screen.stepped(step(2, call(turn(0.5))))
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(screen._render())
    shown = console.export_text()
    assert "1: What is five plus three? → The answer is [b]8[/b]. [0.50 s]" in shown
    assert "2: What is five plus three? → it did not come [– s]" in shown
    assert "2 at once: held 1 of 1, voice to voice 0.50 · 0.50 · 0.50 (1)" in shown


def test_for_logs(capsys: pytest.CaptureFixture[str]) -> None:
    screen = Lines()
    go_on(screen)
    screen.stepped(step(2, call(turn(0.5))))
    starting, failed, done = capsys.readouterr().err.splitlines()
    assert starting == "2 at once: starting"
    assert failed == "caller 2: broken off: the call ended"
    assert done.startswith("2 at once: held 1 of 1")
