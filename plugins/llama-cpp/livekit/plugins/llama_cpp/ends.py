"""Where the parts of a reply end that aren't speech: brackets, calls of all families, headers.

Each takes the text from the part's beginning and says where it ends (exclusive), -1 while it
doesn't. Knows nothing of what is inside (`salvage.py`).
"""

from __future__ import annotations

import re
from collections.abc import Callable

from .markup import closing_of

End = Callable[[str], int]

_LONGEST_CLOSING = 64


def json_end(text: str) -> int:
    """Of the JSON, or Python, object or list that begins the text."""
    depth, i = 0, 0
    while i < len(text):
        char = text[i]
        # Python's quotes, but no apostrophes
        if char == '"' or (char == "'" and (text[:i].rstrip()[-1:] or "{") in "{[,:("):
            i = _string_end(text, i)
        elif char in "{[":
            depth += 1
        elif char in "}]":
            depth -= 1
            if depth <= 0:
                return i + 1
        i += 1
    return -1


def parenthesis_end(text: str) -> int:
    """Of the parenthesis, or the list of calls, that begins the text."""
    depth, i = 0, 0
    while i < len(text):
        char = text[i]
        if char in "\"'":
            i = _string_end(text, i)
        elif char in "([{":
            depth += 1
        elif char in ")]}":
            depth -= 1
            if depth <= 0:
                return i + 1
        i += 1
    return -1


def behind(start: int, end: End) -> End:
    """The end of what begins at `start`."""

    def found(body: str) -> int:
        size = end(body[start:])
        return start + size if size >= 0 else -1

    return found


def after(size: int) -> End:
    return lambda _: size


def closing(text: str) -> End:
    """Behind the first such text."""

    def found(body: str) -> int:
        at = body.find(text)
        return at + len(text) if at >= 0 else -1

    return found


def call(tag: str, head: int) -> End:
    """A marked call: its closing tag, or the end of its JSON when that is all it holds.

    Args:
        head: how much of the tag itself begins the text.
    """
    mark = closing_of(tag)
    if tag.endswith("/>"):
        return after(head)

    def found(body: str) -> int:
        inner = body[head:].lstrip()
        if not inner:
            return -1
        value = 0
        if inner[0] in "{[":
            size = json_end(inner)
            if size < 0:
                return -1
            value = len(body) - len(inner) + size
        at = body.find(mark, value)
        if at >= 0 and not (value and body[value:at].strip()):
            return at + len(mark)
        if not value:
            return -1
        waits = mark.startswith(body[value:].strip()) and len(body) - value < _LONGEST_CLOSING
        return -1 if waits else value

    return found


def harmony(body: str) -> int:
    """gpt-oss: a header up to <|message|>, then JSON."""
    start = body.find("<|message|>")
    return behind(start, json_end)(body) if "{" in body[start:] else -1


def mistral(body: str) -> int:
    """[{...}], or name[ARGS]{...}, or name{...}"""
    start = re.search(r"\{|\[(?=\s*\{)", body)
    return behind(start.start(), json_end)(body) if start else -1


def react(body: str) -> int:
    """Action: name, then Action Input: and JSON or the rest of the line."""
    given = re.search(r"Action Input:\s*", body)
    if given and body[given.end() : given.end() + 1] == "{":
        return behind(given.end(), json_end)(body)
    if given and (line := re.compile(r"[^\s][^\n]*\n").match(body, given.end())):
        return line.end()
    return body.find("\nObservation")


def role(body: str) -> int:
    """Who speaks, and what parts that from the words."""
    match = re.match(r"\s*(?:\w+\s*?(?:\n+|(?=<|\[)|$)|(?=[^\w\s]))", body)
    if match is None:
        return 0 if body.strip() else -1
    return -1 if match.end() == len(body) and "\n" not in match[0].lstrip() else match.end()


def _string_end(text: str, start: int) -> int:
    quote, i = text[start], start + 1
    while i < len(text) and text[i] != quote:
        i += 2 if text[i] == "\\" else 1
    return i
