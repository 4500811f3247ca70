"""Sound as a microphone in a room delivers it, and Whisper's features of it.

Knows nothing about words.
"""

import math
import random

import numpy as np
import torch
from faster_whisper.feature_extractor import FeatureExtractor
from numpy.typing import NDArray
from scipy import fft

from .speakers import RATE_HZ

Audio = NDArray[np.float32]

FILTERS = torch.tensor(FeatureExtractor().mel_filters)
WINDOW = torch.hann_window(400)


def mel(audio: torch.Tensor) -> torch.Tensor:
    """[batch, samples] -> [batch, 80, samples / 160], as Whisper computes it."""
    power = torch.stft(audio, 400, 160, window=WINDOW, return_complex=True)[..., :-1].abs() ** 2
    log = (FILTERS @ power).clamp(min=1e-10).log10()
    return (torch.maximum(log, log.amax(dim=(1, 2), keepdim=True) - 8) + 4) / 4


def decibels(low: float, high: float) -> float:
    """A random factor between two levels in dB."""
    return float(10 ** (random.uniform(low, high) / 20))


def noise(samples: int) -> Audio:
    """White or coloured, peak at 1."""
    x = np.random.randn(samples).astype(np.float32)
    if random.random() < 0.5:
        size = fft.next_fast_len(samples)
        f = fft.rfft(x, size)
        f /= np.maximum(1, np.arange(len(f))) ** random.uniform(0.2, 0.9)
        x = fft.irfft(f, size)[:samples].astype(np.float32)
    return x / np.abs(x).max()


def no_speech(samples: int) -> Audio:
    """Silence, noise, hum or tones like music."""
    t = np.arange(samples) / RATE_HZ
    kind = random.choice(["silence", "noise", "noise", "noise", "hum", "tones", "tones"])
    x = np.zeros(samples)
    if kind == "noise":
        x = noise(samples)
        if random.random() < 0.3:
            x = x * (1 + 0.5 * np.sin(2 * np.pi * t * random.uniform(0.05, 3)))
    elif kind == "hum":
        base_hz = random.choice([50, 60, 100, 120, random.uniform(40, 400)])
        for k in range(1, 6):
            x += random.random() / k * np.sin(2 * np.pi * base_hz * k * t)
    elif kind == "tones":
        step = random.randint(RATE_HZ // 8, RATE_HZ)
        notes_hz = np.exp(np.random.uniform(math.log(150), math.log(1500), samples // step + 1))
        phase = 2 * np.pi * np.cumsum(np.repeat(notes_hz, step)[:samples]) / RATE_HZ
        fading = 1 - (np.arange(samples) % step) / step * random.random()
        x = (np.sin(phase) + random.random() * np.sin(2 * phase)) * fading
    if random.random() < 0.6:
        x = x + noise(samples) * decibels(-60, -30)
    return (x * decibels(-60, -6)).astype(np.float32)


def through_a_room(pcm: NDArray[np.int16]) -> Audio:
    """Speech with another tilt, band, small echoes and level (peak at -36 to -0.5 dBFS)."""
    audio = pcm.astype(np.float32) / 32767
    if random.random() < 0.5:
        size = fft.next_fast_len(len(audio))
        f = fft.rfft(audio, size)
        q = np.linspace(0, 1, len(f), dtype=np.float32)
        ripple = random.uniform(-6, 6) * np.sin(q * random.uniform(3, 12))
        f = f * 10 ** ((random.uniform(-12, 12) * q + ripple) / 20)
        if random.random() < 0.3:
            f[q > random.uniform(0.45, 0.9)] = 0
        audio = fft.irfft(f, size)[: len(audio)].astype(np.float32)
    for _ in range(random.choice([0, 0, 0, 0, 1, 1, 3])):
        delay = random.randint(100, 1600)
        if len(audio) > delay:
            audio = audio.copy()
            audio[delay:] += random.uniform(0.05, 0.35) * audio[:-delay]
    loudest = max(1e-4, float(np.abs(audio).max()))
    return (
        audio / loudest * decibels(-36, -0.5) if random.random() < 0.5 else audio * decibels(-26, 2)
    )


def margin() -> int:
    """Samples of silence before or after speech: mostly little, up to 1.6 s."""
    return random.randint(0, 5000) if random.random() < 0.6 else random.randint(0, 25600)
