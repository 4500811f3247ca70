"""What a caller says: a recording at the microphone's rate, and where its last sound lies."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..audio_file import FRAME_S, Samples, decode
from ..errors import AudioError

RATE_HZ = 48_000
"""a browser's microphone"""
LONGEST_S = 3600
STEP_S = 0.01
QUIET = 0.05
"""-26 dB below the loudest 10 ms: the voice has ended"""


@dataclass(frozen=True)
class Speech:
    """An utterance, ready to be played into a microphone."""

    text: str
    samples: Samples
    """mono, 48 kHz"""
    begin_s: float
    """first voiced sample, from the recording's start"""
    end_s: float
    """last voiced sample"""

    @classmethod
    def open(cls, path: Path, text: str = "") -> "Speech":
        """Reads a recording of any rate.

        Raises:
            AudioError: it cannot be read, is silent, or longer than an hour.
        """
        pieces: list[Samples] = []
        for piece in decode(path, RATE_HZ, "a recording"):
            pieces.append(piece)
            if len(pieces) * FRAME_S > LONGEST_S:  # it is held in memory
                raise AudioError(f"{path}: longer than {LONGEST_S // 60} min, the most expected")
        return cls.of(np.concatenate(pieces) if pieces else np.zeros(0, np.int16), text, str(path))

    @classmethod
    def of(cls, samples: Samples, text: str = "", name: str = "recording") -> "Speech":
        """Raises: AudioError: it is silent."""
        step = int(RATE_HZ * STEP_S)
        blocks = samples[: len(samples) // step * step].reshape(-1, step).astype(np.float32)
        level = np.sqrt(np.mean(blocks**2, axis=1))
        if not len(level) or not level.max():
            raise AudioError(f"{name}: silent; something that is said was expected")
        loud = np.flatnonzero(level > level.max() * QUIET)
        return cls(text, samples, float(loud[0]) * STEP_S, float(loud[-1] + 1) * STEP_S)

    @property
    def duration_s(self) -> float:
        return len(self.samples) / RATE_HZ
