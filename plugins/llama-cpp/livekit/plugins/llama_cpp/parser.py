"""A reply, piece by piece, into text, thinking and tool calls.

However the text is split into pieces, the events say the same. Knows nothing of tokens or
models; a call comes out whole or not at all.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from typing import Literal

from .dialects import Dialect
from .generator import Event, TextDelta, ThinkingDelta, ToolCall
from .log import logger

State = Literal["text", "think", "tool", "stopped"]


class ReplyParser:
    """Reads one reply.

    Args:
        dialect: How the model writes calls.
        stop: Texts that end the reply; they and what follows are not part of it.
        thinking: The prompt already opened the model's thinking.
        calls: Whether calls are looked for.
    """

    def __init__(
        self,
        dialect: Dialect,
        *,
        stop: Sequence[str] = (),
        thinking: bool = False,
        calls: bool = True,
    ) -> None:
        self._dialect = dialect
        self._think_open, self._think_close = dialect.thinking
        self._stops = [s for s in stop if s]
        self._markers = [self._think_open, dialect.marker, *self._stops]
        self._bare = calls and dialect.bare
        self._buffer = ""
        self._space = ""
        """White space that is text only if more text follows."""
        self._spoke = False
        self._called = False
        self._just_opened = False
        self.state: State = "think" if thinking else "text"

    @property
    def called(self) -> bool:
        """Whether a whole call has come out."""
        return self._called

    def would_open(self, piece: str) -> bool:
        """Whether the piece would complete the marker of a call."""
        return self.state == "text" and self._dialect.marker in self._buffer + piece

    def open_call(self) -> None:
        """The prompt itself ended with the marker of a call."""
        self.state = "tool"

    def take_opened(self) -> str | None:
        """If the last piece opened a call: the part of it behind the marker, taken back.

        That part was written before anybody held the model to the call's grammar, so the caller
        lets the model write it again. None if no call was opened.
        """
        if not self._just_opened:
            return None
        self._just_opened = False
        rest, self._buffer = self._buffer, ""
        return rest

    def feed(self, piece: str) -> list[Event]:
        """The events that the piece completes. Stops reading behind the marker of a call."""
        events: list[Event] = []
        self._buffer += piece
        self._just_opened = False
        while not self._just_opened and self._step(events):
            pass
        return events

    def finish(self) -> list[Event]:
        """The events of what was held back; an unfinished call is dropped."""
        events = self.feed("")
        while self._just_opened:
            events += self.feed("")
        if self.state == "text":
            self._say(self._buffer, events)
        elif self.state == "think" and self._buffer:
            events.append(ThinkingDelta(self._buffer))
        self._buffer = ""
        self.state = "stopped"
        return events

    def _step(self, events: list[Event]) -> bool:
        """Takes one segment from the buffer; False when more text is needed."""
        if self.state == "text":
            return self._text(events)
        if self.state == "think":
            return self._think(events)
        if self.state == "tool":
            return self._tool(events)
        self._buffer = ""
        return False

    def _text(self, events: list[Event]) -> bool:
        if self._bare and not self._spoke and not self._called:
            start = self._buffer.lstrip()
            if start.startswith("{"):
                self._buffer, self.state, self._just_opened = start, "tool", True
                return True
        found = _first(self._buffer, self._markers)
        if found is None:
            keep = _partial(self._buffer, self._markers)
            cut = len(self._buffer) - keep
            self._say(self._buffer[:cut], events)
            self._buffer = self._buffer[cut:]
            return False
        start_at, marker = found
        self._say(self._buffer[:start_at], events)
        self._buffer = self._buffer[start_at + len(marker) :]
        if marker in self._stops:
            self.state = "stopped"
        elif marker == self._think_open:
            self.state = "think"
        else:
            self.state, self._just_opened = "tool", True
        return True

    def _think(self, events: list[Event]) -> bool:
        end = self._buffer.find(self._think_close)
        cut = end if end >= 0 else len(self._buffer) - _partial(self._buffer, [self._think_close])
        if cut:
            events.append(ThinkingDelta(self._buffer[:cut]))
        if end < 0:
            self._buffer = self._buffer[cut:]
            return False
        self._buffer = self._buffer[end + len(self._think_close) :]
        self.state = "text"
        return True

    def _tool(self, events: list[Event]) -> bool:
        end = self._dialect.end(self._buffer)
        if end < 0:
            return False
        body, self._buffer = self._buffer[:end], self._buffer[end:]
        try:
            for name, arguments in self._dialect.read(body):
                # a lone surrogate (an escape in JSON may hold one) can't be sent as UTF-8
                text = json.dumps(arguments, ensure_ascii=False).encode("utf-8", "replace")
                events.append(ToolCall(f"call_{uuid.uuid4().hex[:12]}", name, text.decode()))
                self._called = True
        except (ValueError, TypeError, RecursionError) as e:
            logger.warning("dropped a malformed tool call: %s", e)
        self.state = "text" if self._dialect.repeats else "stopped"
        return True

    def _say(self, text: str, events: list[Event]) -> None:
        """Text without the white space at the reply's beginning and end."""
        text = self._space + text
        if not self._spoke:
            text = text.lstrip()
        said = text.rstrip()
        self._space = text[len(said) :]
        if said:
            self._spoke = True
            events.append(TextDelta(said))


def _first(text: str, markers: Sequence[str]) -> tuple[int, str] | None:
    """The marker that is complete first; of those that end together, the longest."""
    best: tuple[int, int, str] | None = None
    for marker in markers:
        start = text.find(marker)
        if start >= 0 and (best is None or (start + len(marker), start) < best[:2]):
            best = (start + len(marker), start, marker)
    return None if best is None else (best[1], best[2])


def _partial(text: str, markers: Sequence[str]) -> int:
    """Length of the longest end of the text that begins a marker."""
    longest = 0
    for marker in markers:
        for size in range(min(len(marker) - 1, len(text)), longest, -1):
            if text.endswith(marker[:size]):
                longest = size
                break
    return longest
