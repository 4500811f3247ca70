"""Progress of long work on files: bars on a terminal, a line per item otherwise.

Work takes a `Progress` and doesn't know which it has; `Progress` itself shows nothing.
"""

import sys
import time
from types import TracebackType
from typing import Any, Self


class Progress:
    """Shows nothing."""

    def begin(self, what: str, total: int, done: int = 0) -> None:
        """An item of `total` bytes begins (0: nobody knows), `done` of them already there."""

    def advance(self, count: int) -> None:
        """So many more bytes of it are done."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Nothing more will come."""


SMALL_BYTES = 1_000_000
"""Items below this are over before anybody could read of them: they are not shown."""


class Lines(Progress):
    """For logs: a line when an item begins, and every ten seconds while it goes on."""

    EVERY_S = 10.0

    def __init__(self) -> None:
        self._what, self._total, self._done, self._next = "", 0, 0, 0.0

    def begin(self, what: str, total: int, done: int = 0) -> None:
        self._what, self._total, self._done = what, total, done
        self._next = time.monotonic() + self.EVERY_S
        if not total:
            print(what, file=sys.stderr)
        elif total >= SMALL_BYTES:
            print(f"{what}: {size(total)}", file=sys.stderr)

    def advance(self, count: int) -> None:
        self._done += count
        if self._total and time.monotonic() >= self._next:
            self._next = time.monotonic() + self.EVERY_S
            print(f"{self._what}: {100 * self._done // self._total} %", file=sys.stderr)


class Bars(Progress):
    """For people: a bar per item, with speed and time left."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            TextColumn,
            TimeRemainingColumn,
            TransferSpeedColumn,
        )
        from rich.progress import (
            Progress as RichProgress,
        )

        self._bars = RichProgress(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        )
        self._task: Any = None
        self._of_unknown_size = False

    def begin(self, what: str, total: int, done: int = 0) -> None:
        if self._of_unknown_size:
            self._bars.remove_task(self._task)
        self._of_unknown_size = not total
        shown = not total or total >= SMALL_BYTES
        self._task = self._bars.add_task(what, total=total or None, completed=done, visible=shown)

    def advance(self, count: int) -> None:
        self._bars.advance(self._task, count)

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bars.stop()


def for_people() -> Progress:
    """Bars on a terminal, lines elsewhere; both on standard error."""
    return Bars() if sys.stderr.isatty() else Lines()


def size(count: int) -> str:
    """A number of bytes as people write it: `1.1 GB`."""
    for unit, step in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= step:
            return f"{count / step:.1f} {unit}"
    return f"{count} bytes"
