"""Sure intents: whole utterances, in many wordings; what is not one is left to the model."""

from importlib import resources
from typing import Any

import pytest
import yaml
from earshot.bench.tools import deciders
from earshot.bench.tools.cases import BUILT_IN, HERE, SETS, load, same
from earshot.bench.tools.offered import offered
from earshot.conversation.deciding import Intents
from earshot.conversation.deciding.language import languages
from earshot.errors import ToolsError
from earshot.tools.calculator import calculate

TOOLS = offered(BUILT_IN).described


@pytest.fixture(scope="module")
def english() -> Intents:
    return Intents(TOOLS, ["en"])


@pytest.mark.parametrize(
    "said",
    [
        "What time is it?",
        "hey could you tell me what time it is please",
        "I forgot my watch, what time is it now?",
        "which day of the week is it",
        "what's today's date",
        "Okay, and what day is today?",
        "is it Tuesday or Wednesday today",
    ],
)
def test_time_and_date(english: Intents, said: str) -> None:
    call = english.match(said)
    assert call is not None
    assert (call.name, call.arguments, call.by) == ("get_current_time", {}, "sentence")


@pytest.mark.parametrize(
    ("said", "amount", "unit"),
    [
        ("Set a timer for five minutes.", 5, "minutes"),
        ("set a timer for an hour and a half", 90, "minutes"),
        ("one and a half hour timer", 90, "minutes"),
        ("remind me in 10 min", 10, "minutes"),
        ("start a thirty second timer", 30, "seconds"),
        ("Start a 90-second timer, please.", 90, "seconds"),
        ("wake me up in half an hour", 30, "minutes"),
        ("set a timer for one minute thirty", 90, "seconds"),
        ("timer for 2 hrs", 2, "hours"),
        ("set a timer for two minutes and thirty seconds", 150, "seconds"),
        ("I need to leave in a quarter of an hour, remind me", 15, "minutes"),
        ("The pasta needs eight minutes, can you time it?", 8, "minutes"),
        ("remind me to call my mother in twenty minutes", 20, "minutes"),
        ("tell me when three quarters of an hour are over", 45, "minutes"),
    ],
)
def test_timers(english: Intents, said: str, amount: int, unit: str) -> None:
    call = english.match(said)
    assert call is not None
    assert (call.name, call.arguments) == ("set_timer", {"amount": amount, "unit": unit})


@pytest.mark.parametrize(
    ("said", "query"),
    [
        ("What does the handbook say about holidays?", "holidays"),
        ("look up the fire drill procedure", "the fire drill procedure"),
        ("Search the documents for Anna Berg.", "Anna Berg"),
        ("is there anything in the manual about the 42 error", "the 42 error"),
    ],
)
def test_documents_get_the_words_as_they_were_said(english: Intents, said: str, query: str) -> None:
    call = english.match(said)
    assert call is not None
    assert (call.name, call.arguments) == ("search_documents", {"query": query})


@pytest.mark.parametrize(
    "said",
    [
        "",
        "...",
        "just a second please",
        "see you in ten minutes",
        "What do you think of timers?",
        "I always set a timer when I bake",
        "don't tell me what time it is",
        "He asked me, what time is it?",
        "what time is it in Tokyo",
        "Set a timer for five minutes, no, ten.",  # which?
        "What time is it? Set a timer for five minutes.",  # two wishes
        "set a timer for -5 minutes",
        "set a timer for zero minutes",
        "set a timer for two days",  # longer than a timer may be
        "look it up",
        "The meeting took an hour and a half.",
        "word " * 100,
        "look up at the sky",
        "is it late",
        "in ten minutes I have to leave",
    ],
)
def test_what_is_not_sure_is_left_to_the_model(english: Intents, said: str) -> None:
    assert english.match(said) is None


@pytest.mark.parametrize("name", SETS)
def test_no_utterance_of_the_sets_is_answered_with_a_false_call(name: str) -> None:
    made: dict[tuple[str, str], Intents] = {}
    found = 0
    wanted = 0
    for case in load(HERE / f"{name}.jsonl"):
        if case.heard:
            continue  # what was heard wrongly can only be answered wrongly
        key = (case.offered, case.language)
        if key not in made:
            made[key] = deciders.sentences(case)
        call = made[key].match(case.text, case.language)
        wanted += case.tool is not None
        if call is not None:
            assert (case.text, call.name) == (case.text, case.tool)
            assert same(case, call.arguments), (case.text, call.arguments)
            found += 1
    assert found / wanted > 0.8


def test_only_tools_that_are_there_are_called() -> None:
    few = [tool for tool in TOOLS if tool["function"]["name"] == "calculate"]
    intents = Intents(few, ["en"])
    assert intents.match("what time is it") is None
    assert intents.match("what is two plus two") is not None


def test_the_language_that_was_heard_is_tried_else_each_of_the_conversation() -> None:
    intents = Intents(TOOLS, ["en", "de"])
    assert intents.match("Wie spät ist es?") is not None
    assert intents.match("Wie spät ist es?", "de-AT") is not None
    assert intents.match("Wie spät ist es?", "en") is None
    assert intents.match("Quelle heure est-il ?", "fr") is None  # not of this conversation
    assert Intents(TOOLS, []).match("Quelle heure est-il ?", "fr") is not None  # any
    assert Intents(TOOLS, ["tlh"]).match("what time is it") is not None


