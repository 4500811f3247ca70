"""Writes facts into the call log; erases calls. Blocks: for the keeper's thread, or a command.

Facts may come twice or in any order: each says what it knows, and nothing is taken back.
"""

import json
import sqlite3
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence

from .facts import Alive, Fact, HungUp, Joined, Left, Room, RoomEnded, TurnTold

CALLS_MOST = 100_000
"""Whatever the retention: beyond this the oldest go."""
ERASE_AT_ONCE = 500
REMEMBERED = 4096
_LATE_S = 2.0  # the server tells whole seconds
_FORGET_ERASED_S = 2 * 86400.0  # longer than any call lasts
_LATENCIES = "endpointing stt deciding llm_ttft first_clause tts_ttfb voice_to_voice".split()


class Store:
    """The log, open for writing.

    Args:
        db: of `schema.open_to_write`; closed by whoever opened it.
        clock: seconds since 1970.
    """

    def __init__(self, db: sqlite3.Connection, clock: Callable[[], float] = time.time) -> None:
        self._db = db
        self._clock = clock
        # when calls began that began under our eyes, by a clock that nobody sets
        self._since: OrderedDict[str, float] = OrderedDict()

    def write(self, facts: Iterable[Fact]) -> None:
        """All of them in one transaction."""
        with _transaction(self._db):
            for fact in facts:
                self._write(fact)

    def _write(self, fact: Fact) -> None:
        if isinstance(fact, Alive):
            self._close_missing(fact)
            return
        if self._db.execute("SELECT 1 FROM erased WHERE call = ?", (fact.call,)).fetchone():
            return
        began_at = fact.began_at if isinstance(fact, Room) else fact.at
        new = self._db.execute(
            "INSERT INTO calls(id, room, began_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            (fact.call, fact.room, began_at),
        )
        if new.rowcount:
            self._remember(fact.call, began_at)
        if isinstance(fact, Joined | TurnTold):
            # it goes on; but the last turn of a call that is cut off is told after that
            undone = "('lost', 'stopped')" if isinstance(fact, Joined) else "('lost')"
            self._db.execute(
                "UPDATE calls SET ended = 0, room_end = '', duration_s = NULL"
                f" WHERE id = ? AND room_end IN {undone}",
                (fact.call,),
            )
        if isinstance(fact, Joined):
            self._person(fact)
        elif isinstance(fact, RoomEnded):
            self._room_ended(fact)
        elif isinstance(fact, TurnTold):
            self._turn(fact)
        elif isinstance(fact, HungUp):
            self._db.execute("UPDATE calls SET hung_up = ? WHERE id = ?", (fact.why, fact.call))

    def _person(self, fact: Joined) -> None:
        if fact.agent:
            self._db.execute("UPDATE calls SET answered = 1 WHERE id = ?", (fact.call,))
            return
        # the call begins with its first caller, not with the room
        first = self._db.execute(
            "UPDATE calls SET began_at = ? WHERE id = ?"
            " AND NOT EXISTS (SELECT 1 FROM people WHERE call = calls.id)",
            (fact.joined_at, fact.call),
        )
        if first.rowcount and fact.call in self._since:
            self._remember(fact.call, fact.joined_at)
        self._db.execute(
            "INSERT INTO people(call, sid, identity, name, joined_at) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT DO NOTHING",
            (fact.call, fact.sid, fact.identity, fact.name, fact.joined_at),
        )
        if isinstance(fact, Left):
            changed = self._db.execute(
                "UPDATE people SET left_at = ?, left_because = ?"
                " WHERE call = ? AND sid = ? AND left_at IS NULL",
                (max(fact.at, fact.joined_at), fact.why, fact.call, fact.sid),
            )
            if changed.rowcount:
                self._set_duration(fact.call, fact.at)

    def _room_ended(self, fact: RoomEnded) -> None:
        self._db.execute(
            "UPDATE calls SET ended = 1, room_end = ? WHERE id = ?", (fact.why, fact.call)
        )
        open_or_none = self._db.execute(
            "SELECT duration_s IS NULL OR EXISTS"
            " (SELECT 1 FROM people WHERE call = calls.id AND left_at IS NULL)"
            " FROM calls WHERE id = ?",
            (fact.call,),
        ).fetchone()
        if open_or_none[0]:
            self._set_duration(fact.call, fact.at)

    def _set_duration(self, call: str, at: float) -> None:
        (began_at,) = self._db.execute(
            "SELECT began_at FROM calls WHERE id = ?", (call,)
        ).fetchone()
        duration_s = at - began_at
        if (since := self._since.get(call)) is not None:
            # the clock of the wall may have been set meanwhile; how late this is told, it knows
            late_s = self._clock() - at
            duration_s = time.monotonic() - since - (late_s if late_s >= _LATE_S else 0.0)
        self._db.execute(
            "UPDATE calls SET duration_s = ? WHERE id = ?",
            (max(0.0, round(duration_s, 1)), call),
        )

    def _turn(self, fact: TurnTold) -> None:
        columns = [f"{name}_ms" for name in _LATENCIES]
        values = [fact.latency_ms.get(name) for name in _LATENCIES]
        self._db.execute(
            "INSERT OR REPLACE INTO turns(call, job, turn, at, asked, interrupted, decided, tools,"
            f" heard, reply, {', '.join(columns)}) VALUES ({', '.join('?' * (10 + len(columns)))})",
            (
                fact.call, fact.job, fact.turn, fact.at, fact.asked, fact.interrupted,
                fact.decided, json.dumps(fact.tools), fact.heard, fact.reply, *values,
            ),
        )  # fmt: skip
        self._db.execute("UPDATE calls SET answered = 1 WHERE id = ?", (fact.call,))

    def _close_missing(self, fact: Alive) -> None:
        """Ends calls whose end nobody told: the worker was killed meanwhile, or is being stopped.

        They last until now, if we saw them begin; else until their last turn.
        """
        for (call,) in self._db.execute("SELECT id FROM calls WHERE ended = 0").fetchall():
            if call in fact.calls or self._since.get(call, 0.0) > fact.asked_at:
                continue
            if call in self._since:
                self._set_duration(call, self._clock())
            self._db.execute(
                "UPDATE calls SET ended = 1, room_end = ?, duration_s = coalesce(duration_s,"
                " max(0, coalesce((SELECT max(at) FROM turns WHERE call = calls.id), began_at)"
                " - began_at)) WHERE id = ?",
                (fact.why, call),
            )

    def _remember(self, call: str, began_at: float) -> None:
        self._since[call] = time.monotonic() - max(0.0, self._clock() - began_at)
        if len(self._since) > REMEMBERED:
            self._since.popitem(last=False)

    # ------------------------------------------------------------------ what goes
    def expire(self, before: float | None, now: float) -> bool:
        """Erases some of what is too old or too much; True if there is more of it.

        Args:
            before: calls that began before this time go; None = none.
        """
        ids = self._ids("WHERE began_at < ? ORDER BY began_at", (before,)) if before else []
        ids = ids or self._ids("ORDER BY began_at DESC LIMIT -1 OFFSET ?", (CALLS_MOST,))
        self.erase(ids[:ERASE_AT_ONCE], now)
        with _transaction(self._db):
            self._db.execute("DELETE FROM erased WHERE at < ?", (now - _FORGET_ERASED_S,))
        self.checkpoint()  # also what a reader kept from being overwritten the last time
        return len(ids) > ERASE_AT_ONCE

    def erase(self, calls: Sequence[str], now: float) -> None:
        """Erases calls; for good after the next `checkpoint`.

        Raises:
            sqlite3.Error: it is locked, or the disk is full.
        """
        for at in range(0, len(calls), ERASE_AT_ONCE):
            with _transaction(self._db):
                for call in calls[at : at + ERASE_AT_ONCE]:
                    self._db.execute("DELETE FROM calls WHERE id = ?", (call,))
                    self._db.execute("INSERT OR REPLACE INTO erased VALUES (?, ?)", (call, now))
                    self._since.pop(call, None)

    def checkpoint(self) -> bool:
        """Empties the write-ahead log into the file; False if a reader is in the way."""
        busy = self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        return not busy

    def _ids(self, rest: str, values: tuple[object, ...]) -> list[str]:
        return [row[0] for row in self._db.execute(f"SELECT id FROM calls {rest}", values)]


class _transaction:
    """BEGIN IMMEDIATE … COMMIT, or ROLLBACK."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __enter__(self) -> None:
        self._db.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if kind is None:
            self._db.execute("COMMIT")
        elif self._db.in_transaction:
            self._db.execute("ROLLBACK")
