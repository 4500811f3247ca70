"""Phoneme ids -> samples, in growing chunks that join without a seam.

Knows nothing of text, of words, or of who is waiting for the samples.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import onnxruntime as ort  # type: ignore[import-untyped]

from .graph import DECODER_MARGIN, FLOW_MARGIN
from .sessions import CutSessions, WholeSession, named, text_feed

FIRST_CHUNK_FRAMES, MAX_CHUNK_FRAMES = 16, 64

Samples = npt.NDArray[np.float32]
Durations = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Rendered:
    samples: Samples
    """float32 [n], roughly in [-1, 1]."""
    durations: Durations | None
    """Steps of every phoneme id; only with the first piece, and only if the voice tells."""


class Renderer(Protocol):
    def render(
        self,
        ids: Sequence[int],
        scales: tuple[float, float, float],
        speaker_id: int,
        first_frames: int,
        run_options: ort.RunOptions,
    ) -> Iterator[Rendered]:
        """Speaks `ids`; every step of the iterator is one piece of native work.

        Args:
            scales: noise_scale, length_scale, noise_w.
            first_frames: size of the first chunk, of the voices that can be cut.
            run_options: its `terminate` ends the step that is running, with an error.
        """
        ...


class WholeRenderer:
    """Speaks each utterance in one piece."""

    def __init__(self, sessions: WholeSession) -> None:
        self._whole = sessions.whole

    def render(
        self,
        ids: Sequence[int],
        scales: tuple[float, float, float],
        speaker_id: int,
        first_frames: int,
        run_options: ort.RunOptions,
    ) -> Iterator[Rendered]:
        feed = text_feed(self._whole, np.array([ids], np.int64), scales, speaker_id)
        samples, *durations = self._whole.run(None, feed, run_options)
        yield Rendered(samples.ravel(), durations[0].ravel().astype(float) if durations else None)


class CutRenderer:
    """Speaks each utterance in chunks that double up to 64 frames.

    Text and durations run once, over all of the utterance; flow and decoder run over each chunk
    and as many frames to its sides as they see, so that chunks are what the whole would be.
    """

    def __init__(self, sessions: CutSessions) -> None:
        self._sessions = sessions

    def render(
        self,
        ids: Sequence[int],
        scales: tuple[float, float, float],
        speaker_id: int,
        first_frames: int,
        run_options: ort.RunOptions,
    ) -> Iterator[Rendered]:
        s = self._sessions
        feed = text_feed(s.text, np.array([ids], np.int64), scales, speaker_id)
        z_p, mask, steps, *speaker = s.text.run(None, feed, run_options)
        durations = steps.ravel().astype(float)
        frames = z_p.shape[2]
        z: Any = np.zeros((1, z_p.shape[1], 0), np.float32)
        z_start = start = 0  # z holds the frames from z_start on
        size = first_frames
        while start < frames:
            end = start + size
            if frames - end < FIRST_CHUNK_FRAMES:
                end = frames
            have, need = z_start + z.shape[2], min(frames, end + DECODER_MARGIN)
            if need > have:
                a, b = max(0, have - FLOW_MARGIN), min(frames, need + FLOW_MARGIN)
                flow_in = named(s.flow, [z_p[:, :, a:b], mask[:, :, a:b], *speaker])
                new = s.flow.run(None, flow_in, run_options)[0]
                z = np.concatenate([z, new[:, :, have - a : need - a]], axis=2)
            a = max(0, start - DECODER_MARGIN)
            z, z_start = z[:, :, a - z_start :], a
            out = s.decoder.run(None, named(s.decoder, [z, *speaker]), run_options)[0].ravel()
            hop = out.size // z.shape[2]
            yield Rendered(out[(start - a) * hop : (end - a) * hop], durations)
            start, size = end, min(2 * size, MAX_CHUNK_FRAMES)
