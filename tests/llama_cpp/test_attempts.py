"""Replies that nobody could use are tried again, and arguments that don't fit asked for again."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import pytest
from dialogues import TOOLS, tool
from livekit.plugins.llama_cpp import (
    Done,
    Event,
    GenerateRequest,
    NoAnswerError,
    TextDelta,
    ThinkingDelta,
    ToolCall,
    Usage,
)
from livekit.plugins.llama_cpp.arguments import Arguments
from livekit.plugins.llama_cpp.attempts import answered

STOP, EMPTY, CALLED = (Done(r, Usage()) for r in ("stop", "empty", "tool_calls"))


def call(name: str, arguments: str) -> ToolCall:
    return ToolCall("call_1", name, arguments)


class Scripted:
    """Gives one list of events after the other, and remembers what it was asked."""

    def __init__(self, *replies: list[Event]) -> None:
        self.replies = list(replies)
        self.asked: list[tuple[GenerateRequest, bool]] = []

    async def __call__(self, request: GenerateRequest, thinks: bool) -> AsyncGenerator[Event, None]:
        self.asked.append((request, thinks))
        for event in self.replies.pop(0):
            yield event


async def events(scripted: Scripted, **options: Any) -> list[Event]:
    request = GenerateRequest(messages=[], tools=TOOLS, **options)
    return [event async for event in answered(scripted, request)]


async def test_speech_and_calls_pass_as_they_come() -> None:
    reply = [TextDelta("One moment."), call("calculate", '{"expression": "1"}'), CALLED]
    scripted = Scripted(reply)
    assert await events(scripted) == reply
    assert len(scripted.asked) == 1


async def test_an_empty_reply_is_tried_once_more_otherwise() -> None:
    scripted = Scripted([ThinkingDelta("hm"), EMPTY], [TextDelta("Hello."), STOP])
    assert await events(scripted) == [ThinkingDelta("hm"), TextDelta("Hello."), STOP]
    (first, thinks), (second, thinks_again) = scripted.asked
    assert (first.temperature, first.tool_choice, thinks) == (0.0, "auto", True)
    assert second.temperature > 0 and second.seed is not None
    assert (second.tools, thinks_again) == ([], False)


async def test_two_empty_replies_are_an_error() -> None:
    with pytest.raises(NoAnswerError, match="no answer that can be spoken"):
        await events(Scripted([EMPTY], [EMPTY]))


async def test_a_sentence_that_was_broken_off_is_followed_by_another() -> None:
    scripted = Scripted([TextDelta("The time is"), EMPTY], [TextDelta("I don't know."), STOP])
    told = await events(scripted)
    assert [e.text for e in told if isinstance(e, TextDelta)] == [
        "The time is",
        ". ",
        "I don't know.",
    ]


async def test_what_is_held_to_a_form_is_asked_for_once() -> None:
    scripted = Scripted([EMPTY])
    assert await events(scripted, choices=["yes", "no"]) == [EMPTY]


@pytest.mark.parametrize(
    "wrong",
    ['{"properties": {"expression": {"type": "string"}}}', "{}", '{"expression": 1, "x": 2}'],
)
async def test_arguments_that_do_not_fit_are_asked_for_again(wrong: str) -> None:
    good = call("calculate", '{"expression": "5 + 3"}')
    scripted = Scripted([call("calculate", wrong), CALLED], [good, CALLED])
    assert await events(scripted) == [good, CALLED]
    request, thinks = scripted.asked[1]
    assert (request.tool_choice, request.parallel_tool_calls, thinks) == ("calculate", False, False)


async def test_what_is_wrong_twice_goes_to_the_tool_which_says_so() -> None:
    wrong = call("calculate", "{}")
    assert await events(Scripted([wrong, CALLED], [wrong, CALLED])) == [wrong, CALLED]


async def test_a_call_that_was_forced_is_not_asked_for_again() -> None:
    wrong = call("calculate", "{}")
    scripted = Scripted([wrong, CALLED])
    assert await events(scripted, tool_choice="calculate") == [wrong, CALLED]
    assert len(scripted.asked) == 1


@pytest.mark.parametrize(
    ("name", "given", "fitted"),
    [
        ("set_timer", {"amount": "5", "unit": "minutes"}, {"amount": 5, "unit": "minutes"}),
        ("set_timer", {"amount": 5.0, "unit": "minutes"}, {"amount": 5, "unit": "minutes"}),
        ("set_timer", {"amount": 5.5, "unit": "minutes"}, None),
        ("set_timer", {"amount": "five", "unit": "minutes"}, None),
        ("set_timer", {"amount": 5}, None),
        (
            "set_timer",
            {"amount": 5, "unit": "minutes", "at": None},
            {"amount": 5, "unit": "minutes"},
        ),
        ("set_timer", {"amount": 5, "unit": "minutes", "at": 1}, None),
        ("calculate", {"expression": 8}, {"expression": "8"}),
        ("calculate", {"expression": ["8"]}, None),
        ("get_current_time", {"title": "GetCurrentTimeArgs", "properties": {}}, {}),
        ("odd", {"level": "low"}, {"level": "low"}),
        ("odd", {"level": "none"}, None),
        ("odd", {}, {}),
    ],
)
def test_what_fits_a_tool(name: str, given: dict[str, Any], fitted: dict[str, Any] | None) -> None:
    odd = tool("odd", "Odd.")
    odd["function"]["parameters"] = {
        "type": "object",
        "properties": {"level": {"enum": ["low", "high"]}},
    }
    assert Arguments([*TOOLS, odd]).fitted(name, given) == fitted
