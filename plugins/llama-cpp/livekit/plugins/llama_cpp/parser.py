"""The one gate between a model and the voice: a reply, piece by piece, into speech and calls.

Lets nothing through but what a person would say. Holds back only what may still become a call or
markup: plain words pass at once. However the text is split into pieces, the events say the same.
Knows nothing of tokens or models; a call comes out whole or not at all.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Collection, Sequence
from typing import Literal

from .dialect import Dialect
from .ends import json_end
from .generator import Event, TextDelta, ThinkingDelta, ToolCall, ToolDefinition
from .log import logger
from .lookout import Lookout, Plain, Region, Take, Think
from .salvage import Call, Toolbox
from .speaking import Speaking

State = Literal["text", "think", "tool", "region", "stopped"]

_NEXT_PART = ("<|start|>", "<|channel|>", "\n")  # close thinking and open what follows
_WORD = re.compile(r"[\w\s.-]{1,40}")


class ReplyParser:
    """Reads one reply.

    Args:
        dialect: How the model's template writes calls; every other family's way is read, too.
        tools: What may be called; nothing else counts as a call.
        known: Names of other functions, which aren't read out either.
        stop: Texts that end the reply; they and what follows are not part of it.
        thinking: What closes the thinking that the prompt already opened; "" if it didn't.
    """

    def __init__(
        self,
        dialect: Dialect,
        *,
        tools: Sequence[ToolDefinition] = (),
        known: Collection[str] = (),
        stop: Sequence[str] = (),
        thinking: str = "",
    ) -> None:
        self._dialect = dialect
        self._tools = Toolbox(tools, known)
        self._lookout = Lookout(dialect, self._tools, stop)
        self._closings: tuple[str, ...] = (thinking,) if thinking else ()
        self._buffer = ""
        self._before = "\n"
        """The two characters before the buffer."""
        self._speaking = Speaking()
        self._held: Region | None = None
        self._made: set[tuple[str, str]] = set()
        self._just_opened = False
        self._opened_tool: str | None = None
        self._arguments_at: int | None = None
        """Where in the buffer the arguments of a call begin that nothing announced."""
        self._dropped = False
        self._last = False
        self.state: State = "think" if thinking else "text"

    @property
    def called(self) -> bool:
        """Whether a whole call has come out."""
        return bool(self._made)

    @property
    def spoke(self) -> bool:
        """Whether any word has come out."""
        return self._speaking.spoke

    @property
    def answered(self) -> bool:
        """Whether the caller got anything of the reply: a call, or a whole sentence."""
        return self.called or self._speaking.said_something

    @property
    def silent(self) -> bool:
        """Whether nothing has come yet that anybody could use, nor anything that was dropped."""
        return self.state == "text" and not (self.spoke or self.called or self._dropped)

    @property
    def inside_call(self) -> bool:
        """Whether a call, or the arguments of one, is being written under its grammar."""
        if self._arguments_at is not None:
            return json_end(self._buffer[self._arguments_at :]) < 0
        return self.state == "tool"

    @property
    def thinking_closing(self) -> str:
        """What ends the thinking that is open; "" if none is."""
        return self._closings[0] if self.state == "think" else ""

    def would_open(self, piece: str) -> bool:
        """Whether the piece would open a call, or code instead of an answer."""
        if self.state != "text":
            return False
        text = self._buffer + piece
        begins = not self.spoke and text.lstrip().startswith(("{", "[{", "```"))
        return begins or self._dialect.marker in text

    def open_call(self) -> None:
        """The prompt itself ended with the marker of a call."""
        self.state = "tool"

    def take_opened(self) -> tuple[str | None, str] | None:
        """If the last piece opened a call: what it opened, and the part behind it, taken back.

        That part was written before anybody held the model to the grammar, so the caller lets the
        model write it again.

        Returns:
            The tool whose arguments come now, or None where a whole call comes; and that part.
            None if no call was opened.
        """
        if not self._just_opened:
            return None
        self._just_opened = False
        at = self._arguments_at or 0
        rest, self._buffer = self._buffer[at:], self._buffer[:at]
        return self._opened_tool, rest

    def feed(self, piece: str) -> list[Event]:
        """The events that the piece completes. Stops reading where a call is opened."""
        events: list[Event] = []
        self._buffer += piece
        self._just_opened = False
        while not self._just_opened and self._step(events):
            pass
        return _joined(events)

    def finish(self) -> list[Event]:
        """The events of what was held back; half a word of markup is dropped."""
        self._last = True
        events = self.feed("")
        while self.state in ("tool", "region"):
            if self._just_opened:
                events += self.feed("")
                continue
            body, self._buffer = self._buffer, ""
            self._close(body, self._held.kind if self._held else "call", True, events)
        if self.state == "think" and self._buffer:
            events.append(ThinkingDelta(self._buffer))
        self._buffer = ""
        self.state = "stopped"
        return _joined(events)

    def _step(self, events: list[Event]) -> bool:
        """Takes one part from the buffer; False when more text is needed."""
        if self.state == "text":
            return self._text(events)
        if self.state == "think":
            return self._think(events)
        if self.state in ("tool", "region"):
            return self._call(events)
        self._buffer = ""
        return False

    def _text(self, events: list[Event]) -> bool:
        self._say(self._lookout.next(self._buffer), events)
        if not self._buffer:
            return False
        begun = self.spoke or self.called
        match self._lookout.look(self._buffer, self._before, begun=begun, last=self._last):
            case Plain(size):
                self._say(size, events)
            case Take(size, then):
                self._take(size)
                self._then(then)
            case Think(size, closings):
                self._take(size)
                self.state, self._closings = "think", closings
            case Region(skip) as region:
                self._take(skip)
                self.state, self._held = "region", region
            case None:
                return False
        return True

    def _take(self, size: int) -> None:
        self._buffer = self._buffer[size:]
        self._before = "\n" if self._before[-1] == "\n" else " "

    def _then(self, what: str) -> None:
        if what == "gap":
            self._speaking.gap(" ")
        elif what == "stop":
            self.state = "stopped"
        elif what == "call":
            self.state, self._just_opened, self._opened_tool = "tool", True, None
        elif what == "sentence":
            self._dropped = True
            self._speaking.drop_sentence()

    def _think(self, events: list[Event]) -> bool:
        found = [(at, c) for c in self._closings if (at := self._buffer.find(c)) >= 0]
        end, closing = min(found) if found else (-1, "")
        cut = end if end >= 0 else len(self._buffer) - _partial(self._buffer, self._closings)
        if cut:
            events.append(ThinkingDelta(self._buffer[:cut]))
        self._buffer = self._buffer[cut:]
        if end < 0:
            return False
        if closing not in _NEXT_PART:
            self._buffer = self._buffer[len(closing) :]
        self._to_text()
        return True

    def _call(self, events: list[Event]) -> bool:
        if self._held is None:
            end, kind = self._dialect.end(self._buffer), "call"
        else:
            if self._begins_arguments(self._held):
                return True
            end, kind = self._held.end(self._buffer), self._held.kind
        if end < 0:
            return False
        body, self._buffer = self._buffer[:end], self._buffer[end:]
        self._close(body, kind, False, events)
        return True

    def _begins_arguments(self, held: Region) -> bool:
        if self._arguments_at is not None or held.kind == "unspoken" or self._last:
            return False
        found = self._tools.arguments_of(self._buffer)
        if found is not None:
            self._opened_tool, self._arguments_at = found
            self._just_opened = True
        return found is not None

    def _close(self, body: str, kind: str, cut: bool, events: list[Event]) -> None:
        """Reads a part that has ended, and goes on behind it."""
        calls: list[Call] = []
        if kind == "call" and self._held is None and not cut:
            calls = self._dialect.read(body, self._tools)
        elif kind != "unspoken":
            calls = self._tools.calls(body, marked=kind == "call", cut=cut)
        if not calls and kind != "unspoken" and self._tools:
            logger.info("dropped what is neither speech nor a call of a tool that is there")
        self._dropped = True
        self._emit(calls, events)
        inner = body.strip().strip("{}$")
        if not calls and kind == "code" and _WORD.fullmatch(inner):
            self._speaking.drop_sentence()  # {name}: a placeholder
        else:
            self._speaking.part()
        self._held = self._arguments_at = None
        self._to_text()

    def _to_text(self) -> None:
        self.state, self._before = "text", "\n"

    def _emit(self, calls: Sequence[Call], events: list[Event]) -> None:
        for name, arguments in calls:
            # a lone surrogate (an escape in JSON may hold one) can't be sent as UTF-8
            text = json.dumps(arguments, ensure_ascii=False).encode("utf-8", "replace").decode()
            if (name, text) not in self._made:
                self._made.add((name, text))
                events.append(ToolCall(f"call_{uuid.uuid4().hex[:12]}", name, text))

    def _say(self, size: int, events: list[Event]) -> None:
        if size:
            text, self._buffer = self._buffer[:size], self._buffer[size:]
            self._before = (self._before + text)[-2:]
            events += [TextDelta(said) for said in self._speaking.say(text)]


def _joined(events: list[Event]) -> list[Event]:
    """Neighbouring texts as one."""
    joined: list[Event] = []
    for event in events:
        last = joined[-1] if joined else None
        if isinstance(event, TextDelta) and isinstance(last, TextDelta):
            joined[-1] = TextDelta(last.text + event.text)
        else:
            joined.append(event)
    return joined


def _partial(text: str, markers: Sequence[str]) -> int:
    """Length of the longest end of the text that begins a marker."""
    longest = 0
    for marker in markers:
        for size in range(min(len(marker) - 1, len(text)), longest, -1):
            if text.endswith(marker[:size]):
                longest = size
                break
    return longest
