"""Calls as a file: JSON for programs, CSV for spreadsheets."""

import csv
import json
import sqlite3
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any, TextIO

from ..operator.tables import printable
from . import query
from .query import Call

COLUMNS = (
    "id", "room", "identity", "name", "began_at", "ended_at", "duration_s", "how_ended", "turns",
    "interruptions", "tools", "voice_to_voice_median_ms", "voice_to_voice_p95_ms",
)  # fmt: skip


def as_dict(call: Call) -> dict[str, Any]:
    """A call as JSON has it; times in ISO 8601, with the offset of this machine's time zone."""
    return {
        "id": call.id,
        "room": call.room,
        "began_at": iso(call.began_at),
        "ended_at": None if call.running else iso(call.ended_at),
        "duration_s": call.duration_s,
        "running": call.running,
        "how_ended": call.how_ended,
        "callers": [
            {**asdict(p), "joined_at": iso(p.joined_at), "left_at": iso(p.left_at)}
            for p in call.people
        ],
        "turns": call.turns,
        "interruptions": call.interruptions,
        "tools": call.tools,
        "latency_ms": {stage: asdict(spread) for stage, spread in call.latency_ms.items()},
    }


def with_turns(db: sqlite3.Connection, call: Call) -> dict[str, Any]:
    """The same, and its turns one by one."""
    told = [{**t, "at": iso(t["at"])} for t in query.turns(db, call.id)]
    if not any(t["heard"] or t["reply"] for t in told):  # empty words would look like silence
        for turn in told:
            del turn["heard"], turn["reply"]
    return {**as_dict(call), "turn_list": told}


def write_json(db: sqlite3.Connection, calls: Iterable[Call], file: TextIO) -> int:
    """An array with a call on each line; returns how many."""
    count = 0
    for count, call in enumerate(calls, 1):
        file.write("[\n" if count == 1 else ",\n")
        file.write(json.dumps(with_turns(db, call), ensure_ascii=False))
    file.write("\n]\n" if count else "[]\n")
    return count


def write_csv(calls: Iterable[Call], file: TextIO) -> int:
    """A line per call, callers and tools separated by `; `; returns how many."""
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    count = 0
    for call in calls:
        count += 1
        names = {p.identity: p.name for p in call.people}
        latency = call.latency_ms.get("voice_to_voice")
        writer.writerow(
            [
                call.id,
                _cell(call.room),
                _cell("; ".join(names)),
                _cell("; ".join(n for n in names.values() if n)),
                iso(call.began_at),
                "" if call.running else iso(call.ended_at),
                call.duration_s,
                call.how_ended or "running",
                call.turns,
                call.interruptions,
                _cell("; ".join(f"{name} {n}" for name, n in call.tools.items())),
                latency.median if latency else "",
                latency.p95 if latency else "",
            ]
        )
    return count


def iso(at: float | None) -> str | None:
    """Seconds since 1970 as a time of this machine; None for None."""
    if at is None:
        return None
    return datetime.fromtimestamp(at).astimezone().isoformat(timespec="seconds")


def _cell(text: str) -> str:
    # a spreadsheet takes these for a formula, and callers choose their names
    text = printable(text)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text
