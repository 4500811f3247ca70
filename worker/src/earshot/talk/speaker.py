"""Where the agent's voice goes without a server: played at the speed of life.

Reports what LiveKit's AudioOutput promises: when playback starts, how far it got, and whether it
was interrupted. Knows nothing of what is said.
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable

import numpy as np
from livekit import rtc
from livekit.agents.voice import io

STEP_S = 0.02
LONGEST_QUEUE_S = 30.0  # a voice runs ahead of playback; beyond this its writer waits
LOUD = 10 ** (-45 / 20) * 32768  # a voice begins with some milliseconds of its own silence


class PacedSpeaker(io.AudioOutput):
    """Plays frames in step with the clock.

    Args:
        sink: gets every frame as it is played.
    """

    def __init__(self, sink: Callable[[rtc.AudioFrame], None] = lambda _: None) -> None:
        super().__init__(label="speaker", capabilities=io.AudioOutputCapabilities(pause=True))
        self._sink = sink
        self._queue: deque[rtc.AudioFrame] = deque()
        self._queued_s = 0.0
        self._ended = False  # flush() came: the segment holds no more than what is queued
        self._position_s = 0.0
        self._task: asyncio.Task[None] | None = None
        self._unpaused = asyncio.Event()
        self._unpaused.set()
        self._audible = False
        self.onsets: list[float] = []
        """When the first audible sample of each segment was played (time.time())."""

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        await super().capture_frame(frame)
        self._ended = False
        self._queue.append(frame)
        self._queued_s += frame.duration
        if self._task is None:
            self._position_s = 0.0
            self._audible = False
            self._task = asyncio.create_task(self._play())
        while self._queued_s > LONGEST_QUEUE_S and self._task is not None:
            await asyncio.sleep(STEP_S)

    def flush(self) -> None:
        super().flush()
        self._ended = True

    def clear_buffer(self) -> None:
        if self._task is not None:
            self._task.cancel()
            self._finish(interrupted=True)

    def pause(self) -> None:
        super().pause()
        self._unpaused.clear()

    def resume(self) -> None:
        super().resume()
        self._unpaused.set()

    async def _play(self) -> None:
        self.on_playback_started(created_at=time.time())
        due = time.monotonic()
        while True:
            if not self._unpaused.is_set():
                await self._unpaused.wait()
                due = time.monotonic()
            if not self._queue:
                if self._ended:
                    break
                await asyncio.sleep(0.005)
                due = max(due, time.monotonic())
                continue
            frame = self._queue.popleft()
            self._queued_s -= frame.duration
            self._note_loudness(frame)
            self._sink(frame)
            due += frame.duration
            # woken by a pause too: what has been handed over is at most one frame
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            self._position_s += frame.duration
        self._finish(interrupted=False)

    def _note_loudness(self, frame: rtc.AudioFrame) -> None:
        if self._audible:
            return
        loud = np.flatnonzero(np.abs(np.frombuffer(frame.data, np.int16)) > LOUD)
        if len(loud):
            offset_s = int(loud[0]) // frame.num_channels / frame.sample_rate
            self._audible = True
            self.onsets.append(time.time() + offset_s)

    def _finish(self, *, interrupted: bool) -> None:
        self._task = None
        self._queue.clear()
        self._queued_s = 0.0
        self.on_playback_finished(playback_position=self._position_s, interrupted=interrupted)

    async def aclose(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
