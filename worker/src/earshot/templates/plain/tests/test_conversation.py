"""Conversations with the real agent, on its own models."""

from earshot.rehearsal import Rehearsal


def test_it_knows_its_name(agent: Rehearsal) -> None:
    (turn,) = agent.ask("What is your name?")
    assert "Nova" in turn.reply


def test_it_uses_its_tools(agent: Rehearsal) -> None:
    (turn,) = agent.ask("What is seven plus two?")
    assert [tool.name for tool in turn.tools] == ["calculate"]
    assert "9" in turn.reply


def test_it_is_offered_ours(agent: Rehearsal) -> None:
    assert "days_until" in agent.tools


def test_a_spoken_question_is_answered_by_voice(agent: Rehearsal) -> None:
    (turn,) = agent.say("What time is it?")
    assert [tool.name for tool in turn.tools] == ["get_current_time"]
    assert turn.latency_ms.voice_to_voice is not None
