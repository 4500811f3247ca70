"""What stands at a place in a reply: words, or something that nobody should hear.

Looks at one place and keeps nothing; what is done about it is the parser's affair.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from . import ends, markup
from .dialect import Dialect
from .ends import End
from .salvage import Toolbox

_LONGEST, _LONGEST_HEADER = 64, 160
_TAG = re.compile(r"<[^<>\n]{1,64}>")
_BRACKETS = re.compile(r"\[[^\[\]\n]{1,64}\]")
_CONTROL = re.compile(r"\[(?:/?[A-Z]+_[A-Z_]+|/THINK|ARGS)\]")
_FENCE = re.compile(r"```[ \t]{0,3}(?:tool_code|tool_call|tool)\b")
_CODE = re.compile(r"[{}()=;<>\\]|\w_\w|[a-z]\d|[a-z][A-Z]")
_ASSIGNED = re.compile(r"\w\s*=|^[\"'{\[]|\w_\w")
_PLAIN_CONTROL = frozenset(
    "s /s eos bos pad unk end_of_turn start_of_turn end_of_utterance start_of_image".split()
)
_LINES = ("Action:", "Action Input:", "Thought:", "Observation:", "Final Answer:", "functools[")
_SPEAKERS = ("Assistant:", "AI:", "User:", "Human:")


@dataclass(frozen=True, slots=True)
class Plain:
    """So many characters are words."""

    size: int


@dataclass(frozen=True, slots=True)
class Take:
    """So many characters go."""

    size: int
    then: Literal["", "gap", "stop", "call", "sentence"] = ""
    """White space stands there; the reply is over; a call of the dialect begins; the rest of the
    sentence goes, too."""


@dataclass(frozen=True, slots=True)
class Think:
    """So many characters open the model's thinking."""

    size: int
    closings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Region:
    """A part that has to be seen whole."""

    skip: int
    """Characters before it that go."""
    end: End
    kind: Literal["call", "code", "unspoken"]
    """A call that was announced; what may be one; what is none, and not speech either."""


Looked: TypeAlias = Plain | Take | Think | Region | None
"""None: only what follows can tell."""


