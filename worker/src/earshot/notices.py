"""What the page is told beside speech: turns, tools, and what goes wrong.

Each message is a text stream of JSON in the room, on a topic of its own. They leave in order; a
room that takes nothing for long loses the oldest. Does not know what the page does with them.
"""

import asyncio
import json
from collections import deque
from typing import Any

import structlog
from livekit import rtc

from .turn import ToolCall, Turn

QUEUE_MAX = 100
SEND_WITHIN_S = 5.0

_log = structlog.get_logger(__name__)


class Notices:
    """The agent's messages to one room; close with `aclose`."""

    def __init__(self, room: rtc.Room) -> None:
        self._room = room
        self._queue: deque[tuple[str, str]] = deque(maxlen=QUEUE_MAX)
        self._wake = asyncio.Event()
        self._task = asyncio.create_task(self._send(), name="notices")

    def turn(self, turn: Turn) -> None:
        """The record of a turn; the same number again replaces it."""
        self._put("earshot.turn", turn.to_dict())

    def tool(self, turn: Turn, call: ToolCall) -> None:
        """A tool that ran."""
        self._put(
            "earshot.tool",
            {
                "turn": turn.turn,
                "name": call.name,
                "arguments": call.arguments,
                "result": call.result,
                "by": turn.decided.by if turn.decided else None,
            },
        )

    def notice(self, kind: str, message: str, **more: Any) -> None:
        """Something that a person should know, in words for them."""
        self._put("earshot.notice", {"kind": kind, "message": message, **more})

    def _put(self, topic: str, content: dict[str, Any]) -> None:
        self._queue.append((topic, json.dumps(content, ensure_ascii=False)))
        self._wake.set()

    async def _send(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._queue:
                topic, text = self._queue.popleft()
                try:
                    sending = self._room.local_participant.send_text(text, topic=topic)
                    await asyncio.wait_for(sending, SEND_WITHIN_S)
                except Exception as e:  # the room is gone, or its connection is being mended
                    _log.info("a message to the page was lost", topic=topic, error=str(e))

    async def aclose(self) -> None:
        """Sends what waits, for a moment."""
        for _ in range(20):
            if not self._queue:
                break
            await asyncio.sleep(0.02)
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
