"""What was kept, as people ask for it. Blocks."""

import json
import math
import sqlite3
import statistics
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ..errors import CallLogError
from .schema import has_decisions

_STAGES = "endpointing stt deciding llm_ttft first_clause tts_ttfb voice_to_voice".split()
_LEFT = {
    "client_initiated": "caller left",
    "duplicate_identity": "joined elsewhere",
    "participant_removed": "removed",
    "room_deleted": "closed",
    "room_closed": "closed",
    "server_shutdown": "stopped",
    "migration": "stopped",
}
_ROOM_END = {
    "lost": "lost",
    "stopped": "stopped",
    "api_delete": "closed",
    "server_shutdown": "stopped",
}


@dataclass(frozen=True)
class Filter:
    """Which calls are meant; times in seconds since 1970."""

    since: float | None = None
    until: float | None = None
    """Calls that began before this."""
    identity: str | None = None

    def where(self) -> tuple[str, list[object]]:
        """A WHERE clause and its values."""
        tests: list[str] = []
        values: list[object] = []
        for test, value in (
            ("began_at >= ?", self.since),
            ("began_at < ?", self.until),
            ("EXISTS (SELECT 1 FROM people WHERE call = calls.id AND identity = ?)", self.identity),
        ):
            if value is not None:
                tests.append(test)
                values.append(value)
        return (f"WHERE {' AND '.join(tests)}" if tests else ""), values


@dataclass(frozen=True)
class Person:
    """A caller's connection; who came back has several."""

    identity: str
    name: str
    joined_at: float
    left_at: float | None
    left_because: str


@dataclass(frozen=True)
class Spread:
    """Milliseconds of one stage over the turns of a call."""

    median: float
    p95: float
    """Nearest rank: of fewer than 20 turns, the slowest."""


@dataclass
class Call:
    """One call. `turns` counts those in which the caller said something."""

    id: str
    room: str
    began_at: float
    duration_s: float | None
    running: bool
    how_ended: str
    """`caller left`, `connection lost`, `silence`, `longest`, `unanswered`, `removed`, `closed`,
    `stopped`, `joined elsewhere`, or `lost`: nobody told; empty while it runs."""
    people: list[Person] = field(default_factory=list)
    turns: int = 0
    interruptions: int = 0
    tools: dict[str, int] = field(default_factory=dict)
    latency_ms: dict[str, Spread] = field(default_factory=dict)

    @property
    def ended_at(self) -> float | None:
        return None if self.duration_s is None else self.began_at + self.duration_s

    @property
    def who(self) -> list[str]:
        """The callers, each once: their names, or where they gave none, their identities."""
        return list({p.identity: p.name or p.identity for p in self.people}.values())


def calls(db: sqlite3.Connection, wanted: Filter, limit: int | None = None) -> Iterator[Call]:
    """The newest first."""
    where, values = wanted.where()
    rows = db.execute(
        "SELECT id, room, began_at, duration_s, ended, answered, hung_up, room_end FROM calls"
        f" {where} ORDER BY began_at DESC, id LIMIT ?",
        [*values, -1 if limit is None else limit],
    ).fetchall()
    for row in rows:
        yield _call(db, row)


def find(db: sqlite3.Connection, given: str) -> str:
    """The id that is meant by the id itself, the beginning of one, or a room's name.

    Raises:
        CallLogError: none or several.
    """
    for test, value in (("id = ?", given), ("room = ?", given), ("instr(id, ?) = 1", given)):
        found = [r[0] for r in db.execute(f"SELECT id FROM calls WHERE {test} LIMIT 3", (value,))]
        if len(found) == 1:
            return str(found[0])
        if found:
            raise CallLogError(f"{given!r} means several calls; give more of the id")
    raise CallLogError(f"no call {given!r} in the log (`earshot calls list` shows them)")


def one(db: sqlite3.Connection, call: str) -> Call:
    """A call by its id."""
    row = db.execute(
        "SELECT id, room, began_at, duration_s, ended, answered, hung_up, room_end FROM calls"
        " WHERE id = ?",
        (call,),
    ).fetchone()
    return _call(db, row)


def turns(db: sqlite3.Connection, call: str) -> list[dict[str, Any]]:
    """The turns of a call in their order; words are empty unless they were kept."""
    columns = ", ".join(f"{stage}_ms" for stage in _STAGES)
    decided = "decided"
    if not has_decisions(db):
        columns, decided = columns.replace("deciding_ms", "NULL"), "''"
    rows = db.execute(
        f"SELECT at, turn, asked, interrupted, {decided}, tools, heard, reply, {columns} FROM turns"
        " WHERE call = ? ORDER BY at, turn",
        (call,),
    )
    return [
        {
            "at": at,
            "turn": number,
            "asked": bool(asked),
            "interrupted": bool(interrupted),
            "decided": decided,
            "tools": json.loads(tools),
            "heard": heard,
            "reply": reply,
            "latency_ms": dict(zip(_STAGES, latencies, strict=True)),
        }
        for at, number, asked, interrupted, decided, tools, heard, reply, *latencies in rows
    ]


def ids(db: sqlite3.Connection, wanted: Filter) -> list[str]:
    """Of the calls that are meant."""
    where, values = wanted.where()
    return [r[0] for r in db.execute(f"SELECT id FROM calls {where} ORDER BY began_at", values)]


def _call(db: sqlite3.Connection, row: tuple[Any, ...]) -> Call:
    call, room, began_at, duration_s, ended, answered, hung_up, room_end = row
    people = [
        Person(*p)
        for p in db.execute(
            "SELECT identity, name, joined_at, left_at, left_because FROM people WHERE call = ?"
            " ORDER BY rowid",
            (call,),
        )
    ]
    running = not ended and (not people or any(p.left_at is None for p in people))
    how = ""
    if not running:
        how = hung_up or _how_ended(people, bool(answered), room_end)
    elif duration_s is None:
        duration_s = max(0.0, round(time.time() - began_at, 1))
    found = Call(call, room, began_at, duration_s, running, how, people)
    _add_turns(found, turns(db, call))
    return found


def _how_ended(people: list[Person], answered: bool, room_end: str) -> str:
    if room_end in ("lost", "stopped") and any(p.left_at is None for p in people):
        return room_end
    if not answered:
        return "unanswered"
    last = max((p for p in people if p.left_at), key=lambda p: p.left_at or 0.0, default=None)
    if last is not None:
        return _LEFT.get(last.left_because, "connection lost")
    return _ROOM_END.get(room_end, "closed")


def _add_turns(call: Call, told: list[dict[str, Any]]) -> None:
    call.turns = sum(turn["asked"] for turn in told)
    call.interruptions = sum(turn["interrupted"] for turn in told)
    call.tools = dict(Counter(name for turn in told for name in turn["tools"]))
    for stage in _STAGES:
        values = [v for t in told if (v := t["latency_ms"][stage]) is not None]
        if values:
            call.latency_ms[stage] = Spread(round(statistics.median(values), 1), p95(values))


def p95(values: list[float]) -> float:
    """By nearest rank."""
    return round(sorted(values)[math.ceil(0.95 * len(values)) - 1], 1)
