"""What all tracks of a room play, as one sound: into a WAV file, and to this machine's loudspeaker.

Frames are placed by the moment at which they came and follow each other from there, so that tracks
which begin later lie where they were heard. A tenth of a second later they are let out.
"""

import asyncio
import time
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from livekit import rtc

RATE_HZ = 48_000
DELAY_S = 0.1
EVERY_S = 0.05
APART_S = 0.15
"""a frame so far from where it should be begins anew: its track had paused"""
TRACKS_MAX = 16
AHEAD_MAX_S = 1.0

Sink = Callable[[rtc.AudioFrame], None]


class Mixer:
    """Listens to tracks, from `start` to `aclose`.

    Args:
        sinks: given the mixed sound, 48 kHz mono; run in a thread, one after the other.
    """

    def __init__(self, sinks: list[Sink]) -> None:
        self._sinks = sinks
        self._pending: npt.NDArray[np.int32] = np.zeros(0, np.int32)
        self._out = 0
        """samples that were let out"""
        self._began = 0.0
        self._listening: set[asyncio.Task[None]] = set()
        self._letting_out: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._began = time.monotonic()
        self._letting_out = asyncio.create_task(self._run())

    def listen(self, track: rtc.Track) -> None:
        """Hears an audio track as well; past the 16th they are too many to be heard."""
        if track.kind != rtc.TrackKind.KIND_AUDIO or len(self._listening) >= TRACKS_MAX:
            return
        task = asyncio.create_task(self._hear(track))
        self._listening.add(task)
        task.add_done_callback(self._listening.discard)

    async def aclose(self) -> None:
        """Lets out the rest."""
        tasks = [*self._listening, *([self._letting_out] if self._letting_out else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._began:
            await self._let_out(time.monotonic())

    async def _hear(self, track: rtc.Track) -> None:
        stream = rtc.AudioStream(
            track, capacity=100, sample_rate=RATE_HZ, num_channels=1, frame_size_ms=10
        )
        place = -1
        try:
            async for event in stream:
                samples = np.frombuffer(event.frame.data, np.int16)
                place = self.mix(samples, place, time.monotonic())
        finally:
            await stream.aclose()

    def mix(self, samples: npt.NDArray[np.int16], place: int, at: float) -> int:
        """Puts a frame in its place.

        Args:
            place: where the one before ended; -1 = none.
            at: when it came, monotonic.

        Returns:
            Where it ends, in samples from the start.
        """
        now = int((at - self._began) * RATE_HZ)
        if place < 0 or abs(now - place) > APART_S * RATE_HZ:
            place = now
        begin = place - self._out
        if begin < 0 or begin > AHEAD_MAX_S * RATE_HZ:
            return place + len(samples)  # too late to be heard
        missing = begin + len(samples) - len(self._pending)
        if missing > 0:
            self._pending = np.concatenate([self._pending, np.zeros(missing, np.int32)])
        self._pending[begin : begin + len(samples)] += samples
        return place + len(samples)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(EVERY_S)
            await self._let_out(time.monotonic() - DELAY_S)

    async def _let_out(self, until: float) -> None:
        count = int((until - self._began) * RATE_HZ) - self._out
        if count <= 0:
            return
        piece = np.zeros(count, np.int32)
        ready = self._pending[:count]
        piece[: len(ready)] = ready
        self._pending = self._pending[count:]
        self._out += count
        samples = np.clip(piece, -32768, 32767).astype(np.int16)
        frame = rtc.AudioFrame(samples.tobytes(), RATE_HZ, 1, count)
        for sink in self._sinks:
            await asyncio.to_thread(sink, frame)
