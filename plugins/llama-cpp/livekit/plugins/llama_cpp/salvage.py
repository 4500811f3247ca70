"""Finds the tool calls in a piece of text, in whatever form a model wrote them.

JSON with any of the usual keys, lists, Python calls, XML of several families, a name before JSON.
Only tools that are there count. Knows nothing of streaming, and nothing of where in a reply such a
piece begins and ends (`parser.py`).
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import json_repair

from .ends import json_end, parenthesis_end
from .generator import ToolDefinition

Call = tuple[str, dict[str, Any]]
"""The tool's name and its arguments."""

_NAME_KEYS = (
    *("name", "function", "tool", "tool_name", "function_name", "action", "recipient_name"),
    *("toolName", "functionName", "function_call", "tool_call", "api", "method", "command"),
)
_ARGUMENT_KEYS = (
    *("arguments", "parameters", "args", "input", "params", "tool_input", "action_input"),
    *("kwargs", "inputs", "tool_args", "function_args", "tool_parameters", "argument"),
)
_WRAPPER_KEYS = ("tool_calls", "function_calls", "calls", "functions", "tools", "tool_uses")
_META_KEYS = frozenset(("type", "id", "tool_call_id", "call_id", "description", "thought"))
_OUTERS = ("functions.", "default_api.", "tools.", "call:")  # the first two may open a call
_PARAMETER = re.compile(
    r"<parameter(?:=|\s+name=)[\"']?([^>\"'\n]+)[\"']?\s*>\n?(.*?)\n?(?=</?parameter|</function"
    r"|</invoke|$)",
    re.DOTALL,
)
_ARG_KEY = re.compile(
    r"<arg_key>\s*(.*?)\s*</arg_key>\s*<arg_value>\s*(.*?)\s*(?=</arg_value>|<arg_key>|$)",
    re.DOTALL,
)
_BEGINS_ARGUMENTS = re.compile(
    rf"""^[^\w{{\[]*(?:\w+\s*\n)?[\[\s]*\{{\s*(?:"type"\s*:\s*"function"\s*,\s*)?"""
    rf""""(?:{"|".join(_NAME_KEYS)})"\s*:\s*"([\w.\-]+)"\s*,\s*"""
    rf""""(?:{"|".join(_ARGUMENT_KEYS)})"\s*:\s*(?=\S)"""
)
_DEPTH = 4