@pytest.mark.parametrize(
    ("language", "said", "amount", "unit"),
    [
        ("de", "weck mich bitte in anderthalb Stunden", 90, "minutes"),
        (
            "de",
            "Erinnere mich in einer halben Stunde daran, den Müll rauszubringen.",
            30,
            "minutes",
        ),
        ("fr", "rappelle-moi de sortir les poubelles dans une heure et quart", 75, "minutes"),
        ("fr", "mets un minuteur d'une demi-heure", 30, "minutes"),
        ("es", "avísame en una hora y media", 90, "minutes"),
        ("it", "svegliami tra mezz'ora", 30, "minutes"),
        ("it", "imposta un timer di un minuto", 1, "minutes"),
        ("pt", "põe um temporizador de cinco minutos", 5, "minutes"),
        ("nl", "zet de timer op een kwartier", 15, "minutes"),
        ("nl", "wek me over anderhalf uur", 90, "minutes"),
        ("pl", "ustaw minutnik na godzinę", 1, "hours"),
        ("pl", "przypomnij mi za dwadzieścia pięć minut", 25, "minutes"),
    ],
)
def test_timers_in_other_languages(language: str, said: str, amount: int, unit: str) -> None:
    call = Intents(TOOLS, [language]).match(said)
    assert call is not None
    assert (call.name, call.arguments) == ("set_timer", {"amount": amount, "unit": unit})


@pytest.mark.parametrize("language", sorted(languages()))
def test_each_language_knows_its_examples(language: str) -> None:
    file = resources.files("earshot.languages") / language / "intents.yaml"
    examples = yaml.safe_load(file.read_text("utf-8"))["examples"]
    assert set(examples) == {tool["function"]["name"] for tool in TOOLS}
    intents = Intents(TOOLS, [language])
    for name, said in examples.items():
        call = intents.match(said)
        assert call is not None, said
        assert call.name == name
        if name == "set_timer":
            assert call.arguments == {"amount": 90, "unit": "minutes"}
        if name == "calculate":
            assert calculate(call.arguments["expression"]) == {"result": 87}


@pytest.mark.parametrize(
    ("language", "said", "name"),
    [
        ("sv", "vad är klockan", "get_current_time"),
        ("da", "hvad er klokken", "get_current_time"),
        ("cs", "kolik je hodin", "get_current_time"),
        ("sv", "sätt en timer på 5 minuter", "set_timer"),
    ],
)
def test_languages_without_a_file_have_home_assistants_sentences(
    language: str, said: str, name: str
) -> None:
    call = Intents(TOOLS, [language]).match(said)
    assert call is not None
    assert call.name == name
    if name == "set_timer":
        assert call.arguments == {"amount": 5, "unit": "minutes"}


@pytest.mark.timeout(60)
def test_a_long_utterance_does_not_keep_the_matcher_busy(english: Intents) -> None:
    """Wildcards could make it try every way to share out the words, which would never end."""
    for said in ("set a timer " * 15, "for five minutes and " * 12, "a b c d e f g h " * 7):
        assert english.match(said) is None


SHOP = {
    "function": {
        "name": "opening_hours",
        "parameters": {
            "properties": {
                "day": {"type": "string", "enum": ["Monday", "Tuesday"]},
                "weeks": {"type": "integer"},
                "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            },
            "required": [],
        },
    }
}


@pytest.mark.parametrize(
    ("said", "arguments"),
    [
        ("When do you open?", {}),
        ("hey, when do you open on monday please", {"day": "Monday"}),
        ("what time do you open in three weeks", {"weeks": 3}),
        ("what time do you open in the 2nd week", {"weeks": 2}),
        ("opening hours note it is for Anna Berg", {"note": "it is for Anna Berg"}),
        ("when do you open on Saturday", None),
        ("what time do you open in many weeks", None),
        ("tell my dog when you open", None),
    ],
)
def test_sentences_of_ones_own(said: str, arguments: dict[str, Any] | None) -> None:
    sentences = [
        "(when|what time) do you open [on {day}]",
        "(when|what time) do you open in [the] {weeks} (week|weeks)",
        "opening hours note {note}",
    ]
    call = Intents([SHOP], ["en"], {"opening_hours": sentences}).match(said)
    assert (call.arguments if call else None) == arguments


@pytest.mark.parametrize(
    ("tool", "sentence", "why"),
    [
        ("closing_hours", "when do you close", "there is no tool 'closing_hours'; there are: open"),
        ("opening_hours", "when (do you open", "words with"),
        ("opening_hours", "when do you open on {month}", "no argument 'month': {day}, {weeks}"),
        ("opening_hours", "when do <you> open", "<rules> can't be used"),
        ("opening_hours", "{day}", "words of its own"),
        ("opening_hours", " ", "words of its own"),
    ],
)
def test_mistakes_in_them_are_one_line(tool: str, sentence: str, why: str) -> None:
    with pytest.raises(ToolsError, match=r"^tools\.sentences") as caught:
        Intents([SHOP], ["en"], {tool: [sentence]})
    assert why in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_a_tool_needs_has_to_be_in_its_sentences() -> None:
    only = [tool for tool in TOOLS if tool["function"]["name"] == "calculate"]
    with pytest.raises(ToolsError, match=r"the tool needs \{expression\}"):
        Intents(only, ["en"], {"calculate": ["do the maths"]})


def test_a_thing_is_no_name() -> None:
    tools = offered("receptionist")
    intents = Intents(tools.described, ["en"], tools.sentences)
    call = intents.match("Which room is Anna in?")
    assert call is not None
    assert (call.name, call.arguments) == ("find_person", {"name": "Anna"})
    assert intents.match("Which room is the meeting in?") is None
    assert intents.match("Tell me that you are a robot.") is None


def test_sentences_of_ones_own_add_to_ours() -> None:
    timer = {"cancel_timer": ["hush"]}
    intents = Intents(TOOLS, ["en"], timer)
    for said in ("hush", "cancel the timer"):
        call = intents.match(said)
        assert call is not None
        assert call.name == "cancel_timer"
