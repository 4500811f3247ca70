"""What the agent hears without a server: 20 ms frames in step with the clock.

`RecordedMicrophone` is silent until it is given a recording. Knows nothing of the session.
"""

import asyncio
import time

import numpy as np
import numpy.typing as npt
from livekit import rtc
from livekit.agents.voice import io

from ..audio_file import FRAME_S
from .recording import FRAME, RATE_HZ, Recording

READ_AHEAD = 25  # frames decoded at once, in a thread: half a second
SILENCE = np.zeros(FRAME, np.int16)


class RecordedMicrophone(io.AudioInput):
    """Plays recordings to the agent at the speed of life, and silence between them."""

    def __init__(self) -> None:
        super().__init__(label="recording")
        self._playing: asyncio.Queue[npt.NDArray[np.int16] | None] | None = None
        self._next_at: float | None = None

    async def play(self, recording: Recording) -> float:
        """Plays a recording; returns when its last voiced sample was sent (time.time())."""
        queue: asyncio.Queue[npt.NDArray[np.int16] | None] = asyncio.Queue(READ_AHEAD * 2)
        frames = recording.frames()

        def read() -> list[npt.NDArray[np.int16]]:
            return [f for f, _ in zip(frames, range(READ_AHEAD), strict=False)]

        started: float | None = None
        try:
            while pieces := await asyncio.to_thread(read):
                for piece in pieces:
                    await queue.put(piece)
                if started is None:
                    # the first frame of the file ends at the next tick
                    started = time.time() - FRAME_S + self._until_next_tick_s()
                    self._playing = queue
            await queue.put(None)
            while self._playing is queue:
                await asyncio.sleep(FRAME_S)
        finally:
            self._playing = None
        assert started is not None  # a recording holds at least one frame
        return started + FRAME_S + recording.speech_end_s

    def _until_next_tick_s(self) -> float:
        return max(0.0, (self._next_at or 0.0) - time.monotonic())

    async def __anext__(self) -> rtc.AudioFrame:
        now = time.monotonic()
        if self._next_at is None or now - self._next_at > 0.5:
            self._next_at = now  # the machine stood still: go on from here, without a rush
        await asyncio.sleep(self._next_at - now)
        self._next_at += FRAME_S
        data = SILENCE
        if self._playing is not None:
            try:
                piece = self._playing.get_nowait()
            except asyncio.QueueEmpty:
                piece = SILENCE
            if piece is None:
                self._playing = None
            else:
                data = piece
        return rtc.AudioFrame(data.tobytes(), RATE_HZ, 1, FRAME)
