"""Who may talk now: as many calls as there are slots, and a line of those who wait.

A slot is a file that a call's process keeps locked as long as it lives (flock): the kernel frees
it whatever happens to the process. Those who wait queue at one more locked file each; the lowest
number goes first. A slot may hold a note: one that is found in a free slot was left by a process
that died in its call. Knows nothing of rooms.
"""

import asyncio
import fcntl
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

POLL_S = 0.1
NOTE_BYTES_MAX = 4096


class Slot:
    """A place that this process holds until `release`, or until it dies."""

    def __init__(self, handle: int) -> None:
        self._handle: int | None = handle

    def note(self, text: str) -> None:
        """What whoever comes after should know if this process dies here."""
        assert self._handle is not None, "released"
        os.ftruncate(self._handle, 0)
        os.pwrite(self._handle, text.encode(), 0)

    def release(self) -> None:
        """Idempotent."""
        if self._handle is not None:
            os.ftruncate(self._handle, 0)
            os.close(self._handle)
            self._handle = None


class Admission:
    """The door of one machine.

    Args:
        folder: where the lock files are; made if missing.
        calls_max: so many slots from now on; None = as many as there are.
    """

    def __init__(self, folder: Path, calls_max: int | None = None) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if calls_max is None:
            self._slots = sorted(folder.glob("slot-*"))
            return
        self._slots = [folder / f"slot-{i:03}" for i in range(calls_max)]
        for surplus in set(folder.glob("slot-*")).difference(self._slots):
            surplus.unlink()
        for slot in self._slots:
            slot.touch(mode=0o600)

    def try_enter(self) -> Slot | None:
        """A slot, if one is free and nobody waits for it."""
        return None if self.waiting else self._take()

    async def enter(self, on_wait: Callable[[int], None]) -> Slot:
        """Waits for a slot; cancelling it leaves the line.

        Args:
            on_wait: told the place in the line, 1 = next, whenever it changes; not called if a
                slot is free.
        """
        if slot := self.try_enter():
            return slot
        ticket = self._folder / f"wait-{time.time_ns():020}-{os.getpid()}"
        handle = _lock(ticket)
        assert handle is not None, "the name is this process's own"
        known = 0
        try:
            while True:
                position = 1 + sum(other.name < ticket.name for other in self._waiting())
                if position == 1 and (slot := self._take()):
                    return slot
                if position != known:
                    known = position
                    on_wait(position)
                await asyncio.sleep(POLL_S)
        finally:
            ticket.unlink(missing_ok=True)
            os.close(handle)

    @property
    def calls(self) -> int:
        """Slots that are taken."""
        return sum(_is_locked(slot) for slot in self._slots)

    @property
    def waiting(self) -> int:
        """How many wait in the line."""
        return len(self._waiting())

    def abandoned(self) -> list[str]:
        """The notes of processes that died in their calls; each is told once."""
        notes = []
        for path in self._slots:
            if not path.exists() or not path.stat().st_size:
                continue  # free, or a call without a note: not to be locked even for a moment
            handle = _lock(path)
            if handle is not None:
                notes.append(os.pread(handle, NOTE_BYTES_MAX, 0).decode(errors="replace"))
                Slot(handle).release()
        return [note for note in notes if note]

    def _take(self) -> Slot | None:
        for path in self._slots:
            handle = _lock(path)
            if handle is not None:
                return Slot(handle)
        return None

    def _waiting(self) -> list[Path]:
        tickets = []
        for ticket in self._folder.glob("wait-*"):
            if _is_locked(ticket):
                tickets.append(ticket)
            else:  # its process died
                ticket.unlink(missing_ok=True)
        return tickets


def _lock(path: Path) -> int | None:
    """A handle on the file, locked; None if another has it."""
    handle = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle


def _is_locked(path: Path) -> bool:
    # a shared lock, so that two who look at once don't take each other for the holder
    with suppress(FileNotFoundError):
        handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(handle)
    return False
