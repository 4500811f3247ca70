"""How model families write a tool call: the marker, what follows it, and where it ends.

A dialect is chosen by the markers that the chat template itself uses. Knows nothing of tokens or
of streaming (`parser.py`), and nothing of the schemas inside a grammar (`schema.py`).
"""

from __future__ import annotations

import ast
import json
import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

from .generator import ToolDefinition
from .schema import WHITESPACE, arguments_grammar, calls_grammar

Call = tuple[str, dict[str, Any]]
"""The tool's name and its arguments."""


class Dialect(ABC):
    """One family's way to write calls."""

    marker: ClassVar[str]
    """Opens a call."""
    bare: ClassVar[bool] = False
    """A reply that begins with "{" is a call, too."""
    repeats: ClassVar[bool] = True
    """Another call, or text, may follow a call."""
    thinking: ClassVar[tuple[str, str]] = ("<think>", "</think>")
    """What encloses the model's thinking."""

    @abstractmethod
    def grammar(self, tools: Sequence[ToolDefinition]) -> str:
        """GBNF of everything from the marker (exclusive) to the end of the call."""

    @abstractmethod
    def end(self, body: str) -> int:
        """Where the call that begins at body[0] ends (exclusive); -1 if it isn't complete."""

    @abstractmethod
    def read(self, body: str) -> list[Call]:
        """The calls in a complete body.

        Raises:
            ValueError: The body isn't what this dialect writes.
        """


class Hermes(Dialect):
    """Hermes 2/3, Qwen 2.5, Qwen 3, SmolLM3: JSON between <tool_call> and </tool_call>."""

    marker = "<tool_call>"
    closing = "</tool_call>"

    def grammar(self, tools: Sequence[ToolDefinition]) -> str:
        calls = calls_grammar(tools, name_key="name", arguments_key="arguments")
        return f'root ::= ws call ws "{self.closing}"\n{WHITESPACE}\n{calls}'

    def end(self, body: str) -> int:
        value = json_end(body)
        found = body.find(self.closing, value) if value >= 0 else -1
        return found + len(self.closing) if found >= 0 else -1

    def read(self, body: str) -> list[Call]:
        return [_json_call(json.loads(body.removesuffix(self.closing)), "arguments")]


class Llama3(Dialect):
    """Llama 3.1-3.3: a JSON object, after <|python_tag|> or as the whole reply."""

    marker = "<|python_tag|>"
    bare = True
    repeats = False

    def grammar(self, tools: Sequence[ToolDefinition]) -> str:
        return "root ::= call\n" + calls_grammar(tools, name_key="name", arguments_key="parameters")

    def end(self, body: str) -> int:
        return json_end(body)

    def read(self, body: str) -> list[Call]:
        return [_json_call(json.loads(body), "parameters", "arguments")]


class Mistral(Dialect):
    """Mistral up to Nemo: a JSON array of calls after [TOOL_CALLS]."""

    marker = "[TOOL_CALLS]"
    repeats = False
    thinking = ("[THINK]", "[/THINK]")

    def grammar(self, tools: Sequence[ToolDefinition]) -> str:
        calls = calls_grammar(tools, name_key="name", arguments_key="arguments")
        return f'root ::= ws "[" call (", " call)* "]"\n{WHITESPACE}\n{calls}'

    def end(self, body: str) -> int:
        return json_end(body)

    def read(self, body: str) -> list[Call]:
        calls = json.loads(body)
        if not isinstance(calls, list):
            raise ValueError("expected a list of calls")
        return [_json_call(call, "arguments") for call in calls]


class MistralArgs(Dialect):
    """Mistral Small 3.2 and later: [TOOL_CALLS]name[ARGS]{...}."""

    marker = "[TOOL_CALLS]"
    thinking = ("[THINK]", "[/THINK]")

    def grammar(self, tools: Sequence[ToolDefinition]) -> str:
        return _alternatives(tools, lambda name, rule: f"{_literal(name + '[ARGS]')} {rule}")

    def end(self, body: str) -> int:
        start = body.find("{")
        length = json_end(body[start:]) if start >= 0 else -1
        return start + length if length >= 0 else -1

    def read(self, body: str) -> list[Call]:
        head, brace, rest = body.partition("{")
        return [(head.split("[", 1)[0].strip(), _object(json.loads(brace + rest)))]


