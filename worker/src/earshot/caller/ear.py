"""What a caller hears: every frame with the moment at which it could have been played.

The network delivers frames in small bursts; a frame's moment is the earliest that fits the frames
around it (the lower envelope of arrivals), so that the scheduler's hiccups here are not taken for
the agent's. A pause in the delivery begins a new run.
"""

import time
from bisect import bisect_left
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from livekit import rtc

from ..audio_file import Samples
from .speech import RATE_HZ

FRAME_S = 0.01
LOUD = 330.0
"""RMS of 10 ms, -40 dBFS: a voice; what the codec makes of silence stays under -60"""
CLICK_S = 0.03
"""shorter is no sound"""
PAUSE_S = 0.35
"""a gap within a sentence: sounds nearer than this belong together"""
BREAK_S = 0.15
"""frames come every 10 ms; after such a gap the track had stopped"""
ENVELOPE = 50
"""frames on each side"""


@dataclass(frozen=True)
class Sound:
    """A stretch in which something was heard, on the monotonic clock."""

    began_at: float
    ended_at: float

    @property
    def duration_s(self) -> float:
        return self.ended_at - self.began_at


class Ear:
    """Keeps what one track played; about 0.1 MB a second."""

    def __init__(self) -> None:
        self._frames: list[Samples] = []
        self._arrived: list[float] = []
        self._levels: list[float] = []

    async def listen(self, track: rtc.Track) -> None:
        """Runs until the track ends."""
        stream = rtc.AudioStream(track, sample_rate=RATE_HZ, num_channels=1, frame_size_ms=10)
        try:
            async for event in stream:
                self.hear(np.frombuffer(event.frame.data, np.int16), time.monotonic())
        finally:
            await stream.aclose()

    def hear(self, samples: Samples, at: float) -> None:
        """One frame of 10 ms that arrived at `at`."""
        self._frames.append(samples.copy())
        self._arrived.append(at)
        self._levels.append(float(np.sqrt(np.mean(np.square(samples, dtype=np.float32)))))

    @property
    def loud_now(self) -> bool:
        return bool(self._levels) and max(self._levels[-3:]) > LOUD

    @property
    def last_loud_at(self) -> float | None:
        """When a voice was last heard, by arrival alone: cheap enough to be asked in a loop."""
        for level, at in zip(reversed(self._levels), reversed(self._arrived), strict=False):
            if level > LOUD:
                return at + FRAME_S
        return None

    def first_loud_after(self, at: float) -> float | None:
        """By arrival alone, as `last_loud_at`; a click does not count."""
        first = len(self._arrived)
        while first and self._arrived[first - 1] >= at:
            first -= 1
        run = 0
        for i in range(first, len(self._levels)):
            run = run + 1 if self._levels[i] > LOUD else 0
            if run * FRAME_S >= CLICK_S:
                return self._arrived[i - run + 1]
        return None

    def forget(self, before: float) -> None:
        """Lets go of what arrived earlier: a long call need not be kept."""
        count = bisect_left(self._arrived, before)
        del self._frames[:count], self._arrived[:count], self._levels[:count]

    def times(self) -> npt.NDArray[np.float64]:
        """When each frame's first sample could have been played."""
        arrived = np.array(self._arrived)
        if not len(arrived):
            return arrived
        breaks = np.flatnonzero(np.diff(arrived) > BREAK_S) + 1
        out = np.empty_like(arrived)
        for begin, end in pairwise([0, *breaks.tolist(), len(arrived)]):
            cadence = np.arange(end - begin) * FRAME_S
            late = np.pad(arrived[begin:end] - cadence, ENVELOPE, mode="edge")
            windows = np.lib.stride_tricks.sliding_window_view(late, 2 * ENVELOPE + 1)
            out[begin:end] = windows.min(axis=1) + cadence
        return out

    def sounds(self, since: float = 0.0, pause_s: float = PAUSE_S) -> list[Sound]:
        """Stretches of voice that end after `since`; nearer than `pause_s` they are one."""
        times = self.times()
        found: list[Sound] = []
        loud = np.flatnonzero(np.array(self._levels) > LOUD)
        for i in loud.tolist():
            at = float(times[i])
            if found and at - found[-1].ended_at < max(pause_s, 1.5 * FRAME_S):
                found[-1] = Sound(found[-1].began_at, at + FRAME_S)
            else:
                found.append(Sound(at, at + FRAME_S))
        return [s for s in found if s.duration_s >= CLICK_S - 1e-6 and s.ended_at > since]

    def onset_after(self, at: float) -> float | None:
        """The first sound that begins after `at`."""
        return next((s.began_at for s in self.sounds(at) if s.began_at >= at), None)

    def between(self, began_at: float, ended_at: float = float("inf")) -> Samples:
        """What was heard in that time, 48 kHz mono."""
        times = self.times()
        chosen = np.flatnonzero((times >= began_at) & (times < ended_at))
        if not len(chosen):
            return np.zeros(0, np.int16)
        return np.concatenate([self._frames[i] for i in chosen.tolist()])
