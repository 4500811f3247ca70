"""A microphone that never stops: 10 ms of sound every 10 ms, silence where nothing is said.

Time is kept absolutely: frame k is handed over when a real microphone would have filled it, at
`start + (k + 1) * 10 ms` of the monotonic clock. So a sample's moment follows from its number and
owes nothing to the scheduler; if the loop is late, the frames catch up and the delay counts against
whoever answers.
"""

import asyncio
import time
from dataclasses import dataclass

import numpy as np
from livekit import rtc

from ..audio_file import Samples
from .speech import RATE_HZ, Speech

FRAME_S = 0.01
FRAME = int(RATE_HZ * FRAME_S)
# no queue between here and the encoder, as in a browser: one of 20 ms costs 13 ms each way
QUEUE_MS = 0


@dataclass(frozen=True)
class Spoken:
    """When something was said, on the monotonic clock."""

    speech: Speech
    began_at: float
    """first voiced sample"""
    ended_at: float
    """last voiced sample"""


class Microphone:
    """A published microphone track; opened by `start`, and silent until something is said."""

    def __init__(self) -> None:
        self._source = rtc.AudioSource(RATE_HZ, 1, queue_size_ms=QUEUE_MS)
        self.track = rtc.LocalAudioTrack.create_audio_track("microphone", self._source)
        self._waiting: Samples = np.zeros(0, np.int16)
        self._frames = 0
        self._start = 0.0
        self._pump: asyncio.Task[None] | None = None
        self.latest_s = 0.0
        """how late a frame was at worst: over 20 ms, the caller's own machine was too busy"""

    def start(self) -> None:
        self._start = time.monotonic()
        self._pump = asyncio.create_task(self._run())

    def say(self, speech: Speech) -> Spoken:
        """Queues speech behind what is still being said; returns when it will have been said."""
        begins = self._start + self._frames * FRAME_S + len(self._waiting) / RATE_HZ
        self._waiting = np.concatenate([self._waiting, speech.samples])
        return Spoken(speech, begins + speech.begin_s, begins + speech.end_s)

    def hush(self) -> None:
        """Drops what has not been said yet."""
        self._waiting = np.zeros(0, np.int16)

    @property
    def silent(self) -> bool:
        return not len(self._waiting)

    async def _run(self) -> None:
        while True:
            due = self._start + (self._frames + 1) * FRAME_S
            wait = due - time.monotonic()
            if wait > 0:
                await asyncio.sleep(wait)
            self.latest_s = max(self.latest_s, -wait)
            piece = self._waiting[:FRAME]
            self._waiting = self._waiting[FRAME:]
            if len(piece) < FRAME:
                piece = np.pad(piece, (0, FRAME - len(piece)))
            self._frames += 1
            await self._source.capture_frame(rtc.AudioFrame(piece.tobytes(), RATE_HZ, 1, FRAME))

    async def aclose(self) -> None:
        if self._pump is not None:
            self._pump.cancel()
            await asyncio.gather(self._pump, return_exceptions=True)
        await self._source.aclose()