class QwenXml(Dialect):
    """Qwen 3 Coder, Qwen 3.5: <function=name> with <parameter=key> inside <tool_call>."""

    marker = "<tool_call>"
    closing = "</tool_call>"

    def grammar(self, tools: Sequence[ToolDefinition]) -> str:
        rules, names = [], []
        for i, tool in enumerate(tools):
            function = tool["function"]
            keys = [_literal(k) for k in (function.get("parameters") or {}).get("properties", {})]
            parameters = ""
            if keys:
                parameters = (
                    f'("<parameter=" ({" | ".join(keys)}) ">\\n" value "\\n</parameter>\\n")* '
                )
            rules.append(
                f'tool{i} ::= "<function=" {_literal(function["name"])} ">\\n" '
                f'{parameters}"</function>"'
            )
            names.append(f"tool{i}")
        return "\n".join(
            [
                f'root ::= ws ({" | ".join(names)}) ws "{self.closing}"',
                WHITESPACE,
                r'value ::= ([^<] | "<" [^/])*',
                *rules,
            ]
        )

    def end(self, body: str) -> int:
        found = body.find(self.closing)
        return found + len(self.closing) if found >= 0 else -1

    def read(self, body: str) -> list[Call]:
        match = re.search(r"<function=([^>\n]+)>(.*)</function>", body, re.DOTALL)
        if not match:
            raise ValueError("expected <function=name>")
        parameters = re.findall(
            r"<parameter=([^>\n]+)>\n?(.*?)\n?</parameter>", match[2], re.DOTALL
        )
        return [(match[1], {key: _scalar(value) for key, value in parameters})]


class Gemma4(Dialect):
    """Gemma 4: call:name{key:value} with strings between <|"|>."""

    marker = "<|tool_call>"
    closing = "<tool_call|>"
    thinking = ("<|channel>thought", "<channel|>")
    quote = '<|"|>'

    def grammar(self, tools: Sequence[ToolDefinition]) -> str:
        quote = _literal(self.quote)
        return _keyword_grammar(
            tools,
            call=lambda name, pairs: f'"call:" {_literal(name)} "{{" {pairs} "}}"',
            assign='":"',
            root=f'root ::= call "{self.closing}"',
            values=[
                'value ::= string | number | "true" | "false" | "null" | list | map',
                f"string ::= {quote} [^<]* {quote}",
                'list ::= "[" (value ("," value)*)? "]"',
                r'map ::= "{" ([A-Za-z0-9_]+ ":" value ("," [A-Za-z0-9_]+ ":" value)*)? "}"',
            ],
        )

    def end(self, body: str) -> int:
        found = body.find(self.closing)
        return found + len(self.closing) if found >= 0 else -1

    def read(self, body: str) -> list[Call]:
        match = re.match(r"\s*call:([^{\s]+)(\{.*\})", body.removesuffix(self.closing), re.DOTALL)
        if not match:
            raise ValueError("expected call:name{...}")
        # Strings become JSON strings first, so that the keys can be quoted around them.
        parts = match[2].split(self.quote)
        for i in range(0, len(parts), 2):
            parts[i] = re.sub(r"([{,]\s*)([A-Za-z0-9_]+)\s*:", r'\1"\2":', parts[i])
        for i in range(1, len(parts), 2):
            parts[i] = json.dumps(parts[i])
        return [(match[1], _object(json.loads("".join(parts))))]


