"""Conversations with the real agent, on its own models."""

import pytest
from earshot.rehearsal import Rehearsal


@pytest.mark.parametrize(
    ("question", "word", "source"),
    [
        ("Where is the garage?", "building", "visitor guide"),
        ("Where is the first aid box?", "kitchen", "safety rules"),
    ],
)
def test_it_answers_and_names_its_source(
    agent: Rehearsal, question: str, word: str, source: str
) -> None:
    (turn,) = agent.ask(question)
    assert [tool.name for tool in turn.tools] == ["search_documents"]
    assert word in turn.reply
    assert source in turn.reply


def test_what_is_in_no_document_is_not_made_up(agent: Rehearsal) -> None:
    (turn,) = agent.ask("Look up the swimming pool.")
    assert turn.tools[0].result == {"text": ""}


def test_it_is_offered_ours(agent: Rehearsal) -> None:
    assert "list_documents" in agent.tools