class Lookout:
    """Knows the ways of all families.

    Args:
        dialect: of the model's template.
        tools: what may be called.
        stops: texts that end the reply.
    """

    def __init__(self, dialect: Dialect, tools: Toolbox, stops: Sequence[str]) -> None:
        self._dialect = dialect
        self._tools = tools
        self._stops = sorted((s for s in stops if s), key=len, reverse=True)
        self._lines = (*_LINES, *_SPEAKERS, *dialect.openings)
        self._hot = self._beginnings()

    def next(self, text: str) -> int:
        """Where something other than words may begin; the text's length if nowhere."""
        found = self._hot.search(text)
        return found.start() if found else len(text)

    def look(self, rest: str, before: str, *, begun: bool, last: bool) -> Looked:
        """What the text begins with.

        Args:
            rest: from the place on.
            before: the two characters before it.
            begun: something has been said or called.
            last: nothing will follow.
        """
        contracted = before[-1] in "'’" and before[0].isalnum()  # it's
        before = before[-1]
        found = self._exact(rest, last)
        if found is None or found.size:
            return found
        if rest[0] == "<":
            return self._tag(rest, begun, last)
        if rest[0] == "[":
            return self._brackets(rest, begun, last)
        if rest[0] == "{":
            if self._dialect.bare and self._tools and not begun:
                return Take(0, "call")
            return Region(0, ends.json_end, "code")
        if rest[0] == "`":
            return self._backticks(rest, last)
        if rest[0] == "◁":
            return self._triangle(rest, last)
        if rest[0] == "(" and (before.isalnum() or before == "_"):
            return self._parenthesis(rest, last)
        if before == "\n":
            line = self._line(rest, begun, last)
            if line is None or not isinstance(line, Plain):
                return line
        if not (before.isalnum() or before == "_" or contracted):
            return self._name(rest, last)
        return Plain(1)

    def _beginnings(self) -> re.Pattern[str]:
        def first(texts: Sequence[str]) -> str:
            return "".join(sorted({re.escape(text[0]) for text in texts}))

        places = [f"[{first([*self._stops, self._dialect.marker, *'<[{(`◁'])}]"]
        if self._tools.written:
            places.append(rf"(?<!\w)[{first(self._tools.written)}]")
        places.append(rf"(?:^|(?<=\n))[{first(self._lines)}]")
        return re.compile("|".join(places))

    def _exact(self, rest: str, last: bool) -> Take | None:
        """A stop or the dialect's marker; Take(0) if it is neither, None while it may be."""
        for text in (*self._stops, self._dialect.marker):
            if rest.startswith(text):
                return Take(len(text), "call" if text == self._dialect.marker else "stop")
            if text.startswith(rest) and not last:
                return None
        return Take(0)

    # -------------------------------------------------------------------------- by first letter
    def _tag(self, rest: str, begun: bool, last: bool) -> Looked:
        if len(rest) > 1 and not (rest[1].isalpha() or rest[1] in "/!?|｜_"):
            return Plain(1)  # 2 < 3
        match = _TAG.match(rest)
        if match is None:
            unfinished = len(rest) <= _LONGEST + 1 and not re.search(r"[<>\n]", rest[1:])
            if unfinished and not last:
                return None
            return Take(len(rest)) if unfinished and len(rest) > 1 and " " not in rest else Plain(1)
        tag, size = match[0], len(match[0])
        name = markup.name_of(tag)
        if markup.is_address(tag):
            return Plain(size)
        if tag in ("<|channel|>", "<|start|>"):
            return self._header(rest, tag, last)
        if tag in dict(markup.THINKING) or name in markup.THINKING_TAGS:
            return Think(size, (markup.closing_of(tag),))
        named = "=" in tag or bool(self._tools.name(name))
        if name in markup.CALLS or (named and (name == "function" or self._tools.name(name))):
            head = size if named else 0
            return Region(size - head, ends.call(tag, head), "call")
        if name in markup.UNSPOKEN:
            return Region(size, ends.closing(markup.closing_of(tag)), "unspoken")
        if markup.is_control(tag) or name in _PLAIN_CONTROL:
            if tag in ("<|end|>", "<|call|>") and begun:
                # gpt-oss may go on in another channel
                behind, start = rest[size:], "<|start|>assistant"
                if behind.startswith(start):
                    return Take(size)
                if start.startswith(behind) and not last:
                    return None
            return self._control(name, size, begun)
        if name.startswith("/") or markup.is_spoken_element(name) or tag[1] in "!?" or '="' in tag:
            return Take(size, "gap" if name.removeprefix("/") in markup.BLOCKS else "")
        return Take(size, "sentence")

    def _control(self, name: str, size: int, begun: bool) -> Looked:
        if begun and (name in markup.ENDS or name in markup.ROLES):
            return Take(size, "stop")
        if name in markup.ROLES:  # <|im_start|>assistant and a line break
            return Region(size, ends.role, "unspoken")
        return Take(size)

    def _header(self, rest: str, tag: str, last: bool) -> Looked:
        """gpt-oss: who speaks to whom and on which channel, up to <|message|>."""
        end = rest.find("<|message|>")
        if not 0 <= end <= _LONGEST_HEADER:
            return None if len(rest) <= _LONGEST_HEADER and not last else Take(len(tag))
        header, size = rest[:end], end + len("<|message|>")
        if "to=" in header:
            return Region(0, ends.harmony, "call")
        if tag == "<|start|>" and not header.startswith("<|start|>assistant"):
            return Take(size, "stop")
        channel = header.partition("<|channel|>")[2].strip().lower()
        if channel.startswith("analysis"):
            return Think(size, ("<|end|>", "<|start|>", "<|channel|>", "<|return|>"))
        return Take(size, "gap")

    def _brackets(self, rest: str, begun: bool, last: bool) -> Looked:
        if re.match(r"\[\s{0,6}[\[{]", rest):
            return Region(0, ends.json_end, "code")
        if re.fullmatch(r"\[\s*", rest):
            return None if len(rest) < 8 and not last else Plain(1)
        called = re.match(r"\[\s{0,6}([\w.\-]+)\s*\(", rest)
        if called:
            kind: Literal["call", "code"] = "call" if self._tools.name(called[1]) else "code"
            return Region(0, ends.parenthesis_end, kind)
        match = _BRACKETS.match(rest)
        if match is None:
            unfinished = len(rest) <= _LONGEST + 1 and not re.search(r"[\[\]\n]", rest[1:])
            if not unfinished or not (rest[1].isalpha() or rest[1] == "/"):
                return Plain(1)
            if not last:
                return None
            return Take(len(rest), "sentence") if markup.is_placeholder(rest[1:]) else Plain(1)
        text, size = match[0], len(match[0])
        if text == "[THINK]":
            return Think(size, ("[/THINK]",))
        if text in ("[TOOL_CALLS]", "[TOOL_CALL]"):
            return Region(size, ends.mistral, "call")
        if text in ("[INST]", "[/INST]", "[SYSTEM_PROMPT]"):
            return self._control(markup.name_of(text), size, begun)
        if _CONTROL.fullmatch(text):
            known = text.startswith(("[/", "[TOOL", "[AVAILABLE", "[ARGS", "[CALL"))
            return Take(size, "" if known else "sentence")
        if not markup.is_placeholder(text[1:-1]) or rest[size : size + 1] == "(":
            return Plain(size)
        return Take(size, "sentence") if last or rest[size:] else None

    def _backticks(self, rest: str, last: bool) -> Looked:
        ticks = len(rest) - len(rest.lstrip("`"))
        if ticks == len(rest) and ticks < 3 and not last:
            return None
        if ticks >= 3:
            announced = bool(_FENCE.match(rest))
            if not (announced or last or len(rest) >= 16 or "\n" in rest):
                return None
            return Region(ticks, ends.closing("```"), "call" if announced else "code")
        found = re.compile("`+|\n").search(rest, ticks)
        if not last and (found is None or found.end() == len(rest)) and len(rest) <= _LONGEST:
            return None
        if found is None or found.start() > _LONGEST or len(found[0]) != ticks or found[0] == "\n":
            return Plain(ticks)
        inner, end = rest[ticks : found.start()], found.end()
        if self._tools.calls(inner, marked=False):
            return Region(ticks, ends.after(end - ticks), "code")
        if _CODE.search(inner) or self._tools.name(inner):
            return Take(end, "sentence")
        return Plain(end)

    def _parenthesis(self, rest: str, last: bool) -> Looked:
        """name(...): code if it holds what no sentence would."""
        found = re.compile(r"[()\n]").search(rest, 1)
        if found is None and len(rest) <= _LONGEST and not last:
            return None
        inner = rest[1 : found.start()] if found and found.start() <= _LONGEST else ""
        is_code = found is not None and found[0] == ")" and (not inner or _ASSIGNED.search(inner))
        return Take(found.end(), "sentence") if found and is_code else Plain(1)

    def _triangle(self, rest: str, last: bool) -> Looked:
        opening, closing = "◁think▷", "◁/think▷"
        if rest.startswith(opening):
            return Think(len(opening), (closing,))
        if rest.startswith(closing):
            return Take(len(closing))
        waits = opening.startswith(rest) or closing.startswith(rest)
        return None if waits and not last else Plain(1)

    def _line(self, rest: str, begun: bool, last: bool) -> Looked:
        """What begins a line: ReAct's words, and who speaks."""
        word = next((w for w in self._lines if rest.startswith(w)), None)
        if word is None:
            waits = not last and any(w.startswith(rest) for w in self._lines)
            return None if waits else Plain(0)
        if word in ("Action:", "Action Input:"):
            return Region(0, ends.react, "call") if self._tools else Plain(0)
        if word == "functools[":
            return Region(len(word) - 1, ends.json_end, "call")
        if word == "Thought:":
            return Think(len(word), ("\n",))
        # what the tool or the caller says next isn't the model's to write
        over = begun and word in ("Observation:", "User:", "Human:")
        return Take(len(word), "stop" if over else "")

    def _name(self, rest: str, last: bool) -> Looked:
        """A tool's name: a call, or read out."""
        written = next((w for w in self._tools.written if rest.startswith(w)), "")
        if not last and any(w != written and w.startswith(rest) for w in self._tools.written):
            return None
        behind = rest[len(written) :]
        if not written or behind[:1].isalnum() or behind[:1] == "_":
            return Plain(1)
        gap = len(behind) - len(behind.lstrip(' \t\n:=>"'))
        if gap == len(behind) and gap < 6 and not last:
            return None
        start, opened = len(written) + gap, behind[gap : gap + 1]
        if opened == "(" and not behind[:gap].strip():
            return Region(0, ends.behind(start, ends.parenthesis_end), "call")
        if opened == "{":
            return Region(0, ends.behind(start, ends.json_end), "call")
        return (
            Plain(len(written)) if self._tools.is_word(written) else Take(start - gap, "sentence")
        )