class Toolbox:
    """The tools of one request, by every way their names are written.

    Args:
        tools: in OpenAI form.
        known: names of functions that can't be called now.
    """

    def __init__(self, tools: Sequence[ToolDefinition] = (), known: Collection[str] = ()) -> None:
        self._parameters: dict[str, list[str]] = {}
        self._variants: dict[str, str] = {}
        self._callable = {tool["function"]["name"] for tool in tools}
        others = [{"function": {"name": name}} for name in known if name not in self._callable]
        for tool in [*tools, *others]:
            name = tool["function"]["name"]
            schema = tool["function"].get("parameters") or {}
            self._parameters[name] = list(schema.get("properties") or {})
            self._variants.setdefault(name, name)
            words = re.split(r"[_\-.]", name)
            if len(words) > 1:
                pascal = "".join(word[:1].upper() + word[1:] for word in words)
                for variant in (pascal, pascal[:1].lower() + pascal[1:], "-".join(words)):
                    self._variants.setdefault(variant, name)
        self.written = sorted(
            {*self._variants, *(o + v for v in self._parameters for o in _OUTERS[:2])},
            key=len,
            reverse=True,
        )
        """All ways in which a name may stand in a text, the longest first."""
        spelled = "|".join(map(re.escape, self._variants)) or r"(?!)"
        self._name = re.compile(rf"(?<!\w)({spelled})(?!\w)")

    def __bool__(self) -> bool:
        """Whether anything may be called."""
        return bool(self._callable)

    def name(self, written: Any) -> str | None:
        """The tool that a name means; None if there is no such tool."""
        if not isinstance(written, str):
            return None
        plain = written.strip().strip("`\"'")
        for outer in _OUTERS:
            plain = plain.removeprefix(outer)
        plain = re.sub(r":\d+$", "", plain).removesuffix("()")
        return self._variants.get(plain) or self._variants.get(plain.replace("-", "_"))

    def is_word(self, written: str) -> bool:
        """Whether a tool's name may stand in a sentence: "calculate", unlike "set_timer"."""
        return written.isalpha() and (written.islower() or written.istitle())

    def calls(self, text: str, *, marked: bool = True, cut: bool = False) -> list[Call]:
        """The calls in a text, in their order.

        Args:
            text: a piece of a reply that isn't speech.
            marked: something said that a call comes: then a name alone is one.
            cut: the text was cut off: what is incomplete at its end counts as not there.
        """
        if not self:
            return []
        called = re.search(rf"{self._name.pattern}(?:\.call)?\s*\(", text)
        if called and "{" not in text[: called.start()]:
            found = list(self._in_python(text))
        else:
            found = list(self._in_json(text, cut)) or list(self._in_xml(text))
        if not found:
            found = list(self._in_python(text))
        if not found and marked and (match := self._name.search(text)):
            found = [(self._variants[match[1]], {})]
        return _distinct([call for call in found if call[0] in self._callable])

    def arguments_of(self, text: str) -> tuple[str, int] | None:
        """The tool whose call begins a text, and where its arguments begin; None while neither."""
        found = _BEGINS_ARGUMENTS.match(text)
        name = self.name(found[1]) if found else None
        return (name, found.end()) if found and name and name in self._callable else None

    # ------------------------------------------------------------------------------------ JSON
    def _in_json(self, text: str, cut: bool) -> Iterator[Call]:
        at, behind = 0, 0
        while (match := re.compile(r"\{|\[(?=\s*[\[{])").search(text, at)) is not None:
            start = match.start()
            size = json_end(text[start:])
            end = start + size if size >= 0 else len(text)
            value = _loads(text[start:end], cut and size < 0)
            calls = list(self._of_value(value, 0))
            if not calls and isinstance(value, dict):
                named = list(self._name.finditer(text, behind, start))
                if named:
                    calls = [(self._variants[named[-1][1]], value)]
            yield from calls
            if calls:
                behind = end
            # what holds no call as a whole may hold one inside: "{{...}}"
            at = end if calls or not isinstance(value, str) else start + 1

    def _of_value(self, value: Any, depth: int) -> Iterator[Call]:
        if depth > _DEPTH:
            return
        if isinstance(value, list):
            for item in value:
                yield from self._of_value(item, depth + 1)
        elif isinstance(value, dict):
            yield from self._of_object(value, depth)

    def _of_object(self, value: dict[str, Any], depth: int) -> Iterator[Call]:
        for key in _NAME_KEYS:
            if name := self.name(value.get(key)):
                yield name, self._arguments(name, value, key)
                return
            if isinstance(value.get(key), dict):
                inner = dict(value[key])
                for argument in _ARGUMENT_KEYS:  # {"function": {"name"}, "arguments"}
                    if argument in value and not any(k in inner for k in _ARGUMENT_KEYS):
                        inner[argument] = value[argument]
                if calls := list(self._of_object(inner, depth + 1)):
                    yield from calls
                    return
        for key, inner in value.items():
            if key in _WRAPPER_KEYS:
                yield from self._of_value(inner, depth + 1)
            elif name := self.name(key):  # {"set_timer": {"amount": 5}}
                yield name, inner if isinstance(inner, dict) else {}

    def _arguments(self, name: str, value: dict[str, Any], name_key: str) -> dict[str, Any]:
        for key in _ARGUMENT_KEYS:
            if key in value and key not in self._parameters[name]:
                given = value[key]
                if isinstance(given, str):
                    parsed = _loads(given, False) if given.strip()[:1] == "{" else None
                    given = parsed if isinstance(parsed, dict) else self._positional(name, [given])
                elif isinstance(given, list):
                    given = self._positional(name, given)
                return given if isinstance(given, dict) else {}
        return {k: v for k, v in value.items() if k != name_key and k not in _META_KEYS}

    def _positional(self, name: str, values: Sequence[Any]) -> dict[str, Any]:
        values = [v for v in values if v not in ("", None)]
        return dict(zip(self._parameters[name], values, strict=False))

    # ------------------------------------------------------------------------------ other forms
    def _in_xml(self, text: str) -> Iterator[Call]:
        parts = re.split(r"<(?:function=|invoke\s+name=|tool_call>|function\s+name=)", text)
        for part in parts:
            pairs = _PARAMETER.findall(part) or _ARG_KEY.findall(part)
            named = self._name.search(part)
            if named and (pairs or part is not parts[0]):
                arguments = {key.strip(): _scalar(value) for key, value in pairs}
                if not pairs and (called := list(self._in_python(part))):
                    yield from called
                else:
                    yield self._variants[named[1]], arguments

    def _in_python(self, text: str) -> Iterator[Call]:
        at = 0
        while (match := self._name.search(text, at)) is not None:
            at = match.end()
            opened = re.compile(r"(?:\.call)?\s*\(").match(text, at)
            if not opened:
                continue
            end = parenthesis_end(text[opened.end() - 1 :])
            inside = text[opened.end() : opened.end() - 2 + end] if end > 0 else ""
            name = self._variants[match[1]]
            yield name, self._python_arguments(name, inside)
            at = opened.end() - 1 + max(end, 1)

    def _python_arguments(self, name: str, inside: str) -> dict[str, Any]:
        try:
            call = ast.parse(f"f({inside})", mode="eval").body
            assert isinstance(call, ast.Call)
            arguments = self._positional(name, [_constant(a) for a in call.args])
            if len(call.args) == 1 and isinstance(first := _constant(call.args[0]), dict):
                arguments = first
            return arguments | {k.arg: _constant(k.value) for k in call.keywords if k.arg}
        except (SyntaxError, ValueError, AssertionError, RecursionError, MemoryError):
            pairs = re.findall(r"(\w+)\s*[:=]\s*(\"[^\"]*\"|'[^']*'|[^,]+)", inside)
            return {key: _scalar(value.strip().strip("'\"")) for key, value in pairs}


def _loads(text: str, cut: bool) -> Any:
    """The value that a text means: JSON, or what a model takes for JSON; "" if it is none."""
    for closing in ("", "}", "}}", "]", "}]", "}}]"):
        try:
            return json.loads(text + closing)
        except (ValueError, RecursionError):
            continue
    try:
        value = json_repair.loads(text)
    except (ValueError, RecursionError):
        return ""
    if cut and isinstance(value, dict):
        # half an argument is worse than none: it would look right
        return {k: ({} if k in _ARGUMENT_KEYS else v) for k, v in value.items()}
    return value if isinstance(value, (dict, list)) else ""


def _scalar(text: str) -> Any:
    """A parameter written as plain text: JSON when it is JSON, else the text."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _constant(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except ValueError:
        return ast.unparse(node)  # set_timer(unit=minutes)


def _distinct(calls: Sequence[Call]) -> list[Call]:
    kept: list[Call] = []
    for call in calls:
        if call not in kept:
            kept.append(call)
    return kept
