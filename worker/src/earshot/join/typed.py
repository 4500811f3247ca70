"""Lines that a person or a script writes into standard input."""

import asyncio
import os
import select
import sys
import threading

LINES_MAX = 100
LINE_BYTES_MAX = 16 * 1024
LOOK_S = 0.2


class Typed:
    """Reads lines in a thread, from `start` to `close`; what is more than 100 lines ahead waits.

    A thread and not the loop: a terminal that is read without waiting would be written to without
    waiting too, and lose what it can't take.
    """

    def __init__(self) -> None:
        self.lines: asyncio.Queue[str] = asyncio.Queue(LINES_MAX)
        self._loop = asyncio.get_running_loop()
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Nothing is read where there is no standard input."""
        try:
            handle = sys.stdin.fileno()
        except (AttributeError, OSError, ValueError):
            return
        self._thread = threading.Thread(target=self._read, args=(handle,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._over.set()

    def _read(self, handle: int) -> None:
        rest = b""
        while not self._over.is_set():
            try:
                if not select.select([handle], [], [], LOOK_S)[0]:
                    continue
                data = os.read(handle, 4096)
            except (OSError, ValueError):
                return
            *lines, rest = (rest + data).split(b"\n")
            if not data and rest:
                lines, rest = [rest], b""
            if len(rest) > LINE_BYTES_MAX:
                lines, rest = [*lines, rest[:LINE_BYTES_MAX]], b""
            for line in lines:
                if not self._hand_over(line[:LINE_BYTES_MAX].decode(errors="replace").strip()):
                    return
            if not data:
                return

    def _hand_over(self, line: str) -> bool:
        if not line:
            return True
        putting = asyncio.run_coroutine_threadsafe(self.lines.put(line), self._loop)
        while not self._over.is_set():
            try:
                putting.result(LOOK_S)
                return True
            except TimeoutError:
                continue
        putting.cancel()
        return False
