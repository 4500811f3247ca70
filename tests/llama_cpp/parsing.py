"""What tests do with a parser."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from typing import Any

from dialogues import TOOLS
from livekit.plugins.llama_cpp.dialect import Dialect
from livekit.plugins.llama_cpp.generator import Event, TextDelta, ThinkingDelta, ToolCall
from livekit.plugins.llama_cpp.parser import ReplyParser

Told = list[tuple[str, str]]


def fed(parser: ReplyParser, piece: str) -> list[Event]:
    """The piece's events, with what stands behind the opening of a call written as it was."""
    events = parser.feed(piece)
    while (opened := parser.take_opened()) is not None:
        events += parser.feed(opened[1])
    return events


def told(
    dialect: Dialect,
    pieces: Sequence[str],
    stop: Sequence[str] = (),
    tools: Sequence[dict[str, Any]] = tuple(TOOLS),
) -> Told:
    """(kind or tool name, text) with neighbours of one kind joined."""
    parser = ReplyParser(dialect, tools=tools, stop=stop)
    events = [event for piece in pieces for event in fed(parser, piece)] + parser.finish()
    out: Told = []
    for event in events:
        if isinstance(event, ToolCall):
            json.loads(event.arguments)
            out.append((event.name, event.arguments))
            continue
        assert isinstance(event, TextDelta | ThinkingDelta)
        assert event.text
        kind = "text" if isinstance(event, TextDelta) else "think"
        if out and out[-1][0] == kind:
            out[-1] = (kind, out[-1][1] + event.text)
        else:
            out.append((kind, event.text))
    return out


def splits(reply: str, count: int = 40) -> Iterator[list[str]]:
    """Whole, letter by letter, in two at every place, and at random."""
    yield [reply]
    yield list(reply)
    for cut in range(1, len(reply)):
        yield [reply[:cut], reply[cut:]]
    rng = random.Random(7)
    for _ in range(count):
        cuts = sorted(rng.choices(range(len(reply) + 1), k=rng.randint(2, 8)))
        yield [reply[a:b] for a, b in zip([0, *cuts], [*cuts, len(reply)], strict=True)]


def always_told(dialect: Dialect, reply: str) -> Told:
    """What is told however the reply is split."""
    whole = told(dialect, [reply])
    for pieces in splits(reply):
        assert told(dialect, pieces) == whole, pieces
    return whole
