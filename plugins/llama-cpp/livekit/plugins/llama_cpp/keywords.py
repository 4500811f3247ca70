"""Dialects that write arguments as keywords or elements, not as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence

from .dialect import Dialect, literal
from .generator import ToolDefinition
from .salvage import Call, Toolbox
from .schema import WHITESPACE


class Glm(Dialect):
    """GLM 4.5 and later: a name, then <arg_key> and <arg_value> in turns."""

    marker, closing = "<tool_call>", "</tool_call>"

    def grammar(self, tools: Sequence[ToolDefinition]) -> str:
        names, rules = [], []
        for i, tool in enumerate(tools):
            keys = [
                literal(k) for k in (tool["function"].get("parameters") or {}).get("properties", {})
            ]
            pairs = ""
            if keys:
                key = f'"<arg_key>" ({" | ".join(keys)}) "</arg_key>\\n"'
                pairs = f'({key} "<arg_value>" value "</arg_value>\\n")*'
            rules.append(f"tool{i} ::= {literal(tool['function']['name'] + chr(10))} {pairs}")
            names.append(f"tool{i}")
        return "\n".join(
            [
                f'root ::= ({" | ".join(names)}) "{self.closing}"',
                r'value ::= ([^<] | "<" [^/])*',
                *rules,
            ]
        )

    def end(self, body: str) -> int:
        found = body.find(self.closing)
        return found + len(self.closing) if found >= 0 else -1


class QwenXml(Dialect):
    """Qwen 3 Coder, Qwen 3.5: <function=name> with <parameter=key> inside <tool_call>."""

    marker = "<tool_call>"
    closing = "</tool_call>"

    def grammar(self, tools: Sequence[ToolDefinition]) -> str:
        rules, names = [], []
        for i, tool in enumerate(tools):
            function = tool["function"]
            keys = [literal(k) for k in (function.get("parameters") or {}).get("properties", {})]
            parameters = ""
            if keys:
                parameters = (
                    f'("<parameter=" ({" | ".join(keys)}) ">\\n" value "\\n</parameter>\\n")* '
                )
            rules.append(
                f'tool{i} ::= "<function=" {literal(function["name"])} ">\\n" '
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


class Gemma4(Dialect):
    """Gemma 4: call:name{key:value} with strings between <|"|>."""

    marker = "<|tool_call>"
    closing = "<tool_call|>"
    quote = '<|"|>'

    def grammar(self, tools: Sequence[ToolDefinition]) -> str:
        quote = literal(self.quote)
        return _keyword_grammar(
            tools,
            call=lambda name, pairs: f'"call:" {literal(name)} "{{" {pairs} "}}"',
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

    def read(self, body: str, tools: Toolbox) -> list[Call]:
        match = re.match(r"\s*call:([^{\s]+)(\{.*\})", body.removesuffix(self.closing), re.DOTALL)
        if not match or self.quote not in body:
            return tools.calls(body)
        # Strings become JSON strings first, so that the keys can be quoted around them.
        parts = match[2].split(self.quote)
        for i in range(0, len(parts), 2):
            parts[i] = re.sub(r"([{,]\s*)([A-Za-z0-9_]+)\s*:", r'\1"\2":', parts[i])
        for i in range(1, len(parts), 2):
            parts[i] = json.dumps(parts[i])
        return tools.calls(f"{match[1]}{''.join(parts)}")


class Lfm2(Dialect):
    """LFM2: a Python list of calls, [name(key="value")]."""

    marker = "<|tool_call_start|>"
    closing = "<|tool_call_end|>"

    @property
    def example(self) -> str:
        return f'{self.marker}[{{"name": "NAME", "arguments": {{...}}}}]{self.closing}'

    def grammar(self, tools: Sequence[ToolDefinition]) -> str:
        return _keyword_grammar(
            tools,
            call=lambda name, pairs: f'{literal(name)} "(" {pairs} ")"',
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


def _keyword_grammar(
    tools: Sequence[ToolDefinition],
    *,
    call: Callable[[str, str], str],
    assign: str,
    root: str,
    values: list[str],
) -> str:
    """Grammar of calls with keyword arguments: the tool's own keys, each with any value."""
    calls, rules = [], []
    for i, tool in enumerate(tools):
        keys = (tool["function"].get("parameters") or {}).get("properties", {})
        pairs = '""'
        if keys:
            rules.append(f"pair{i} ::= ({' | '.join(map(literal, keys))}) {assign} value")
            comma = '","' if assign == '":"' else '", "'
            pairs = f"(pair{i} ({comma} pair{i})*)?"
        calls.append(call(tool["function"]["name"], pairs))
    number = r'number ::= "-"? [0-9]{1,15} ("." [0-9]{1,15})?'
    return "\n".join([root, f"call ::= {' | '.join(calls)}", number, *values, *rules])