class Lfm2(Dialect):
    """LFM2: a Python list of calls, [name(key="value")]."""

    marker = "<|tool_call_start|>"
    closing = "<|tool_call_end|>"

    def grammar(self, tools: Sequence[ToolDefinition]) -> str:
        return _keyword_grammar(
            tools,
            call=lambda name, pairs: f'{_literal(name)} "(" {pairs} ")"',
            assign='"="',
            root=f'root ::= "[" call (", " call)* "]" "{self.closing}"',
            values=[
                'value ::= string | number | "True" | "False" | "None" | list | map',
                r'string ::= "\"" ([^"\\\n] | "\\" ["\\nt])* "\"" | "'
                r"'"
                r"""" ([^'\\\n] | "\\" ['\\nt])* "'" """.rstrip(),
                'list ::= "[" (value (", " value)*)? "]"',
                'map ::= "{" (string ": " value (", " string ": " value)*)? "}"',
            ],
        )

    def end(self, body: str) -> int:
        found = body.find(self.closing)
        return found + len(self.closing) if found >= 0 else -1

    def read(self, body: str) -> list[Call]:
        try:
            tree = ast.parse(body.removesuffix(self.closing).strip(), mode="eval").body
        except SyntaxError as e:
            raise ValueError("expected a Python list of calls") from e
        calls = tree.elts if isinstance(tree, ast.List) else [tree]
        return [_python_call(call) for call in calls]


def dialect_of(template: str) -> Dialect:
    """The dialect whose markers a chat template uses; Hermes, the most common, without any."""
    if "<|tool_call_start|>" in template or "<|tool_list_start|>" in template:
        return Lfm2()
    if "<|tool_call>" in template:
        return Gemma4()
    if "[TOOL_CALLS]" in template:
        return MistralArgs() if "[ARGS]" in template else Mistral()
    if "<tool_call>" in template and "<function=" in template:
        return QwenXml()
    if "<tool_call>" not in template and ("python_tag" in template or "ipython" in template):
        return Llama3()
    return Hermes()


def json_end(text: str) -> int:
    """Where the JSON object or array that begins `text` ends (exclusive); -1 if it is cut off."""
    depth, i = 0, 0
    while i < len(text):
        char = text[i]
        if char == '"':
            i += 1
            while i < len(text) and text[i] != '"':
                i += 2 if text[i] == "\\" else 1
        elif char in "{[":
            depth += 1
        elif char in "}]":
            depth -= 1
            if depth <= 0:
                return i + 1
        i += 1
    return -1


def _literal(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _alternatives(tools: Sequence[ToolDefinition], call: Any) -> str:
    parts, rules = [], []
    for i, tool in enumerate(tools):
        parts.append(call(tool["function"]["name"], f"tool{i}"))
        rules.append(arguments_grammar(tool, f"tool{i}"))
    return "\n".join([f"root ::= {' | '.join(parts)}", *rules])


def _keyword_grammar(
    tools: Sequence[ToolDefinition], *, call: Any, assign: str, root: str, values: list[str]
) -> str:
    """Grammar of calls with keyword arguments: the tool's own keys, each with any value."""
    calls, rules = [], []
    for i, tool in enumerate(tools):
        keys = (tool["function"].get("parameters") or {}).get("properties", {})
        pairs = '""'
        if keys:
            rules.append(f"pair{i} ::= ({' | '.join(map(_literal, keys))}) {assign} value")
            comma = '","' if assign == '":"' else '", "'
            pairs = f"(pair{i} ({comma} pair{i})*)?"
        calls.append(call(tool["function"]["name"], pairs))
    number = r'number ::= "-"? [0-9]{1,15} ("." [0-9]{1,15})?'
    return "\n".join([root, f"call ::= {' | '.join(calls)}", number, *values, *rules])


def _json_call(call: Any, *argument_keys: str) -> Call:
    name = call.get("name") if isinstance(call, dict) else None
    if not isinstance(name, str):
        raise ValueError('expected an object with a "name"')
    arguments: Any = next((call[key] for key in argument_keys if key in call), {})
    return name, _object(arguments)


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("expected the arguments to be an object")
    return value


def _scalar(text: str) -> Any:
    """A parameter written as plain text: JSON when it is JSON, else the text."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _python_call(call: ast.expr) -> Call:
    if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name)):
        raise ValueError("expected name(key=value)")
    arguments = {k.arg: ast.literal_eval(k.value) for k in call.keywords if k.arg is not None}
    return call.func.id, arguments
