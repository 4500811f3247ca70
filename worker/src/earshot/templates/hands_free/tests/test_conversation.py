"""Conversations with the real agent, on its own models."""

from earshot.rehearsal import Rehearsal


def test_a_timer(agent: Rehearsal) -> None:
    (turn,) = agent.ask("Set a timer for five minutes.")
    assert [tool.name for tool in turn.tools] == ["set_timer"]
    assert turn.tools[0].arguments == {"amount": 5, "unit": "minutes"}


def test_a_timer_and_no_timer(agent: Rehearsal) -> None:
    _, cancelled = agent.ask("Set a timer for ten minutes.", "Cancel the timer.")
    assert [tool.name for tool in cancelled.tools] == ["cancel_timer"]


def test_it_is_offered_ours(agent: Rehearsal) -> None:
    assert {"next_step", "repeat_step", "previous_step"} <= set(agent.tools)
