"""Conversations with the real agent, on its own models."""

from earshot.rehearsal import Rehearsal


def test_it_answers_about_the_house(agent: Rehearsal) -> None:
    (turn,) = agent.ask("Where is the coffee?")
    assert [tool.name for tool in turn.tools] == ["search_documents"]
    assert "kitchen" in turn.reply


def test_it_introduces_itself(agent: Rehearsal) -> None:
    hello, name = agent.ask("Hello.", "What is your name?")
    assert hello.reply
    assert "Clara" in name.reply


def test_it_is_offered_ours(agent: Rehearsal) -> None:
    assert {"find_person", "take_message"} <= set(agent.tools)
