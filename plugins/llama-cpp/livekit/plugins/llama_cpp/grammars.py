"""The grammars that a request's calls are held to; those of recent requests are kept."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable, Sequence

from .dialect import Dialect
from .errors import PromptError
from .generator import GenerateRequest, ToolDefinition
from .schema import arguments_grammar

_KEPT = 64


class Grammars:
    """Made for one model; safe to use from any thread.

    Args:
        dialect: How the model writes calls.
    """

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._made: OrderedDict[str, str] = OrderedDict()

    def of_calls(self, request: GenerateRequest) -> tuple[str | None, bool]:
        """GBNF of the calls that the request allows, None if none; and whether one must be made.

        Raises:
            PromptError: The one that must be made is of no tool that is there.
        """
        choice = request.tool_choice
        if not request.tools or choice == "none":
            return None, False
        tools: Sequence[ToolDefinition] = request.tools
        if choice not in ("auto", "required"):
            tools = [_named(tools, choice)]
        grammar = self._kept("calls", tools, lambda: self._dialect.grammar(tools))
        return grammar, choice != "auto"

    def of_arguments(self, request: GenerateRequest, name: str) -> str:
        """GBNF of one tool's arguments."""
        tool = _named(request.tools, name)
        return self._kept("arguments", [tool], lambda: arguments_grammar(tool, "root"))

    def _kept(self, kind: str, tools: Sequence[ToolDefinition], make: Callable[[], str]) -> str:
        key = kind + json.dumps(list(tools), sort_keys=True, default=str)
        grammar = self._made.get(key)
        if grammar is None:
            grammar = self._made[key] = make()
            while len(self._made) > _KEPT:
                self._made.popitem(last=False)
        return grammar


def _named(tools: Sequence[ToolDefinition], name: str) -> ToolDefinition:
    found = next((tool for tool in tools if tool["function"]["name"] == name), None)
    if found is None:
        raise PromptError(f"tool_choice is {name!r}, expected the name of a tool")
    return found
