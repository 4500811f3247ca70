"""Calls on a terminal."""

import sqlite3
from collections.abc import Sequence

from ..operator.tables import show, show_fields, span, when
from . import query
from .query import Call

_NONE = "no calls in the log"


def show_list(calls: Sequence[Call], none: str = _NONE) -> None:
    """A line per call."""
    columns = ("id", "began", "who", "long", "ended", "turns", "cut", "median / p95")
    show(columns, [_row(call) for call in calls], none=none)


def _row(call: Call) -> tuple[object, ...]:
    latency = call.latency_ms.get("voice_to_voice")
    return (
        call.id,
        when(call.began_at)[:-3],
        ", ".join(call.who) or "-",
        _span(call.duration_s),
        call.how_ended or "running",
        call.turns,
        call.interruptions,
        f"{latency.median:.0f} / {latency.p95:.0f} ms" if latency else "-",
    )


def show_call(db: sqlite3.Connection, call: Call) -> None:
    """Everything of one call."""
    show_fields(
        [
            ("id", call.id),
            ("room", call.room),
            ("began", when(call.began_at)),
            ("long", _span(call.duration_s)),
            ("ended", call.how_ended or "it runs"),
            *(("caller", _person(p)) for p in call.people),
            ("turns", f"{call.turns}, {call.interruptions} of the answers cut off"),
            ("tools", ", ".join(f"{name} {n}" for name, n in call.tools.items())),
            *(
                (f"{stage} ms", f"median {spread.median:.0f}, p95 {spread.p95:.0f}")
                for stage, spread in call.latency_ms.items()
            ),
        ]
    )
    told = query.turns(db, call.id)
    if not told:
        return
    print()
    words = any(t["heard"] or t["reply"] for t in told)
    show(
        (
            "turn",
            "at",
            "voice to voice",
            "decided by",
            "tools",
            "",
            *(("heard", "reply") if words else ()),
        ),
        [
            (
                t["turn"],
                when(t["at"]),
                _ms(t["latency_ms"]["voice_to_voice"]),
                t["decided"],
                ", ".join(t["tools"]),
                "cut off" if t["interrupted"] else "" if t["asked"] else "unasked",
                *((t["heard"], t["reply"]) if words else ()),
            )
            for t in told
        ],
        none="",
    )


def _person(person: query.Person) -> str:
    name = f"{person.name} ({person.identity})" if person.name else person.identity
    left = f"left {when(person.left_at)}" if person.left_at else "has not left"
    why = f", {person.left_because.replace('_', ' ')}" if person.left_because else ""
    return f"{name}: joined {when(person.joined_at)}, {left}{why}"


def _span(seconds: float | None) -> str:
    return "-" if seconds is None else span(seconds)


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f} ms"
