"""The one writer of the call log: a thread with a bounded queue.

Telling it something never blocks and never fails. What can't be kept (a broken file, a full disk)
is lost, with one warning until it works again.
"""

import asyncio
import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path

import structlog

from ..errors import CallLogError
from . import schema
from .facts import Fact
from .store import Store

QUEUE_MAX = 2000
BATCH = 100
TRY_AGAIN_S = 10.0
EXPIRE_EVERY_S = 600.0
EXPIRE_MORE_S = 1.0
CLOSE_WITHIN_S = 3.0
_DAY_S = 86400.0

_log = structlog.get_logger(__name__)


class Keeper:
    """Keeps what it is told. Use as an async context manager.

    Args:
        path: the file; made at the first fact.
        retention_days: 0 = for ever.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        path: Path,
        retention_days: int,
        *,
        clock: Callable[[], float] = time.time,
        try_again_s: float = TRY_AGAIN_S,
    ) -> None:
        self._path = path
        self._retention_s = retention_days * _DAY_S
        self._clock = clock
        self._try_again_s = try_again_s
        self._queue: queue.Queue[Fact | None] = queue.Queue(QUEUE_MAX)
        self._thread = threading.Thread(target=self._run, name="call-log", daemon=True)
        self._db: sqlite3.Connection | None = None
        self._store: Store | None = None
        self._file: tuple[int, int] | None = None
        self._warned = False
        self._hopeless = False
        self._next_try = 0.0
        self._next_expiry = 0.0

    async def __aenter__(self) -> "Keeper":
        self._thread.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """What was told is kept, if that takes no longer than 3 s."""
        try:
            self._queue.put_nowait(None)
        except queue.Full:
            return  # the disk hangs: the thread ends with the process
        await asyncio.to_thread(self._thread.join, CLOSE_WITHIN_S)

    def tell(self, fact: Fact) -> None:
        """From any thread; returns at once."""
        try:
            self._queue.put_nowait(fact)
        except queue.Full:
            self._warn("the disk is too slow")

    # ------------------------------------------------------------------ in the thread
    def _run(self) -> None:
        while True:
            facts = self._next()
            ending = facts[-1:] == [None]
            told = [fact for fact in facts if fact is not None]
            try:
                if told or self._exists():
                    self._work(told)
            except CallLogError as e:  # no new start of ours mends that
                self._hopeless = True
                self._warn(str(e))
            except (sqlite3.Error, OSError) as e:
                self._close()
                self._next_try = time.monotonic() + self._try_again_s
                self._warn(f"{self._path}: {e}")
            if ending:
                self._close()
                return

    def _next(self) -> list[Fact | None]:
        """A batch; [] when it is time to look for what is too old."""
        wait_s = max(0.05, self._next_expiry - time.monotonic())
        try:
            facts = [self._queue.get(timeout=wait_s)]
        except queue.Empty:
            return []
        while len(facts) < BATCH and facts[-1] is not None:
            try:
                facts.append(self._queue.get_nowait())
            except queue.Empty:
                break
        return facts

    def _exists(self) -> bool:
        if not self._path.exists():  # nothing to expire: a file is made for a call only
            self._next_expiry = time.monotonic() + EXPIRE_EVERY_S
            return False
        return True

    def _work(self, told: list[Fact]) -> None:
        if self._hopeless or time.monotonic() < self._next_try:
            wait_s = EXPIRE_EVERY_S if self._hopeless else EXPIRE_MORE_S
            self._next_expiry = max(self._next_expiry, time.monotonic() + wait_s)
            return
        if self._store is None or self._file != _identity(self._path):
            self._close()  # somebody removed it: what goes into the old one is lost
            self._db = schema.open_to_write(self._path)
            self._store = Store(self._db, self._clock)
            self._file = _identity(self._path)
        if told:
            self._store.write(told)
        if self._warned:
            self._warned = False
            _log.warning("calls are logged again", file=str(self._path))
        if time.monotonic() >= self._next_expiry:
            self._next_expiry = time.monotonic() + EXPIRE_EVERY_S
            now = self._clock()
            if self._store.expire(now - self._retention_s if self._retention_s else None, now):
                self._next_expiry = time.monotonic() + EXPIRE_MORE_S

    def _warn(self, why: str) -> None:
        if not self._warned:
            self._warned = True
            _log.warning("calls go on, but are not logged", why=why)

    def _close(self) -> None:
        db, self._db, self._store = self._db, None, None
        if db is not None:
            try:
                db.close()
            except sqlite3.Error as e:
                _log.info("the call log was not closed", error=str(e))


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
