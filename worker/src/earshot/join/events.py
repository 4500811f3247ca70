"""What happened in a room, in order. A reader who is too slow loses the oldest, and is told."""

import asyncio
import datetime
from collections import deque
from dataclasses import dataclass, field
from typing import Any

QUEUE_MAX = 2000
TEXT_MAX = 4000
"""characters of any one value: others in the room decide how much they send"""


@dataclass(frozen=True)
class Event:
    """Something that happened."""

    kind: str
    content: dict[str, Any]
    at: datetime.datetime = field(default_factory=lambda: datetime.datetime.now(datetime.UTC))

    def to_dict(self) -> dict[str, Any]:
        time = self.at.isoformat(timespec="milliseconds")
        return {"event": self.kind, "time": time, **self.content}


class Events:
    """A bounded queue of events."""

    def __init__(self, most: int = QUEUE_MAX) -> None:
        self._queue: deque[Event] = deque()
        self._most = most
        self._lost = 0
        self._wake = asyncio.Event()

    def put(self, kind: str, /, **content: Any) -> None:
        """Never waits."""
        if len(self._queue) >= self._most:
            self._queue.popleft()
            self._lost += 1
        self._queue.append(Event(kind, {k: clipped(v) for k, v in content.items()}))
        self._wake.set()

    async def next(self) -> list[Event]:
        """All that are there, one at least."""
        while not (events := self.take()):
            self._wake.clear()
            await self._wake.wait()
        return events

    def take(self) -> list[Event]:
        """All that are there; `lost` first, if some were."""
        events = list(self._queue)
        self._queue.clear()
        if self._lost:
            events.insert(0, Event("lost", {"events": self._lost}))
            self._lost = 0
        return events


def clipped(value: Any) -> Any:
    """A value that cannot fill the screen or the memory."""
    if isinstance(value, str) and len(value) > TEXT_MAX:
        return f"{value[:TEXT_MAX]}… ({len(value)} characters)"
    if isinstance(value, dict):
        return {clipped(k): clipped(v) for k, v in list(value.items())[:100]}
    if isinstance(value, list):
        return [clipped(v) for v in value[:100]]
    return value
