"""Results stand as notes under their questions: no call is left for a model to copy."""

import json
from typing import Any

import pytest
from earshot.conversation.saying import Answers, noted, results
from livekit.agents import llm


def used(context: llm.ChatContext, tool: str, arguments: dict[str, Any], value: Any) -> None:
    call = f"call_{len(context.items)}"
    text = value if isinstance(value, str) else json.dumps(value)
    context.items += [
        llm.FunctionCall(call_id=call, name=tool, arguments=json.dumps(arguments)),
        llm.FunctionCallOutput(call_id=call, name=tool, output=text, is_error=False),
    ]


@pytest.fixture
def context() -> llm.ChatContext:
    made = llm.ChatContext()
    made.add_message(role="system", content="You are Earshot.")
    made.add_message(role="user", content="What is 12 times 7?")
    used(made, "calculate", {"expression": "12 * 7"}, {"result": 84})
    made.add_message(role="assistant", content="That is 84.")
    made.add_message(role="user", content="And the time?")
    used(made, "get_current_time", {}, {"time": "14:05", "date": "Tuesday, November 24, 2026"})
    return made


def test_every_question_keeps_its_notes(context: llm.ChatContext) -> None:
    shown = noted(context, ["de"])
    assert [item.type for item in shown.items] == ["message"] * 4
    texts = [m.text_content for m in shown.messages()]
    assert texts == [
        "You are Earshot.",
        "What is 12 times 7?\n\n[calculate: result: 84]",
        "That is 84.",
        "And the time?\n\n[get_current_time: time: 14:05; date: Tuesday, November 24, 2026]",
    ]
    assert context.messages()[1].text_content == "What is 12 times 7?"  # the original is left


@pytest.mark.parametrize(
    ("languages", "time", "shown"),
    [
        (["en"], "10:37", "10:37 AM"),
        (["en"], "22:05", "10:05 PM"),
        (["en"], "00:00", "12:00 AM"),
        (["en"], "12:30", "12:30 PM"),
        (["de"], "22:05", "22:05"),
        (["en", "de"], "22:05", "22:05 (10:05 PM)"),
        ([], "09:05", "09:05 (9:05 AM)"),
        (["en"], "late", "late"),
    ],
)
def test_the_half_of_the_day_is_not_left_to_guess(
    languages: list[str], time: str, shown: str
) -> None:
    made = llm.ChatContext()
    made.add_message(role="user", content="What time is it?")
    used(made, "get_current_time", {}, {"time": time, "date": "Tuesday"})
    assert noted(made, languages).messages()[-1].text_content == (
        f"What time is it?\n\n[get_current_time: time: {shown}; date: Tuesday]"
    )


def test_what_follows_does_not_change_what_stood_before(context: llm.ChatContext) -> None:
    before = [m.text_content for m in noted(context).messages()]
    context.add_message(role="assistant", content="It is 14:05.")
    context.add_message(role="user", content="Thanks.")
    assert [m.text_content for m in noted(context).messages()][: len(before)] == before


def test_results_are_those_since_the_last_words(context: llm.ChatContext) -> None:
    assert [(r.tool, r.arguments) for r in results(context)] == [("get_current_time", {})]
    context.add_message(role="assistant", content="It is 14:05.")
    assert results(context) == []


def test_nothing_found_is_noted_as_such(context: llm.ChatContext) -> None:
    context.add_message(role="user", content="Where is the wifi?")
    used(context, "search_documents", {"query": "wifi"}, {"text": ""})
    assert (noted(context).messages()[-1].text_content or "").endswith(
        "[search_documents: nothing found]"
    )


@pytest.mark.parametrize(
    ("tool", "arguments", "value", "said"),
    [
        ("set_timer", {"amount": 15, "unit": "minutes"}, {"status": "started"},
         "Your timer for 15 minutes is running."),
        ("set_timer", {"amount": 1, "unit": "hour"}, {"status": "started"},
         "Your timer for 1 hour is running."),
        ("set_timer", {"amount": 30, "unit": "sec"}, {"status": "started"},
         "Your timer for 30 seconds is running."),
        ("cancel_timer", {}, {"status": "cancelled"}, "Your timer is cancelled."),
        ("cancel_timer", {}, {"status": "none"}, "There is no timer running."),
        ("search_documents", {"query": "x"}, {"text": ""},
         "Sorry, I don't find anything about that."),
        ("calculate", {"expression": "1/0"}, {"error": "division by zero"},
         "Sorry, I can't work that out."),
        ("calculate", {"expression": "12 * 7"}, {"result": 84}, None),
        ("opening_hours", {}, "from nine to five", None),
    ],
)  # fmt: skip
def test_deeds_and_failures_are_told_by_the_agent_itself(
    tool: str, arguments: dict[str, Any], value: Any, said: str | None
) -> None:
    made = llm.ChatContext()
    made.add_message(role="user", content="…")
    used(made, tool, arguments, value)
    assert Answers(["en"]).ready(results(made)) == said


def test_a_result_is_told_plainly_where_the_model_failed() -> None:
    made = llm.ChatContext()
    made.add_message(role="user", content="…")
    used(made, "calculate", {"expression": "12 * 7"}, {"result": 84})
    used(made, "get_current_time", {}, {"time": "14:05", "date": "Tuesday"})
    used(made, "search_documents", {"query": "x"}, {"text": "Behind the house.", "source": "y"})
    used(made, "own", {}, {"open": "nine to five"})
    assert Answers(["en"]).plain(results(made)) == (
        "That makes 84. It is 14:05 on Tuesday. Behind the house. open: nine to five"
    )


@pytest.mark.parametrize("code", ["en", "de", "fr"])
def test_every_language_has_every_sentence(code: str) -> None:
    english, other = Answers(["en"]), Answers([code])
    assert other._texts.keys() == english._texts.keys()
    assert Answers(["xx", code])._texts == other._texts
