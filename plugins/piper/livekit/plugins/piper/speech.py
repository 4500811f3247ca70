"""One request's text -> chunks of PCM with word times, step by step.

Blocking code for a worker thread. Knows nothing of queues, deadlines or event loops.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Generator, Sequence

import numpy as np
import onnxruntime as ort  # type: ignore[import-untyped]

from . import clauses, spoken
from .phonemes import Phonemizer, Utterance
from .render import (
    FIRST_CHUNK_FRAMES,
    MAX_CHUNK_FRAMES,
    CutRenderer,
    Durations,
    Renderer,
    Samples,
    WholeRenderer,
)
from .sessions import CutSessions, Sessions
from .spoken import Token
from .synthesizer import SpeechChunk, SynthesisRequest, WordTiming
from .voice import VoiceConfig

PEAK = 0.85
"""Of the calibration sentence; louder moments are bent softly, never cut off."""
SILENCE_S = 0.05
"""What a text without a sound ("***") is worth."""
AT_EASE_S = 1.0
"""With so much audio in hand there is no need for a small first chunk."""
JOIN_S, FADE_S = 0.015, 0.005
"""Silence left at each side where a phrase was cut between two words, and its fade."""


class Voice:
    """An opened voice. Thread-safe."""

    def __init__(self, config: VoiceConfig, phonemizer: Phonemizer, sessions: Sessions) -> None:
        self.config = config
        self._phonemizer = phonemizer
        self._renderer: Renderer
        if isinstance(sessions, CutSessions):
            self._renderer = CutRenderer(sessions)
            self._words = (20, 30)  # of the first unit, of any: the text part grows quadratically
        else:
            self._renderer = WholeRenderer(sessions)
            self._words = (5, 24)  # one unit is one wait
        self._gains: dict[int, float] = {}
        self._gains_lock = threading.Lock()

    @property
    def streams_inside_sentences(self) -> bool:
        return isinstance(self._renderer, CutRenderer)

    def speak(
        self, request: SynthesisRequest, options: ort.RunOptions
    ) -> Generator[SpeechChunk, None, None]:
        """One chunk per step. The request must have passed `VoiceInfo.check`."""
        config = self.config
        speaker_id = config.speaker_id(request.speaker)
        scales = (
            config.noise_scale if request.noise_scale is None else request.noise_scale,
            config.length_scale / request.speed,
            config.noise_w if request.noise_w is None else request.noise_w,
        )
        gain = self.gain(speaker_id, options)
        frames = MAX_CHUNK_FRAMES if request.buffered_s > AT_EASE_S else FIRST_CHUNK_FRAMES
        line = _Line(config)
        joined = request.continues_last
        units = clauses.units(spoken.tokens(request.text, config.language), *self._words)
        for unit, following in itertools.pairwise(itertools.chain(units, [None])):
            assert unit is not None
            join = request.continues_next if following is None else not unit[-1].ends
            line.begin(unit, join_before=joined, join_after=join)
            joined = join
            utterances = self._phonemizer.utterances([w for t in unit for w in t.words])
            for phonemes in utterances:
                first = True
                rendering = self._renderer.render(phonemes.ids, scales, speaker_id, frames, options)
                for piece in rendering:
                    if first:
                        first = False
                        line.place(
                            phonemes,
                            _id_ends(phonemes, piece.durations, piece.samples.size, config.hop),
                            begins=phonemes is utterances[0],
                            ends_unit=phonemes is utterances[-1],
                        )
                    samples = line.take(piece.samples)
                    yield SpeechChunk(_pcm(samples, gain), line.words_begun())
                    frames = MAX_CHUNK_FRAMES
            line.end()
        if rest := line.rest():
            yield rest

    def gain(self, speaker_id: int, options: ort.RunOptions) -> float:
        """One gain per speaker: voices differ in level, and what is streamed can't be normalised by
        a peak yet to come. Measured once, on digits (any language has them), without noise."""
        with self._gains_lock:
            if speaker_id not in self._gains:
                words = [f"{i}," for i in range(1, 10)]
                if self.config.phoneme_type == "text":
                    words = [c for c in self.config.id_map if c.isalpha()][:20]
                scales = (0.0, self.config.length_scale, 0.0)
                peak = 0.0
                for u in self._phonemizer.utterances(words):
                    for piece in self._renderer.render(
                        u.ids, scales, speaker_id, MAX_CHUNK_FRAMES, options
                    ):
                        peak = max(peak, float(np.abs(piece.samples).max(initial=0.0)))
                self._gains[speaker_id] = min(PEAK / peak, 8.0) if peak > 1e-4 else 1.0
            return self._gains[speaker_id]


class _Line:
    """Where the words of a request stand in its audio, as that grows."""

    def __init__(self, config: VoiceConfig) -> None:
        self._rate_hz = config.sample_rate_hz
        self._at = 0  # samples given out
        self._waiting: list[str] = []  # text that has no sound, before a word that has
        self._placed: list[WordTiming] = []  # words of this utterance that have not begun
        self._unit: list[Token] = []
        self._owners: list[int] = []  # token of each spoken word of the unit
        self._done = 0  # tokens of the unit already placed
        self._join = (False, False)
        self._seen = self._low = self._high = 0  # of this utterance: samples seen, those wanted

    def begin(self, unit: list[Token], *, join_before: bool, join_after: bool) -> None:
        self._unit, self._done = unit, 0
        self._owners = [i for i, token in enumerate(unit) for _ in token.words]
        self._join = (join_before, join_after)

    def place(
        self, phonemes: Utterance, ends: Sequence[int], *, begins: bool, ends_unit: bool
    ) -> None:
        """An utterance of the unit starts here; `ends` is the sample each of its ids ends at."""
        spans: dict[int, tuple[int, int]] = {}
        for word, a, b in phonemes.words:
            i, start, end = self._owners[word], ends[a - 1], ends[b - 1]
            if i in spans:
                start, end = spans[i][0], max(end, spans[i][1])
            spans[i] = (start, end)
        margin = int(JOIN_S * self._rate_hz)
        self._seen, self._low, self._high = 0, 0, ends[-1]
        if spans and begins and self._join[0]:
            self._low = max(0, min(s for s, _ in spans.values()) - margin)
        if spans and ends_unit and self._join[1]:
            self._high = min(ends[-1], max(e for _, e in spans.values()) + margin)
        stop = len(self._unit) if ends_unit else max([self._done, *(i + 1 for i in spans)])
        end = self._low
        for text in self._waiting:
            self._placed.append(self._timing(text, end, end))
        for i in range(self._done, stop):
            start, end = spans.get(i, (end, end))
            self._placed.append(self._timing(self._unit[i].text, start, end))
        self._waiting, self._done = [], max(self._done, stop)

    def _timing(self, text: str, start: int, end: int) -> WordTiming:
        at = self._at - self._low
        return WordTiming(text, (at + start) / self._rate_hz, (at + end) / self._rate_hz)

    def take(self, samples: Samples) -> Samples:
        """The part of the utterance's next samples that is wanted, faded where it was cut."""
        start, self._seen = self._seen, self._seen + samples.size
        low, high = max(0, self._low - start), max(0, min(samples.size, self._high - start))
        out = samples[low:high].copy()
        fade = min(out.size, int(FADE_S * self._rate_hz))
        if low and fade:
            out[:fade] *= np.linspace(0, 1, fade, dtype=np.float32)
        if high < samples.size and fade:
            out[-fade:] *= np.linspace(1, 0, fade, dtype=np.float32)
        self._at += out.size
        return out

    def words_begun(self) -> tuple[WordTiming, ...]:
        begun = [w for w in self._placed if w.start_s < self._at / self._rate_hz]
        self._placed = self._placed[len(begun) :]
        return tuple(begun)

    def end(self) -> None:
        self._waiting += [token.text for token in self._unit[self._done :]]

    def rest(self) -> SpeechChunk | None:
        """What has no sound of its own at the very end; a text without any is a short silence."""
        now_s = self._at / self._rate_hz
        words = [*self._placed, *(WordTiming(t, now_s, now_s) for t in self._waiting)]
        silence = b"" if self._at else bytes(2 * int(SILENCE_S * self._rate_hz))
        return SpeechChunk(silence, tuple(words)) if words or silence else None


def _id_ends(phonemes: Utterance, durations: Durations | None, samples: int, hop: int) -> list[int]:
    """The sample at which each phoneme id ends; an even guess if the voice doesn't tell."""
    n = len(phonemes.ids)
    if durations is None or len(durations) != n:
        return [samples * (i + 1) // n for i in range(n)]
    return [int(e) for e in np.cumsum(durations) * hop]


def _pcm(samples: Samples, gain: float) -> bytes:
    """float -> int16 with a fixed gain; what exceeds PEAK is bent towards 1 instead of clipped,
    sample by sample, so that chunks still join."""
    y = samples * np.float32(gain)
    over = np.abs(y) > PEAK
    if over.any():
        rest = 1.0 - PEAK
        y[over] = np.sign(y[over]) * (PEAK + rest * np.tanh((np.abs(y[over]) - PEAK) / rest))
    return (y * 32767.0).astype("<i2").tobytes()
