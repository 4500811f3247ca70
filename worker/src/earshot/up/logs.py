"""What the services print: `NAME.log` of bounded size, the run before it in `NAME.log.1`.

Output reaches the file through this process, so that a file can be turned over under a running
service. Lines of any program are taken as they are.
"""

import asyncio
import io
import json
import os
import re
from collections import deque
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

SIZE_MAX_BYTES = 4_000_000
_TAIL_BYTES = 65536
_SEVERE = {"error", "critical", "fatal", "panic", "dpanic"}
_PLAIN = re.compile(r"^(earshot: |[\w.]*(Error|Exception)\b|panic: |fatal error: )")


class Log:
    """A service's output, in a file."""

    def __init__(self, path: Path, size_max_bytes: int = SIZE_MAX_BYTES) -> None:
        self.path = path
        self._size_max_bytes = size_max_bytes
        self._last: deque[str] = deque(maxlen=20)
        self._part = b""
        self._file: io.RawIOBase | None = None
        self._size = 0
        self._turn_over()

    async def pump(self, fd: int) -> None:
        """Copies a pipe into the file until nobody holds its other end. Closes `fd`."""
        reader = asyncio.StreamReader()
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(fd, "rb", buffering=0)
        )
        try:
            while chunk := await reader.read(_TAIL_BYTES):
                self.write(chunk)
        finally:
            transport.close()

    def write(self, chunk: bytes) -> None:
        """Appends. A full disk loses lines, never the service."""
        *lines, self._part = (self._part + chunk).split(b"\n")
        self._part = self._part[-_TAIL_BYTES:]
        self._last.extend(line.decode(errors="replace") for line in lines if line.strip())
        try:
            if self._size + len(chunk) > self._size_max_bytes:
                self._turn_over()
            if self._file:
                self._size += self._file.write(chunk) or 0
        except OSError:
            pass

    def last_lines(self, n: int) -> list[str]:
        """The newest lines, for the reader of a failure."""
        lines = [*self._last, self._part.decode(errors="replace")]
        return [line for line in lines if line.strip()][-n:]

    def close(self) -> None:
        if self._file:
            self._file.close()
            self._file = None

    def _turn_over(self) -> None:
        self.close()
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.path.exists():
            self.path.replace(self.path.with_name(self.path.name + ".1"))
        self._file = self.path.open("wb", buffering=0)
        self._size = 0


def last_errors(folder: Path, n: int = 5) -> list[dict[str, str]]:
    """The newest errors in the logs, oldest first: time (ISO, or empty), service, text."""
    found: list[tuple[float, dict[str, str]]] = []
    for path in sorted(folder.glob("*.log")):
        try:
            with path.open("rb") as file:
                file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
                lines = file.read().decode(errors="replace").splitlines()
            modified = path.stat().st_mtime
        except OSError:
            continue
        errors = [e for line in lines if (e := _error_in(line))]
        found += [(modified, {"service": path.stem, **error}) for error in errors[-n:]]
    found.sort(key=lambda pair: (pair[1]["time"] or "", pair[0]))
    return [error for _, error in found[-n:]]


def _time_in(record: dict[str, Any]) -> str:
    seconds = record.get("ts")  # livekit-server's; the others' is written out
    if isinstance(seconds, int | float):
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return str(record.get("timestamp") or seconds or "")


def _error_in(line: str) -> dict[str, str] | None:
    if not line.startswith("{"):
        return {"time": "", "text": line.strip()[:300]} if _PLAIN.match(line) else None
    try:
        record: dict[str, Any] = json.loads(line)
    except ValueError:
        return None
    if str(record.get("level", "")).lower() not in _SEVERE:
        return None
    text = str(record.get("event") or record.get("msg") or "")
    cause = str(record.get("error") or record.get("exception") or "").strip().splitlines()
    if cause and cause[-1] not in text:
        text = f"{text}: {cause[-1]}"
    return {"time": _time_in(record), "text": " ".join(text.split())[:300]}
