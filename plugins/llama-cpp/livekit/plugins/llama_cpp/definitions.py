"""Definitions of tools as a model is shown them: what it has to know, in the fewest tokens.

Frameworks write more than that: a title for every name, defaults, references. Each token of it is
read before the first answer, and distracts a small model. What a call must look like is decided by
the whole schema all the same (`schema.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .generator import ToolDefinition
from .schema import Schema, resolve

_FIRST = ("type", "description")
_LEFT_OUT = frozenset(
    {"$comment", "$defs", "$id", "$ref", "$schema", "default", "definitions", "title"}
)


def shown(tools: Sequence[ToolDefinition]) -> list[ToolDefinition]:
    """The tools with names, descriptions, types, choices and bounds, and nothing else.

    >>> [tool] = shown([{"type": "function", "function": {"name": "f", "parameters": {
    ...     "properties": {"n": {"title": "N", "type": "integer"}}, "title": "Args",
    ...     "type": "object", "required": ["n"], "additionalProperties": False}}}])
    >>> tool["function"]["parameters"]
    {'type': 'object', 'properties': {'n': {'type': 'integer'}}, 'required': ['n']}
    """
    return [_tool(tool) for tool in tools]


def _tool(tool: ToolDefinition) -> ToolDefinition:
    function = tool["function"]
    shown = {key: function[key] for key in ("name", "description") if function.get(key)}
    parameters = function.get("parameters") or {}
    # templates look for both keys, also where there is nothing to give
    shown["parameters"] = {"type": "object", "properties": {}} | _schema(
        parameters, parameters, frozenset()
    )
    return {"type": "function", "function": shown}


def _schema(schema: Any, root: Schema, within: frozenset[str]) -> Any:
    """Args: within: the references that led here; one that leads back is not followed."""
    if not isinstance(schema, dict):
        return schema
    if isinstance(ref := schema.get("$ref"), str):
        target, rest = resolve(ref, root), _without(schema, "$ref")
        if not isinstance(target, dict):
            target = {}
        elif ref in within:
            return {"type": target.get("type", "object")}
        return _schema({**target, **rest}, root, within | {ref})
    for key in ("allOf", "anyOf"):  # how pydantic describes a reference, and what is optional
        options = [o for o in schema.get(key) or [] if o != {"type": "null"}]
        if len(options) == 1:
            return _schema({**options[0], **_without(schema, key)}, root, within)
    shown: Schema = {}
    for key in sorted(schema, key=lambda key: key not in _FIRST):
        value = schema[key]
        bare = key == "additionalProperties" and isinstance(value, bool)
        if key in _LEFT_OUT or bare or value in ([], ""):
            continue
        if key == "properties" and isinstance(value, dict):
            value = {name: _schema(part, root, within) for name, part in value.items()}
        elif key in ("anyOf", "oneOf", "allOf", "prefixItems") and isinstance(value, list):
            value = [_schema(part, root, within) for part in value]
        elif key in ("items", "additionalProperties"):
            value = _schema(value, root, within)
        shown[key] = value
    return shown


def _without(schema: Schema, left_out: str) -> Schema:
    return {key: value for key, value in schema.items() if key != left_out}
