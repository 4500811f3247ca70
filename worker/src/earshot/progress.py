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

    def note(self, text: str) -> None:
        """Something that a person should know, and after which the work goes on."""

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
        self._what, self._total, self._done, self._first = "", 0, 0, 0
        self._began = self._next = 0.0

    def begin(self, what: str, total: int, done: int = 0) -> None:
        self._what, self._total, self._done, self._first = what, total, done, done
        self._began = time.monotonic()
        self._next = self._began + self.EVERY_S
        if not total:
            print(what, file=sys.stderr)
        elif total >= SMALL_BYTES:
            print(f"{what}: {size(total)}", file=sys.stderr)

    def advance(self, count: int) -> None:
        self._done += count
        if self._total and time.monotonic() >= self._next:
            now = time.monotonic()
            self._next = now + self.EVERY_S
            done = f"{self._what}: {100 * self._done // self._total} %, {size(self._done)}"
            rate = (self._done - self._first) / max(now - self._began, 0.001)
            left = f", {(self._total - self._done) / rate:.0f} s left" if rate > 0 else ""
            print(f"{done}, {size(max(0, int(rate)))}/s{left}", file=sys.stderr)

    def note(self, text: str) -> None:
        print(text, file=sys.stderr)


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

    def note(self, text: str) -> None:
        self._bars.console.print(text, markup=False, highlight=False)

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
