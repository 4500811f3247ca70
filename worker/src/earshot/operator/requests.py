"""JSON and options -> a request that livekit-server understands, checked before it is sent.

Names are those of LiveKit's protocol, in `snake_case` or `camelCase`; a name or a value that it
does not know is named with its place.
"""

import difflib
import json
import re
import sys
from collections.abc import Mapping
from typing import Any, TypeVar

import click
from google.protobuf.json_format import ParseDict, ParseError
from google.protobuf.message import Message

from ..text_file import decode, read_input

M = TypeVar("M", bound=Message)

_UNKNOWN = re.compile(
    r'Message type "[\w.]+" has no field named "(?P<name>[^"]*)" at "(?P<at>[^"]*)".'
    r"\s*Available Fields\(except extensions\): \"\[(?P<known>.*)\]\"",
    re.S,
)


def read(file: str | None, option: str = "--request") -> dict[str, Any]:
    """The JSON object in a file, or in standard input for `-`; empty without a file.

    Raises:
        click.UsageError: not there, or not a JSON object.
    """
    if file is None:
        return {}
    name = "standard input" if file == "-" else file
    try:
        data = json.loads(read_input(file))
    except OSError as e:
        raise click.UsageError(f"{option} {name}: {e.strerror or e}") from e
    except json.JSONDecodeError as e:
        raise click.UsageError(
            f"{option} {name}: line {e.lineno}, column {e.colno}: not JSON: {e.msg}"
        ) from e
    except ValueError as e:
        raise click.UsageError(f"{option} {name}: {e}") from e
    if not isinstance(data, dict):
        raise click.UsageError(f"{option} {name}: a JSON object was expected")
    return data


def read_secret(file: str) -> str:
    """A password or PIN: the first line of a file, or of standard input for `-`.

    Raises:
        click.UsageError: not there, or empty.
    """
    try:
        text = decode(sys.stdin.buffer.readline()) if file == "-" else read_input(file)
    except (OSError, ValueError) as e:
        raise click.UsageError(f"{file}: {getattr(e, 'strerror', None) or e}") from e
    secret = text.strip().partition("\n")[0].strip()
    if not secret:
        raise click.UsageError(f"{file}: empty, a secret was expected")
    return secret


def build(kind: type[M], data: Mapping[str, Any], *given: Mapping[str, Any]) -> M:
    """A request of `data` with the options over it.

    Args:
        given: fields by name; None and empty ones were not given.

    Raises:
        click.UsageError: a field that the request does not have, or a value that is none of its.
    """
    merged = _snake(kind, data)
    for more in given:
        for name, value in more.items():
            if value is not None and value != () and value != {}:
                merged[name] = value
    try:
        return ParseDict(merged, kind())
    except ParseError as e:
        raise click.UsageError(explain(kind, str(e))) from e


def require(message: Message, **options: str) -> None:
    """Checks that fields are not empty.

    Args:
        options: field = how it is given, as in `room_name="--room"`.

    Raises:
        click.UsageError: one is.
    """
    for name, option in options.items():
        if not getattr(message, name):
            raise click.UsageError(
                f"{message.DESCRIPTOR.name}: {name} is missing: give {option}, or"
                f" {name!r} in --request"
            )


def explain(kind: type[Message], error: str) -> str:
    """What protobuf says about a request, in one line."""
    name = kind.DESCRIPTOR.name
    if found := _UNKNOWN.search(error):
        known = re.findall(r"'([^']+)'", found["known"])
        at = found["at"].removeprefix(name).lstrip(".")
        near = difflib.get_close_matches(found["name"], known, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(known)}"
        place = f"{at}.{found['name']}" if at and not at.endswith(found["name"]) else found["name"]
        return f"{name}: no field {place!r}; {hint}"
    text = " ".join(error.split()).removeprefix("Failed to parse ")
    return f"{name}: {text}"


def _snake(kind: type[Message], data: Mapping[str, Any]) -> dict[str, Any]:
    names = {field.json_name: field.name for field in kind.DESCRIPTOR.fields}
    return {names.get(key, key): value for key, value in data.items()}
