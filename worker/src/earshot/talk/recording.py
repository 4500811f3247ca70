"""A recorded question: anything PyAV reads, as 16 kHz mono, in bounded memory.

Knows nothing of speech recognition: where a voice ends is judged by level alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from .. import audio_file
from ..audio_file import FRAME_S
from ..errors import AudioError

RATE_HZ = 16000
FRAME = int(RATE_HZ * FRAME_S)
# containers whose header states the exact length: others estimate it from the bit rate
EXACT = {"wav", "w64", "flac", "aiff", "mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm"}
# ffmpeg, flite and espeak-ng write such a length when they stream to a pipe: it means "unknown"
UNKNOWN_BYTES = 0x7FF00000


@dataclass(frozen=True)
class Recording:
    """A file that was read through once and found usable."""

    path: Path
    duration_s: float
    speech_end_s: float
    """Where the last loud sample lies: what a listener takes for the end of the question."""

    @classmethod
    def open(cls, path: Path, longest_s: float) -> "Recording":
        """Reads the file through once, keeping one number per 20 ms.

        Raises:
            AudioError: missing, a folder, not audio, empty, cut off, or longer than `longest_s`.
        """
        levels: list[float] = []
        samples = 0
        for frame in decode(path):
            samples += len(frame)
            levels.append(float(np.sqrt(np.mean(np.square(frame, dtype=np.float32)))))
            if samples > longest_s * RATE_HZ:
                raise AudioError(
                    f"{path}: longer than {_minutes(longest_s)}; a question of at most that was"
                    " expected (turn.question_max_s)"
                )
        if not samples:
            raise AudioError(f"{path}: holds no sound; a spoken question was expected")
        duration_s = samples / RATE_HZ
        promised_s = _promised_s(path)
        if promised_s is not None and duration_s < promised_s * 0.98 - 0.1:
            raise AudioError(
                f"{path}: cut off: its header promises {promised_s:.2f} s of sound,"
                f" {duration_s:.2f} s are there"
            )
        return cls(path, duration_s, _speech_end_s(levels, duration_s))

    def frames(self) -> Iterator[npt.NDArray[np.int16]]:
        """The sound once more, 20 ms at a time, the last one filled up with silence."""
        for frame in decode(self.path):
            yield np.pad(frame, (0, FRAME - len(frame))) if len(frame) < FRAME else frame


def decode(path: Path) -> Iterator[npt.NDArray[np.int16]]:
    """Decodes a file to int16 pieces of 20 ms at 16 kHz; the last one may be shorter.

    Raises:
        AudioError: with the file and the reason in one line.
    """
    return audio_file.decode(path, RATE_HZ, "a recorded question")


def _promised_s(path: Path) -> float | None:
    with audio_file.open_container(path) as container:
        stream = container.streams.best("audio")
        assert isinstance(stream, av.AudioStream)  # it was decoded
        if container.format.name not in EXACT:
            return None
        if container.format.name == "matroska,webm":
            return container.duration / av.time_base if container.duration else None
        if not stream.duration or not stream.time_base:
            return None
        duration_s = float(stream.duration * stream.time_base)
        width = stream.format.bytes * stream.channels
        if container.format.name == "wav":
            if duration_s * stream.rate * width >= UNKNOWN_BYTES:
                return None
            # ffmpeg trims a WAV's length to the file: the header itself has to be asked
            return _wav_promised_s(path, stream.rate * width) or duration_s
        return duration_s


def _wav_promised_s(path: Path, bytes_per_s: int) -> float | None:
    with path.open("rb") as f:
        head = f.read(64 * 1024)
    at = 12
    while at + 8 <= len(head):
        size = int.from_bytes(head[at + 4 : at + 8], "little")
        if head[at : at + 4] == b"data":
            return size / bytes_per_s if size < UNKNOWN_BYTES else None
        at += 8 + size + size % 2
    return None


def _speech_end_s(levels: list[float], duration_s: float) -> float:
    level = np.array(levels)
    # 5 % of the loudest 20 ms (-26 dB), but above twice the quiet part: a recording has a floor
    threshold = max(level.max() * 0.05, np.percentile(level, 10) * 2)
    loud = np.flatnonzero(level >= min(threshold, level.max()))
    return min(duration_s, (int(loud[-1]) + 1) * FRAME_S)


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:g} min" if seconds >= 60 else f"{seconds:g} s"
