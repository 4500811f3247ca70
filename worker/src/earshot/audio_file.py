"""A recording of any format that FFmpeg reads, as mono samples, in bounded memory."""

from collections.abc import Iterator
from pathlib import Path

import av
import av.error
import numpy as np
import numpy.typing as npt
from av.container import InputContainer

from .errors import AudioError

FRAME_S = 0.02
BAD_PACKETS, BAD_SHARE = 3, 0.01
"""So many packets may make no sense, and this share of those that do: 20 to 30 ms each."""

Samples = npt.NDArray[np.int16]


def decode(path: Path, rate_hz: int, expected: str) -> Iterator[Samples]:
    """Decodes a file to int16 pieces of 20 ms at `rate_hz`, mono; the last one may be shorter.

    Of several audio streams it takes the one that a player would.

    Args:
        expected: what the file should have been, for the error: "a recorded question".

    Raises:
        AudioError: with the file and the reason in one line.
    """
    _check(path, expected)
    frame, decoded = round(rate_hz * FRAME_S), 0
    with open_container(path) as container:
        stream = container.streams.best("audio")
        if stream is None:
            raise AudioError(f"{path}: holds no audio stream; {expected} was expected")
        fifo = av.AudioFifo()
        try:
            for piece in _resampled(container, stream.index, rate_hz):
                piece.pts = None
                fifo.write(piece)
                while (ready := fifo.read(frame)) is not None:
                    decoded += frame
                    yield ready.to_ndarray()[0]
        # a plain ValueError is PyAV's own, of what it did not expect in a file
        except (av.error.FFmpegError, ValueError) as e:
            raise AudioError(
                f"{path}: cut off or damaged at {decoded / rate_hz:.2f} s: {_reason(e)}"
            ) from e
        while (rest := fifo.read(frame, partial=True)) is not None:
            yield rest.to_ndarray()[0]


def open_container(path: Path) -> InputContainer:
    """
    Raises:
        AudioError: not a file that FFmpeg knows.
    """
    try:
        # absolute: FFmpeg takes what stands before a colon for a protocol ("call 10:15.wav");
        # tags are often in a code page, and nothing here reads them
        return av.open(str(path.absolute()), metadata_errors="replace")
    except (av.error.FFmpegError, OSError, ValueError) as e:
        raise AudioError(f"{path}: not audio that can be read: {_reason(e)}") from e


def _check(path: Path, expected: str) -> None:
    try:
        if not path.exists():
            raise AudioError(f"{path}: no such file; {expected} was expected")
        if path.is_dir():
            raise AudioError(f"{path}: a folder; {expected} was expected")
        if not path.is_file():
            raise AudioError(f"{path}: no regular file, and it is read twice; save it first")
        if path.stat().st_size == 0:
            raise AudioError(f"{path}: empty; {expected} was expected")
    except OSError as e:
        raise AudioError(f"{path}: cannot be read: {_reason(e)}") from e


def _resampled(container: InputContainer, index: int, rate_hz: int) -> Iterator[av.AudioFrame]:
    """Mono at one rate; where rate, channels or format change in the middle, from there on too."""
    form: object = None
    resampler: av.AudioResampler | None = None
    for frame in _frames(container, index):
        new = frame.sample_rate, frame.layout.name, frame.format.name
        if resampler is None or new != form:
            if resampler is not None:
                yield from resampler.resample(None)
            form, resampler = new, av.AudioResampler(format="s16", layout="mono", rate=rate_hz)
        yield from resampler.resample(frame)
    if resampler is not None:
        yield from resampler.resample(None)


def _frames(container: InputContainer, index: int) -> Iterator[av.AudioFrame]:
    """As a player does it skips a packet that makes no sense, such as a tag between two songs."""
    good = bad = 0
    for packet in container.demux(container.streams[index]):
        try:
            frames = packet.decode()
            good += 1
        except av.error.InvalidDataError:
            bad += 1
            if bad > BAD_PACKETS + good * BAD_SHARE:
                raise
            continue
        for frame in frames:
            assert isinstance(frame, av.AudioFrame)
            yield frame


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).strip()
