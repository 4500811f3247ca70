"""Sounds for a microphone, and what is found in a recording of a page."""

import base64
import io
import subprocess
import wave
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from earshot.bench.speaking import dictation, written_down
from earshot.caller import Ear, Sound, Speech

RATE_HZ = 48_000
Samples = npt.NDArray[np.int16]


def spoken(text: str, voice: str = "slt", folder: Path | None = None) -> Speech:
    """By flite."""
    assert folder is not None
    path = folder / f"{abs(hash((text, voice)))}.wav"
    if not path.exists():
        subprocess.run(["flite", "-voice", voice, "-t", text, "-o", str(path)], check=True)
    return Speech.open(path, text)


def noise(seconds: float, rms: float, seed: int = 1) -> Samples:
    """Of a room: what a microphone gives when nobody speaks."""
    x = np.random.default_rng(seed).normal(0, rms, int(seconds * RATE_HZ))
    return np.clip(x, -32768, 32767).astype(np.int16)


def cough(seed: int = 7) -> Speech:
    """Two bursts of noise, shaped like a throat: below 4 kHz, sudden, dying away."""
    rng = np.random.default_rng(seed)

    def burst(seconds: float, loud: float) -> Samples:
        n = int(seconds * RATE_HZ)
        x = rng.normal(0, 1, n)
        x = np.convolve(x, np.hanning(24) / 12, mode="same")
        shape = np.minimum(1, np.arange(n) / (0.006 * RATE_HZ)) * np.exp(-np.arange(n) / (n / 4))
        return np.asarray(x / np.abs(x).max() * shape * loud, np.int16)

    gap = np.zeros(int(0.12 * RATE_HZ), np.int16)
    return Speech.of(np.concatenate([burst(0.25, 15000), gap, burst(0.2, 11000)]), "(cough)")


def microphone(path: Path, *parts: Speech | float, floor: float = 3.0) -> Path:
    """A WAV for Chromium's fake microphone: speech, and pauses in seconds, over a room's noise."""
    pieces = [
        np.zeros(int(part * RATE_HZ), np.int16) if isinstance(part, float) else part.samples
        for part in parts
    ]
    whole = np.concatenate(pieces)
    whole = whole + noise(len(whole) / RATE_HZ + 1, floor)[: len(whole)]
    with wave.open(str(path), "wb") as out:
        out.setparams((1, 2, RATE_HZ, 0, "NONE", ""))
        out.writeframes(whole.astype(np.int16).tobytes())
    return path


@dataclass
class Recording:
    """Both sides of a call in a page, on one clock: seconds from the recording's start."""

    caller: Ear
    agent: Ear

    @classmethod
    def of(cls, encoded: str) -> "Recording":
        """What `window.recorded()` gives: WebM with PCM, in base64."""
        sides: list[list[npt.NDArray[np.float32]]] = [[], []]
        with av.open(io.BytesIO(base64.b64decode(encoded)), "r") as container:
            for frame in container.decode(audio=0):
                data = frame.to_ndarray()
                both = data.reshape(-1, 2).T if data.shape[0] == 1 else data
                for side, samples in zip(sides, both, strict=True):
                    side.append(samples.astype(np.float32))
        return cls(*(cls._ear(np.concatenate(side)) for side in sides))

    def keep(self, path: Path) -> None:
        """As a stereo WAV: the caller left, the agent right."""
        both = np.stack([self.caller.between(0.0), self.agent.between(0.0)], axis=1)
        with wave.open(str(path), "wb") as out:
            out.setparams((2, 2, RATE_HZ, 0, "NONE", ""))
            out.writeframes(both.tobytes())

    @staticmethod
    def _ear(samples: npt.NDArray[np.float32]) -> Ear:
        ear, step = Ear(), RATE_HZ // 100
        pcm = (np.clip(samples, -1, 1) * 32767).astype(np.int16)
        for i in range(0, len(pcm) - step + 1, step):
            ear.hear(pcm[i : i + step], i / RATE_HZ)
        return ear


class Listener:
    """pocketsphinx, which has never heard the voice: what was really said."""

    def __init__(self) -> None:
        self._decoder = dictation()

    def words(self, ear: Ear, began_at: float = 0.0, ended_at: float = float("inf")) -> str:
        """Of all sounds in that span."""
        heard = [
            self.hear(ear.between(s.began_at - 0.1, s.ended_at + 0.1))
            for s in ear.sounds(began_at, pause_s=0.8)
            if s.began_at < ended_at
        ]
        return " ".join(heard)

    def hear(self, samples: Samples) -> str:
        """48 kHz."""
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = RATE_HZ
        resampler = av.AudioResampler(format="s16", layout="mono", rate=16_000)
        pieces = [p.to_ndarray()[0] for p in resampler.resample(frame) + resampler.resample(None)]
        audio = np.concatenate(pieces).astype(np.float32) / np.float32(32768)
        return written_down(self._decoder, audio)


def last_before(sounds: list[Sound], at: float) -> Sound:
    return [s for s in sounds if s.began_at < at][-1]
