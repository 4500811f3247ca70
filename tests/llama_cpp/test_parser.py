"""However a reply is cut into pieces, the parser says the same."""

from __future__ import annotations

import random
from collections.abc import Sequence

import parsing
import pytest
from dialogues import TOOLS, tool
from livekit.plugins.llama_cpp.dialects import (
    Dialect,
    Gemma4,
    Hermes,
    Lfm2,
    Llama3,
    Mistral,
    MistralArgs,
    QwenXml,
)
from livekit.plugins.llama_cpp.generator import TextDelta, ThinkingDelta, ToolCall
from livekit.plugins.llama_cpp.parser import ReplyParser
from parsing import Told

LETTERS = [tool(name, name) for name in ("a", "b")]


def told(dialect: Dialect, pieces: Sequence[str], stop: Sequence[str] = ()) -> Told:
    return parsing.told(dialect, pieces, stop, [*TOOLS, *LETTERS])


CALL = '{"name": "calculate", "arguments": {"expression": "5 + 3"}}'
REPLIES: list[tuple[Dialect, str, Told]] = [
    (Hermes(), "The answer is 8.", [("text", "The answer is 8.")]),
    (Hermes(), "  \n a < b <tool <i>é 漢 🙂</i> \n", [("text", "a < b <tool é 漢 🙂")]),
    (
        Hermes(),
        f"<think>\nhm <tool_call> no\n</think>\n\nOne moment.\n<tool_call>\n{CALL}\n</tool_call>",
        [
            ("think", "\nhm <tool_call> no\n"),
            ("text", "One moment."),
            ("calculate", '{"expression": "5 + 3"}'),
        ],
    ),
    (
        Hermes(),
        '<tool_call>{"name": "a", "arguments": {"x": "}</tool_call>\\"{"}}</tool_call>'
        '\n<tool_call>{"name": "b", "arguments": {}}</tool_call>\nDone.',
        [("a", '{"x": "}</tool_call>\\"{"}'), ("b", "{}"), ("text", "Done.")],
    ),
    (Hermes(), f"Wait. <tool_call>\n{CALL[:-4]}", [("text", "Wait."), ("calculate", "{}")]),
    (Hermes(), "<think>still thinking", [("think", "still thinking")]),
    (Llama3(), '{"name": "a", "parameters": {"k": [1, 2]}}', [("a", '{"k": [1, 2]}')]),
    (
        Llama3(),
        '<|python_tag|>{"name": "a", "parameters": {}}; more',
        [("a", "{}"), ("text", "more")],
    ),
    (Llama3(), "So {x}. Yes.", [("text", "So. Yes.")]),
    (
        Mistral(),
        '[TOOL_CALLS][{"name": "a", "arguments": {}}, {"name": "b", "arguments": {"c": true}}]',
        [("a", "{}"), ("b", '{"c": true}')],
    ),
    (
        MistralArgs(),
        '[TOOL_CALLS]a[ARGS]{"x": "]}"}[TOOL_CALLS]b[ARGS]{}',
        [("a", '{"x": "]}"}'), ("b", "{}")],
    ),
    (
        QwenXml(),
        "<tool_call>\n<function=a>\n<parameter=n>\n5\n</parameter>\n<parameter=s>\nfive\nsix\n"
        "</parameter>\n</function>\n</tool_call>",
        [("a", '{"n": 5, "s": "five\\nsix"}')],
    ),
    (
        Gemma4(),
        '<|channel>thought\nhm<channel|><|tool_call>call:a{s:<|"|>x, y:{z}<|"|>,n:5,l:[true]}'
        "<tool_call|>",
        [("think", "thought\nhm"), ("a", '{"s": "x, y:{z}", "n": 5, "l": [true]}')],
    ),
    (
        Lfm2(),
        '<|tool_call_start|>[a(s="it\'s", n=5, b=True), b()]<|tool_call_end|>Ok.',
        [("a", '{"s": "it\'s", "n": 5, "b": true}'), ("b", "{}"), ("text", "Ok.")],
    ),
]


@pytest.mark.parametrize(("dialect", "reply", "expected"), REPLIES)
def test_every_split_in_two_says_the_same(dialect: Dialect, reply: str, expected: Told) -> None:
    assert told(dialect, [reply]) == expected
    assert told(dialect, list(reply)) == expected
    for cut in range(len(reply) + 1):
        assert told(dialect, [reply[:cut], reply[cut:]]) == expected, cut


@pytest.mark.parametrize(("dialect", "reply", "expected"), REPLIES)
def test_random_splits_say_the_same(dialect: Dialect, reply: str, expected: Told) -> None:
    rng = random.Random(7)
    for _ in range(100):
        cuts = sorted(rng.choices(range(len(reply) + 1), k=rng.randint(0, 6)))
        pieces = [reply[a:b] for a, b in zip([0, *cuts], [*cuts, len(reply)], strict=True)]
        assert told(dialect, pieces) == expected, pieces


def test_random_text_of_markers_never_depends_on_its_splits() -> None:
    rng = random.Random(11)
    parts = ["<think>", "</think>", "<tool_call>", "</tool_call>", CALL, "<", " ", "\n", "a", "END"]
    for _ in range(500):
        reply = "".join(rng.choices(parts, k=rng.randint(1, 8)))
        whole = told(Hermes(), [reply], ["END", "\n\n", "a a"])
        assert told(Hermes(), list(reply), ["END", "\n\n", "a a"]) == whole, reply


def test_stop_text_is_not_said_nor_what_follows() -> None:
    for cut in range(len("One two. User: three")):
        pieces = ["One two. User: three"[:cut], "One two. User: three"[cut:]]
        assert told(Hermes(), pieces, ["User:"]) == [("text", "One two.")]
    assert told(Hermes(), ["One ", "Us", " two"], ["User:"]) == [("text", "One Us two")]


def test_text_that_may_become_a_marker_is_held_back_and_no_more() -> None:
    parser = ReplyParser(Hermes(), tools=TOOLS)
    assert parser.feed("Hello <tool") == [TextDelta("Hello")]
    assert parser.feed("s are\n") == [TextDelta(" <tools are")]


def test_a_call_gives_back_what_was_written_behind_its_marker() -> None:
    parser = ReplyParser(Hermes(), tools=TOOLS)
    assert parser.feed('Ok <tool_call>{"na') == [TextDelta("Ok")]
    assert parser.take_opened() == (None, '{"na')
    assert parser.take_opened() is None
    assert [type(e) for e in parser.feed(CALL + "</tool_call>")] == [ToolCall]


def test_thinking_that_the_prompt_opened() -> None:
    parser = ReplyParser(Hermes(), thinking="</think>")
    events = parser.feed("hm</think> Yes.") + parser.finish()
    assert events == [ThinkingDelta("hm"), TextDelta("Yes.")]
