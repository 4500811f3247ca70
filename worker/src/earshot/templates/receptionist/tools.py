"""What the receptionist can do: find people, take messages."""

import asyncio
import os
import time
import tomllib
from pathlib import Path

from livekit.agents import function_tool

PEOPLE = Path(__file__).with_name("people.toml")
MESSAGES = Path(__file__).with_name("messages")
TEXT_MAX = 2000


def find(name: str) -> list[dict[str, str]]:
    """The people whose name, or a part of it, that is."""
    words = name.lower().split()
    people: list[dict[str, str]] = tomllib.loads(PEOPLE.read_text(encoding="utf-8-sig"))["people"]
    return [p for p in people if words and all(w in p["name"].lower().split() for w in words)]


def keep(to: str, text: str) -> Path:
    """A message as a file that its owner alone may read."""
    MESSAGES.mkdir(exist_ok=True)
    path = MESSAGES / f"{time.time_ns()}.txt"
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(f"For {to}\n\n{text[:TEXT_MAX]}\n")
    return path


@function_tool
async def find_person(name: str) -> dict[str, object]:
    """Finds a person of this house: room, telephone, what they do.

    Args:
        name: first name, last name, or both.
    """
    return {"people": await asyncio.to_thread(find, name)}


@function_tool
async def take_message(to: str, text: str) -> dict[str, str]:
    """Takes a message for a person of this house.

    Args:
        to: the person's name.
        text: what they are to be told, and by whom.
    """
    found = await asyncio.to_thread(find, to)
    if len(found) != 1:
        return {"error": "nobody of that name" if not found else "several people: ask which"}
    await asyncio.to_thread(keep, found[0]["name"], text)
    return {"status": "kept", "for": found[0]["name"]}
