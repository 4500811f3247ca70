"""JSON schemas of tools as GBNF grammars of their arguments.

Knows nothing of how a model writes a call around the arguments (`dialects.py`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from .generator import ToolDefinition
from .native import json_schema_to_gbnf

Schema = dict[str, Any]

_MAX_DEPTH = 8
_MAX_ITEMS = 32
_ANYTHING: Schema = {"type": ["string", "number", "boolean", "object", "array", "null"]}
_KEPT = ("type", "enum", "const")  # what a grammar can hold; lengths and patterns blow it up

WHITESPACE = r"ws ::= [ \t\n]{0,4}"


def calls_grammar(tools: Sequence[ToolDefinition], *, name_key: str, arguments_key: str) -> str:
    """GBNF rules whose rule `call` is {"<name_key>": tool, "<arguments_key>": its arguments}."""
    alternatives = [
        {
            "type": "object",
            "properties": {
                name_key: {"const": tool["function"]["name"]},
                arguments_key: arguments_schema(tool),
            },
            "required": [name_key, arguments_key],
        }
        for tool in tools
    ]
    return _rules({"oneOf": alternatives}, "call")


def arguments_grammar(tool: ToolDefinition, rule: str) -> str:
    """GBNF rules whose rule `rule` is the JSON object of the tool's arguments."""
    return _rules(arguments_schema(tool), rule)


def object_grammar(schema: Schema) -> str:
    """GBNF whose root is a JSON object of the schema."""
    return str(json_schema_to_gbnf(json.dumps(_checked(schema))))


def arguments_schema(tool: ToolDefinition) -> Schema:
    """The schema of a tool's arguments, reduced to what a grammar can enforce."""
    return _checked(tool["function"].get("parameters") or {})


def _checked(parameters: Schema) -> Schema:
    schema = _reduce(parameters, parameters, 0)
    if schema.get("type") != "object":
        return {"type": "object"}
    try:
        _rules(schema, "test")
    except (AssertionError, KeyError, TypeError, ValueError, AttributeError, RecursionError):
        return {"type": "object"}  # any JSON object: still well-formed, only less exact
    return schema


def _rules(schema: Schema, name: str) -> str:
    rules = json_schema_to_gbnf(json.dumps(schema)).splitlines()
    prefix = "" if name == "call" else f"{name}-"
    if prefix:  # several schemas in one grammar: keep their rules apart
        names = sorted((rule.split(" ::= ")[0] for rule in rules), key=len, reverse=True)
        rules = [_prefixed(rule, names, prefix) for rule in rules]
    return "\n".join(_renamed(rule, f"{prefix}root", name) for rule in rules)


def _renamed(rule: str, old: str, new: str) -> str:
    return new + rule.removeprefix(old) if rule.startswith(f"{old} ::=") else rule


def _prefixed(rule: str, names: Sequence[str], prefix: str) -> str:
    """Puts the prefix before every rule name that stands outside of literals and classes."""
    out, i = [], 0
    while i < len(rule):
        if rule[i] in '"[':
            close = '"' if rule[i] == '"' else "]"
            j = i + 1
            while rule[j] != close:
                j += 2 if rule[j] == "\\" else 1
            out.append(rule[i : j + 1])
            i = j + 1
        elif name := next((n for n in names if rule.startswith(n, i)), None):
            out.append(prefix + name)
            i += len(name)
        else:
            out.append(rule[i])
            i += 1
    return "".join(out)


def _reduce(schema: Any, root: Schema, depth: int) -> Schema:
    """The structure of a schema, with references put in place."""
    if not isinstance(schema, dict) or depth > _MAX_DEPTH:
        return dict(_ANYTHING)
    if isinstance(ref := schema.get("$ref"), str):
        return _reduce(resolve(ref, root), root, depth + 1)
    for key in ("anyOf", "oneOf"):
        if options := schema.get(key):
            return {"anyOf": [_reduce(option, root, depth + 1) for option in options]}
    if len(parts := schema.get("allOf") or []) == 1:
        return _reduce(parts[0], root, depth + 1)
    reduced: Schema = {key: schema[key] for key in _KEPT if key in schema}
    if "enum" in reduced or "const" in reduced:
        return {key: reduced[key] for key in ("const", "enum") if key in reduced}
    if properties := schema.get("properties"):
        reduced["type"] = "object"
        reduced["properties"] = {k: _reduce(v, root, depth + 1) for k, v in properties.items()}
        reduced["required"] = [k for k in schema.get("required", []) if k in properties]
    elif reduced.get("type") == "object" and schema.get("additionalProperties") is not True:
        extra = schema.get("additionalProperties")
        if isinstance(extra, dict):
            reduced["additionalProperties"] = _reduce(extra, root, depth + 1)
        elif depth == 0 or extra is False:
            reduced["properties"] = {}
    if reduced.get("type") == "array" and "items" in schema:
        reduced["items"] = _reduce(schema["items"], root, depth + 1)
        for key in ("minItems", "maxItems"):
            if isinstance(count := schema.get(key), int) and count <= _MAX_ITEMS:
                reduced[key] = count
    return reduced if reduced else dict(_ANYTHING)


def resolve(ref: str, root: Schema) -> Any:
    """What a reference like "#/$defs/Colour" stands for; None if there is nothing."""
    target: Any = root
    for part in ref.removeprefix("#/").split("/"):
        target = target.get(part) if isinstance(target, dict) else None
    return target
