"""Sound as a call delivers it: 48 kHz, Opus, and back to 16 kHz.

Knows nothing about words.
"""

import random
from fractions import Fraction

import av
import numpy as np
from numpy.typing import NDArray

from .speakers import RATE_HZ, resampled

LINE_HZ = 48000
FRAME = LINE_HZ // 50
"""samples of 20 ms"""
BITS_PER_S = (16_000, 24_000, 24_000, 32_000, 32_000, 48_000)
DELAY = 312
"""samples at 48 kHz by which libopus' sound comes out late"""

Pcm = NDArray[np.int16]


def through_opus(pcm: Pcm, bits_per_s: int) -> Pcm:
    """Of the same length and in step with what went in."""
    up = resampled(pcm, RATE_HZ, LINE_HZ)
    frames = -(-(len(up) + DELAY) // FRAME)
    up = np.pad(up, (0, frames * FRAME - len(up)))
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = LINE_HZ, "mono", "s16"
    encoder.bit_rate, encoder.time_base = bits_per_s, Fraction(1, LINE_HZ)
    encoder.options = {"application": "voip", "frame_duration": "20", "compression_level": "5"}
    encoder.open()
    decoder = av.CodecContext.create("libopus", "r")
    decoder.sample_rate, decoder.layout = LINE_HZ, "mono"
    packets = []
    for n in range(frames):
        frame = av.AudioFrame.from_ndarray(up[None, n * FRAME : (n + 1) * FRAME], "s16", "mono")
        frame.sample_rate, frame.pts, frame.time_base = LINE_HZ, n * FRAME, Fraction(1, LINE_HZ)
        packets += encoder.encode(frame)
    packets += encoder.encode(None)
    heard = [f.to_ndarray() for p in packets for f in decoder.decode(p)]
    sound = np.concatenate(heard, 1)[0][DELAY:]
    down = resampled(sound, LINE_HZ, RATE_HZ)
    return np.pad(down, (0, max(0, len(pcm) - len(down))))[: len(pcm)]


def through_a_call(pcm: Pcm) -> Pcm:
    """With a random bit rate, and a level that changes a little as a microphone's control does it."""
    gain = 10 ** (np.interp(np.arange(len(pcm)), *_levels(len(pcm))) / 20)
    return through_opus(
        np.clip(pcm * gain, -32767, 32767).astype(np.int16), random.choice(BITS_PER_S)
    )


def _levels(samples: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    points = max(2, samples // RATE_HZ + 1)
    return np.linspace(0, samples, points), np.random.uniform(-4, 1, points)
