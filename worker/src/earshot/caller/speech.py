"""What a caller says: a recording at the microphone's rate, and where its last sound lies."""

from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from ..errors import AudioError

RATE_HZ = 48_000
"""a browser's microphone"""
STEP_S = 0.01
QUIET = 0.05
"""-26 dB below the loudest 10 ms: the voice has ended"""

Samples = npt.NDArray[np.int16]


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
            AudioError: it cannot be read, or is silent.
        """
        pieces = []
        resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE_HZ)
        try:
            with av.open(str(path)) as container:
                for frame in container.decode(audio=0):
                    pieces += [p.to_ndarray()[0] for p in resampler.resample(frame)]
                pieces += [p.to_ndarray()[0] for p in resampler.resample(None)]
        except (av.error.FFmpegError, OSError, IndexError) as e:
            raise AudioError(f"{path}: not a recording that can be read: {e}") from e
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
