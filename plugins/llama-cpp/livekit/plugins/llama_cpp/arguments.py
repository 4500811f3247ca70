"""Whether a call's arguments fit its tool, and what can be put right without asking again.

Holds them to what a grammar can enforce: what is beyond that (lengths, patterns) the tool itself
tells the model.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import fastjsonschema

from .generator import ToolDefinition
from .schema import Schema, arguments_schema


class Arguments:
    """Those of one request's tools.

    Args:
        tools: in OpenAI form.
    """

    def __init__(self, tools: Sequence[ToolDefinition]) -> None:
        self._tools = {tool["function"]["name"]: tool for tool in tools}

    def fitted(self, name: str, given: dict[str, Any]) -> dict[str, Any] | None:
        """The arguments as the tool expects them; None if they can't be meant so."""
        schema = arguments_schema(self._tools[name])
        properties: dict[str, Schema] = schema.get("properties", {})
        if "properties" in schema and not properties:
            return {}  # nothing to be said, whatever was said
        fitted = {
            key: _fitted(value, properties.get(key, {}))
            for key, value in given.items()
            if value is not None or (key in properties and _takes(properties[key], "null"))
        }
        closed = {"additionalProperties": False} if properties else {}
        try:
            fastjsonschema.validate({**closed, **schema}, fitted)
        except fastjsonschema.JsonSchemaValueException:
            return None
        return fitted


def _fitted(value: Any, schema: Schema) -> Any:
    """ "5" where a number is expected, 5 where a text is."""
    if isinstance(value, str) and not _takes(schema, "string"):
        for kind, convert in (("integer", int), ("number", float)):
            try:
                if _takes(schema, kind):
                    return convert(value)
            except ValueError:
                continue
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if schema.get("type") == "string":
            return str(value)
        if schema.get("type") == "integer" and value == int(value):
            return int(value)
    return value


def _takes(schema: Schema, kind: str) -> bool:
    kinds = schema.get("type", [kind])
    if options := schema.get("anyOf"):
        return any(_takes(option, kind) for option in options)
    if "enum" in schema or "const" in schema:
        return kind == "string"
    return kind in kinds if isinstance(kinds, list) else kind == kinds
