"""A log in a folder of its own, and facts to put into it."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from earshot.calls import query, schema
from earshot.calls.facts import Joined, Left, Room, RoomEnded, TurnTold
from earshot.calls.store import Store
from livekit import api

BEGAN = 1_700_000_000.0
_PERSON = {"sid": "PA_1", "identity": "anna", "name": "Anna", "agent": False}


def room(call: str = "RM_1", began_at: float = BEGAN, name: str = "") -> Room:
    return Room(call, name or f"room-{call}", began_at)


def joined(call: str = "RM_1", began_at: float = BEGAN, **person: Any) -> Joined:
    who = {**_PERSON, "joined_at": began_at, **person}
    return Joined(call, f"room-{call}", began_at, **who)


def left(
    call: str = "RM_1", at: float = BEGAN + 60, began_at: float = BEGAN, **person: Any
) -> Left:
    who = {**_PERSON, "joined_at": began_at, "why": "client_initiated", **person}
    return Left(call, f"room-{call}", began_at, at=at, **who)


def agent(call: str = "RM_1") -> Joined:
    return joined(call, sid="PA_agent", identity="agent-1", name="", agent=True)


def ended(call: str = "RM_1", at: float = BEGAN + 70, why: str = "idle_timeout") -> RoomEnded:
    return RoomEnded(call, f"room-{call}", BEGAN, at, why)


def turn(call: str = "RM_1", number: int = 1, ms: float | None = 400.0, **more: Any) -> TurnTold:
    values = {
        "call": call, "room": f"room-{call}", "job": "AJ_1", "turn": number, "at": BEGAN + number,
        "asked": True, "interrupted": False, "latency_ms": {"voice_to_voice": ms}, "tools": [],
    }  # fmt: skip
    return TurnTold(**{**values, **more})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return schema.path_in(tmp_path)


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    db = schema.open_to_write(path)
    yield Store(db)
    db.close()


def kept(path: Path, **wanted: Any) -> list[query.Call]:
    """What a reader sees, the newest first."""
    db = schema.open_to_read(path)
    if db is None:
        return []
    try:
        return list(query.calls(db, query.Filter(**wanted)))
    finally:
        db.close()


def event(name: str, call: str = "RM_1", **fields: Any) -> api.WebhookEvent:
    """As livekit-server sends it."""
    return api.WebhookEvent(
        event=name,
        id=f"EV_{name}",
        created_at=int(time.time()),
        room=api.Room(sid=call, name=f"room-{call}", creation_time_ms=int(BEGAN * 1000)),
        **fields,
    )
