"""Answers: tables for people, JSON for scripts.

What participants say of themselves (names, metadata) is shown as text: without the control
characters that would move a terminal's cursor, and without being taken for markup.
"""

import json
import sys
import time
from collections.abc import Iterable, Sequence
from typing import Any

import click
from google.protobuf.descriptor import FieldDescriptor as Field
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

_INTEGERS = {Field.CPPTYPE_INT64, Field.CPPTYPE_UINT64}
_SECRETS = {
    "auth_password", "inbound_password", "outbound_password", "stream_key", "pin",
    "secret", "account_key", "access_key", "session_token", "credentials", "password",
}  # fmt: skip
HIDDEN = "***"


def plain(message: Message, *, secrets: bool = True) -> dict[str, Any]:
    """A message as JSON with the names of the protocol, every field, and numbers as numbers.

    Args:
        secrets: False replaces passwords and keys by asterisks.
    """
    data = MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
    return _walk(message.DESCRIPTOR, data, secrets)


def _walk(descriptor: Any, data: dict[str, Any], secrets: bool) -> dict[str, Any]:
    fields = descriptor.fields_by_name
    return {name: _value(fields[name], value, secrets) for name, value in data.items()}


def _value(field: Any, value: Any, secrets: bool) -> Any:
    if not secrets and value and field.name in _SECRETS:
        return HIDDEN
    if field.message_type is not None:
        if field.message_type.GetOptions().map_entry:
            return value
        if isinstance(value, list):
            return [_walk(field.message_type, item, secrets) for item in value]
        return _walk(field.message_type, value, secrets) if isinstance(value, dict) else value
    if field.cpp_type in _INTEGERS:  # JSON of the protocol has them as text
        return [int(v) for v in value] if isinstance(value, list) else int(value)
    return value


def show_json(value: Any) -> None:
    """One JSON document; messages and lists of them are taken as they are."""
    if isinstance(value, Message):
        value = plain(value)
    elif isinstance(value, list):
        value = [plain(item) if isinstance(item, Message) else item for item in value]
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def show(columns: Sequence[str], rows: Iterable[Sequence[object]], *, none: str) -> None:
    """A table; `none` is said when it has no rows."""
    cells = [[printable(cell) for cell in row] for row in rows]
    if not cells:
        click.echo(none)
        return
    if sys.stdout.isatty():  # room for what there is; a pipe gets every column, always
        kept = [i for i in range(len(columns)) if i == 0 or any(row[i] for row in cells)]
        columns, cells = [columns[i] for i in kept], [[row[i] for i in kept] for row in cells]
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for row in cells:
        table.add_row(*(Text(cell) for cell in row))
    # a pipe has no width; whoever cuts columns out of it wants them whole
    Console(width=None if sys.stdout.isatty() else 1000).print(table)


def show_fields(pairs: Iterable[tuple[str, object]]) -> None:
    """Names and values, one a line; empty values are left out."""
    shown = [(name, printable(value)) for name, value in pairs if value not in ("", None)]
    width = max((len(name) for name, _ in shown), default=0)
    for name, value in shown:
        click.echo(f"{name:<{width}}  {value}")


def printable(value: object) -> str:
    """Text on one line that does nothing to a terminal."""
    return "".join(c if c.isprintable() else _escape(c) for c in str(value))


def _escape(c: str) -> str:
    # joiners hold emoji and several scripts together; a new line would break the table
    return c if c in "\u200c\u200d" else c.encode("unicode_escape").decode()


def when(seconds: float) -> str:
    """A time of day here, with the date; empty for 0."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds)) if seconds else ""


def span(seconds: float) -> str:
    """A duration in words: `2 d 3 h`, `10 min`, `45 s`."""
    left = round(seconds)
    parts = []
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or "0 s"
