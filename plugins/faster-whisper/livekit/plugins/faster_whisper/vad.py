"""Speech probabilities, window by window, from Silero or any LiveKit VAD.

Only the probability of each window is taken from a VAD, never its smoothed start and end of
speech: those come up to 0.2 s later. Knows nothing of utterances or transcripts.
"""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from livekit import rtc
from livekit.agents import utils, vad

from .transcriber import SAMPLE_RATE_HZ, Audio


@dataclass(frozen=True, slots=True)
class Window:
    samples: Audio
    probability: float

    @property
    def duration_s(self) -> float:
        return len(self.samples) / SAMPLE_RATE_HZ


FLUSH = None
"""Stands in a stream of frames or windows for: the segment ends here."""

Frames = AsyncIterable[rtc.AudioFrame | None]
Windows = AsyncIterator[Window | None]
Detector = Callable[[Frames], Windows]
"""Frames of 16 kHz audio -> windows; every sample that comes in goes out, in order."""


def detector(source: vad.VAD | None) -> Detector:
    """A detector on `source`, or on the Silero model where it is None."""
    if source is None:
        session = _silero_session()
        return lambda frames: _silero_windows(frames, session)
    return lambda frames: _plugin_windows(frames, source)


@cache
def _silero_session() -> Any:
    from livekit.plugins.silero import onnx_model

    return onnx_model.new_inference_session(True)


async def _silero_windows(frames: Frames, session: Any) -> Windows:
    # one window takes 0.2 ms: less than a trip to a thread and back
    from livekit.plugins.silero import onnx_model

    model = onnx_model.OnnxModel(onnx_session=session, sample_rate=SAMPLE_RATE_HZ)
    size = model.window_size_samples
    rest = np.zeros(0, np.float32)
    gain = Gain()
    async for frame in frames:
        if frame is None:
            if len(rest):
                yield Window(rest, model(gain(np.pad(rest, (0, size - len(rest))))))
                rest = rest[:0]
            model.reset()
            yield FLUSH
            continue
        rest = np.concatenate([rest, samples(frame)])
        while len(rest) >= size:
            window, rest = rest[:size], rest[size:]
            yield Window(window, model(gain(window)))
            # audio that comes faster than real time must not keep the event loop to itself
            await asyncio.sleep(0)


async def _plugin_windows(frames: Frames, source: vad.VAD) -> Windows:
    iterator = aiter(frames)
    ended = False

    async def feed(stream: vad.VADStream) -> bool:
        """Until the segment or the input ends; whether it was the input."""
        async for frame in iterator:
            if frame is None:
                stream.end_input()
                return False
            stream.push_frame(frame)
        stream.end_input()
        return True

    while not ended:
        # a stream per segment: a VAD doesn't tell how far it was when it is flushed
        stream = source.stream()
        feeding = asyncio.create_task(feed(stream))
        has_probabilities = False
        try:
            async for event in stream:
                if event.type != vad.VADEventType.INFERENCE_DONE or not event.frames:
                    continue
                has_probabilities = has_probabilities or event.probability > 0
                p = event.probability if has_probabilities else float(event.speaking)
                yield Window(np.concatenate([samples(f) for f in event.frames]), p)
            ended = await feeding
        finally:
            await utils.aio.cancel_and_wait(feeding)
            await stream.aclose()
        if not ended:
            yield FLUSH


class Gain:
    """Raises quiet audio for a VAD, never above half of full scale.

    Silero misses short words that are said quietly: of 126 at -36 dBFS it missed 20, and none
    with this; noises of nine kinds start speech no more often (18 dB, measured with Silero 5).
    """

    MOST = 8.0
    DECAY = 0.985  # per window of 32 ms: a loud moment is forgotten in about 2 s

    def __init__(self) -> None:
        self._peak = 0.0

    def __call__(self, window: Audio) -> Audio:
        self._peak = max(self._peak * self.DECAY, float(np.abs(window).max()), 1e-3)
        return window * np.float32(min(self.MOST, max(1.0, 0.5 / self._peak)))


def samples(frame: rtc.AudioFrame) -> Audio:
    """The frame as mono float32, shape [samples]."""
    data: Audio = np.frombuffer(frame.data, np.int16).astype(np.float32) / np.float32(32768)
    if frame.num_channels > 1:
        data = data.reshape(-1, frame.num_channels).mean(axis=1, dtype=np.float32)
    return data
