"""What a dialect is: how one family of models writes a tool call when it is held to a grammar.

Most families write JSON, alone or in lists, or a name before it: two classes with marks of their
own. What is read goes through `salvage.py`. Knows nothing of tokens or of streaming (`parser.py`),
and nothing of the schemas inside a grammar (`schema.py`).
"""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from .ends import json_end
from .generator import ToolDefinition
from .salvage import Call, Toolbox
from .schema import WHITESPACE, arguments_grammar, calls_grammar
from .template import EXAMPLE


class Dialect(ABC):
    """One family's way to write calls."""

    marker: str
    """Opens a call."""
    closing: str = ""
    """Ends it; empty: the call's last bracket does."""
    bare: ClassVar[bool] = False
    """A reply that begins with "{" is a call, too."""
    openings: ClassVar[tuple[str, ...]] = ()
    """What may stand before the words of a reply."""

    @property
    def example(self) -> str:
        """A call of NAME with the arguments {...}."""
        return EXAMPLE

    @abstractmethod
    def grammar(self, tools: Sequence[ToolDefinition]) -> str:
        """GBNF of everything from the marker (exclusive) to the end of the call."""

    def end(self, body: str) -> int:
        """Where the call that begins at body[0] ends (exclusive); -1 if it isn't complete."""
        start = re.search(r"[{\[]", body)
        size = json_end(body[start.start() :]) if start else -1
        if start is None or size < 0:
            return -1
        value = start.start() + size
        if not self.closing:
            return value
        found = body.find(self.closing, value)
        if found >= 0 and not body[value:found].strip():
            return found + len(self.closing)
        # the closing is still to come, or the model left it out
        return -1 if self.closing.startswith(body[value:].lstrip()) else value

    def read(self, body: str, tools: Toolbox) -> list[Call]:
        """The calls in a complete body."""
        return tools.calls(body)


class JsonCalls(Dialect):
    """One JSON object, or a list of them.

    Args:
        listed: the objects stand in a list.
        name_key, arguments_key: of each object.
    """

    def __init__(
        self,
        marker: str,
        closing: str = "",
        *,
        listed: bool = False,
        name_key: str = "name",
        arguments_key: str = "arguments",
    ) -> None:
        self.marker, self.closing, self._listed = marker, closing, listed
        self._keys = {"name_key": name_key, "arguments_key": arguments_key}

    @property
    def example(self) -> str:
        keys = self._keys
        call = f'{{"{keys["name_key"]}": "NAME", "{keys["arguments_key"]}": {{...}}}}'
        body = f"[{call}]" if self._listed else call
        return f"{self.marker}{body}{self.closing}"

    def grammar(self, tools: Sequence[ToolDefinition]) -> str:
        calls = calls_grammar(tools, **self._keys)
        body = '"[" call (", " call)* "]"' if self._listed else "call"
        closing = f" ws {literal(self.closing)}" if self.closing else ""
        return f"root ::= ws {body}{closing}\n{WHITESPACE}\n{calls}"


class NamedCalls(Dialect):
    """The tool's name, then a JSON object of its arguments, and marks around them.

    Args:
        before, between, closing: of the name, of name and arguments, of the call.
        last: what ends a section of several calls.
    """

    def __init__(
        self, marker: str, between: str, closing: str = "", *, before: str = "", last: str = ""
    ) -> None:
        self.marker, self.closing = marker, closing + last
        self._last = last
        self._before, self._between = before, between

    @property
    def example(self) -> str:
        return f"{self.marker}{self._before}NAME{self._between}{{...}}{self.closing}"

    def grammar(self, tools: Sequence[ToolDefinition]) -> str:
        parts, rules = [], []
        for i, tool in enumerate(tools):
            name = tool["function"]["name"]
            head = literal(f"{self._before}{name}{self._between}")
            parts.append(f"{head} tool{i}" + (f" {literal(self.closing)}" if self.closing else ""))
            rules.append(arguments_grammar(tool, f"tool{i}"))
        return "\n".join([f"root ::= {' | '.join(parts)}", *rules])

    def end(self, body: str) -> int:
        if self._last:
            found = body.find(self._last)
            return found + len(self._last) if found >= 0 else -1
        start = body.find("{")
        size = super().end(body[start:]) if start >= 0 else -1
        return start + size if size >= 0 else -1


def literal(text: str) -> str:
    """A text as GBNF writes it."""
    return json.dumps(text, ensure_ascii=False)
