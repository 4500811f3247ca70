"""Sentences of one's own: `[tools.sentences]` of the settings, checked and matched like ours.

    [tools.sentences]
    opening_hours = ["(when|what time) do you open [on {day}]"]

A {slot} is an argument of the tool. Knows JSON schema as far as tools use it.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hassil import parse_sentence
from hassil.parse_expression import ParseExpressionError
from hassil.parser import ParseError

from ...errors import ToolsError
from .words import digits, split

ANY = "any"
MOST_WORDS = 40  # of one argument


def check(tool: str, sentences: Sequence[str], parameters: Mapping[str, Any]) -> None:
    """
    Raises:
        ToolsError: a sentence that hassil can't read, with a slot that the tool has not, or without
            an argument that it needs.
    """
    known = parameters.get("properties", {})
    for sentence in sentences:
        where = f"tools.sentences.{tool}: {sentence!r}"
        if not any(c.isalpha() for c in re.sub(r"{[^}]*}", "", sentence)):
            raise ToolsError(f"{where}: words of its own were expected")
        try:
            read = parse_sentence(sentence)
            slots = set(read.list_names())
        except (ParseError, ParseExpressionError, ValueError, AssertionError) as e:
            raise ToolsError(
                f"{where}: words with [optional], (one|other) and {{argument}} were expected: {e}"
            ) from e
        if "<" in sentence:
            raise ToolsError(f"{where}: <rules> can't be used here")
        for slot in sorted(slots - set(known) - {ANY}):
            expected = ", ".join(f"{{{name}}}" for name in [*known, ANY])
            raise ToolsError(f"{where}: the tool has no argument {slot!r}: {expected} was expected")
        for needed in parameters.get("required", []):
            if needed not in slots:
                raise ToolsError(f"{where}: the tool needs {{{needed}}}")


def lists(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """hassil's lists for the arguments: the values of an enumeration, or any words."""
    found: dict[str, Any] = {}
    for name, schema in parameters.get("properties", {}).items():
        values = [v for v in schema.get("enum", []) if isinstance(v, str)]
        found[name] = {"values": values} if values else {"wildcard": True}
    return found


def arguments(
    slots: Mapping[str, str], parameters: Mapping[str, Any], language: str, more: Mapping[str, int]
) -> dict[str, Any] | None:
    """The slots' texts in the types of the schema; None where one can't be."""
    done: dict[str, Any] = {}
    for name, schema in parameters.get("properties", {}).items():
        if name not in slots:
            if name in parameters.get("required", []):
                return None
            continue
        value = _typed(slots[name], _kinds(schema), language, more)
        if value is None:
            return None
        done[name] = value
    return done


def _kinds(schema: Mapping[str, Any]) -> Iterable[str]:
    kind = schema.get("type")
    if kind is None:  # "int | None" is an anyOf
        return [k for either in schema.get("anyOf", []) for k in _kinds(either)]
    return kind if isinstance(kind, list) else [kind]


def _typed(text: str, kinds: Iterable[str], language: str, more: Mapping[str, int]) -> Any:
    if "string" in kinds:
        return text if len(text.split()) <= MOST_WORDS else None
    if "integer" not in kinds and "number" not in kinds:
        return None
    # "thirty first" is a number too, where one is wanted
    found = digits(split(text), language, more, ordinals=True)
    try:
        value = float(found[0].rstrip("stndrhe.ºªoa")) if len(found) == 1 else None
    except ValueError:
        return None
    if value is None:
        return None
    return int(value) if value == int(value) else (value if "number" in kinds else None)
