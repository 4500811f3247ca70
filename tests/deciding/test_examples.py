"""The worked examples: of tools that there are, with arguments that their schemas take."""

import json

import fastjsonschema
import pytest
from earshot.agent import Assistant
from earshot.conversation.deciding.examples import TALK, Example, examples, of_sentences, woven
from earshot.settings import PersonaSettings
from livekit.agents import llm

TOOLS = {
    d["function"]["name"]: d["function"]["parameters"]
    for d in llm.ToolContext(Assistant(PersonaSettings(), None).tools).parse_function_tools(
        "openai", strict=False
    )
}


@pytest.mark.parametrize("languages", [["en"], ["de"], ["en", "fr"], []])
def test_calls_are_those_of_the_tools(languages: list[str]) -> None:
    found = examples(languages, TOOLS)
    assert {e.tool for e in found} == {TALK, *TOOLS}
    for example in found:
        _, _, arguments = example.reply.partition(" ")
        if example.tool != TALK:
            fastjsonschema.compile(TOOLS[example.tool])(json.loads(arguments or "{}"))


def test_a_tool_that_is_not_there_has_none() -> None:
    found = examples(["en"], ["calculate"])
    assert {e.tool for e in found} == {TALK, "calculate"}


def test_another_language_stands_among_the_english_ones() -> None:
    found = [e.said for e in examples(["de"], TOOLS)]
    german = [i for i, said in enumerate(found) if "Timer" in said or "Wecker" in said]
    assert "What's the time?" in found
    assert max(german) - min(german) > 5


def test_ones_own_sentences_are_read_in_some_of_their_ways() -> None:
    own = {
        "opening_hours": ["(when|what time) do you open [on {day}]", "are you open [now]"],
        "call_person": ["call {name}"],
    }
    assert [(e.said, e.tool) for e in of_sentences(own)] == [
        ("when do you open", "opening_hours"),
        ("what time do you open", "opening_hours"),
        ("are you open now", "opening_hours"),
        ("are you open", "opening_hours"),
    ]


def test_a_sentence_of_a_thousand_readings_gives_three() -> None:
    many = " ".join("(a|b|c)" for _ in range(12))
    found = of_sentences({"own": [many]})
    assert len(found) == len({e.said for e in found}) == 3


def test_two_lists_are_spread_evenly() -> None:
    a = [Example(str(i), TALK) for i in range(6)]
    b = [Example("x", "own"), Example("y", "own")]
    places = [i for i, e in enumerate(woven(a, b)) if e.tool == "own"]
    assert places[0] < 4 <= places[1]
