"""Takes the text of a reply as it is written, and gives it out when it is best spoken.

Knows nothing of voices: only how much audio the listener still has to hear.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterable
from functools import partial
from typing import Protocol

from livekit.agents import utils

from .clauses import ClauseBuffer
from .pace import Pace

SETTLED_S = 0.04
"""A full stop at the end of the text is one when nothing followed for so long: tokens of one
address ("example", ".", "com") follow each other faster."""


class Listener(Protocol):
    @property
    def buffered_s(self) -> float:
        """Audio still to be heard, if it plays at once."""
        ...

    @property
    def lead_s(self) -> float:
        """With less than this to hear, the next text should be on its way."""
        ...


class Reader:
    """Takes text as it comes, and gives it out when it is best spoken."""

    def __init__(self, source: AsyncIterable[str | object], pace: Pace) -> None:
        """
        Args:
            source: text, and anything else where the text before it is complete.
        """
        self._buffer = ClauseBuffer()
        self._pace = pace
        self._ended = False
        self._last_s = 0.0
        self._changed = asyncio.Event()
        self._task = asyncio.create_task(self._read(source), name="piper.read_text")

    async def _read(self, source: AsyncIterable[str | object]) -> None:
        try:
            async for item in source:
                self._last_s = time.monotonic()
                if isinstance(item, str):
                    self._buffer.push(item)
                    self._pace.push(len(item), self._last_s)
                else:
                    self._buffer.flush()
                self._changed.set()
        finally:
            self._buffer.flush()
            self._ended = True
            self._changed.set()

    @property
    def at_end(self) -> bool:
        return self._ended and not self._buffer

    async def next(self, listener: Listener) -> str | None:
        """The next piece to speak, or None at the end."""
        while True:
            self._changed.clear()
            quiet_s = time.monotonic() - self._last_s
            buffered_s = listener.buffered_s
            urgent_in_s = buffered_s - listener.lead_s
            piece = self._buffer.take(
                urgent=urgent_in_s <= 0,
                settled=quiet_s >= SETTLED_S,
                lasts=partial(self._pace.lasts, buffered_s=buffered_s),
            )
            if piece is not None:
                return piece
            if self._ended:
                return None
            # look again when text comes, or when waiting for it turns out to be wrong
            waits = [s for s in (SETTLED_S - quiet_s, urgent_in_s) if s > 0]
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(waits) if waits and self._buffer else None):
                    await self._changed.wait()

    async def aclose(self) -> None:
        await utils.aio.cancel_and_wait(self._task)
