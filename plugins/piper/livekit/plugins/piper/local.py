"""The in-process Synthesizer: one set of sessions, N worker threads, many callers.

Knows nothing of LiveKit; the only asyncio in it hands chunks to the loop of whoever asked.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import AsyncGenerator, Generator, Sequence
from pathlib import Path
from types import TracebackType

import numpy as np
import onnxruntime as ort  # type: ignore[import-untyped]

from . import clauses, spoken
from .errors import ClosedError, PiperError, RunError, VoiceFormatError
from .log import logger
from .phonemes import Phonemizer
from .phonemes import Utterance as Phonemes
from .pool import Pool
from .render import CutRenderer, Durations, Renderer, Samples, WholeRenderer
from .sessions import CutSessions, open_sessions
from .synthesizer import SpeechChunk, SynthesisRequest, VoiceInfo, WordTiming
from .voice import read_config

AHEAD_S = 30.0
"""Audio made ahead of a reader who doesn't read; then its request waits."""
PEAK = 0.85
"""Of the calibration sentence; louder moments are bent softly, never cut off."""
SILENCE_S = 0.05
"""What a text without a sound ("***") is worth."""


class LocalSynthesizer:
    """Speaks with one Piper voice, in this process.

    Opening reads and checks the voice (0.1 to 0.5 s; 3 s the first time, when the graph is cut):
    call it off the event loop, as one does with any model.

    Args:
        model: path of the .onnx; its .onnx.json lies beside it.
        workers: threads that run the voice, each on one core; default half the cores.
        max_requests: how many may be spoken or wait at a time; one more is an OverloadedError.
        cache_dir: where the cut graphs are kept; default `~/.cache/livekit-plugins-piper`.

    Raises:
        VoiceError: a file is missing or is no Piper voice.
    """

    def __init__(
        self,
        model: str | Path,
        *,
        workers: int | None = None,
        max_requests: int = 64,
        cache_dir: str | Path | None = None,
    ) -> None:
        path = Path(model)
        self._config = read_config(path)
        self._phonemizer = Phonemizer(self._config)
        try:
            self._phonemizer.utterances(
                ["1"]
            )  # loads espeak's data, so that no caller waits for it
        except RuntimeError as e:
            raise VoiceFormatError(
                f"{path}.json: espeak has no voice {self._config.espeak_voice!r} ({e})"
            ) from e
        spoken.tokens("1", self._config.language)  # compiles the rules
        sessions = open_sessions(path, Path(cache_dir) if cache_dir else None)
        self._renderer: Renderer
        if isinstance(sessions, CutSessions):
            self._renderer = CutRenderer(sessions)
            self._words = (20, 30)  # of the first unit, of any: the text part grows quadratically
        else:
            self._renderer = WholeRenderer(sessions)
            self._words = (clauses.FIRST_WORDS, 24)  # one unit is one wait
        self._gains: dict[int, float] = {}
        self._gains_lock = threading.Lock()
        self._pool = Pool(workers or max(1, (os.cpu_count() or 2) // 2), max_requests)
        self._speeches: set[_Speech] = set()

    @property
    def info(self) -> VoiceInfo:
        return self._config.info

    @property
    def streams_inside_sentences(self) -> bool:
        """Whether the voice's graph could be cut; otherwise it is streamed by clause."""
        return isinstance(self._renderer, CutRenderer)

    @property
    def active(self) -> int:
        """Requests being spoken or waiting, native work in progress included."""
        return self._pool.jobs

    def warm_up(self) -> None:
        """Runs the voice once, so that the first caller doesn't pay for it. Blocks."""
        self._gain(self._config.default_speaker_id, ort.RunOptions())

    async def synthesize(self, request: SynthesisRequest) -> AsyncGenerator[SpeechChunk, None]:
        """See Synthesizer.

        Raises:
            RequestError: speed or noise out of range, too long a text.
            UnknownSpeakerError: the voice has no such speaker.
            OverloadedError: the queue is full.
            RunError: the native library failed.
            ClosedError: closed before or meanwhile.
        """
        speech = _Speech(self, request)
        self._pool.admit(speech)
        self._speeches.add(speech)
        try:
            while (chunk := await speech.next()) is not None:
                yield chunk
        finally:
            self._speeches.discard(speech)
            speech.cancel()

    def close(self) -> None:
        """Ends what is in progress, within 50 ms, and the threads; requests get a ClosedError."""
        for speech in list(self._speeches):
            speech.abandon()
        self._pool.close()

    def __enter__(self) -> LocalSynthesizer:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.close()

    # What follows runs in the worker threads.

    def _speak(
        self, request: SynthesisRequest, options: ort.RunOptions
    ) -> Generator[SpeechChunk, None, None]:
        """One chunk per step."""
        config = self._config
        speaker_id = config.speaker_id(request.speaker)
        scales = (
            config.noise_scale if request.noise_scale is None else request.noise_scale,
            config.length_scale / request.speed,
            config.noise_w if request.noise_w is None else request.noise_w,
        )
        gain = self._gain(speaker_id, options)
        at = 0  # samples so far
        silent: list[str] = []  # text without a sound that waits for the next word's chunk
        for unit in clauses.units(spoken.tokens(request.text, config.language), *self._words):
            words = [w for token in unit for w in token.words]
            owners = [i for i, token in enumerate(unit) for _ in token.words]
            todo = 0  # tokens of the unit already placed
            utterances = self._phonemizer.utterances(words)
            for n, phonemes in enumerate(utterances):
                last = n == len(utterances) - 1
                placed: list[WordTiming] = []
                length = 0
                for piece in self._renderer.render(phonemes.ids, scales, speaker_id, options):
                    if not length:
                        ends = self._id_ends(phonemes, piece.durations, piece.samples.size)
                        stop = (
                            len(unit)
                            if last
                            else 1
                            + max((owners[w] for w, _, _ in phonemes.words), default=todo - 1)
                        )
                        texts = [*silent, *(t.text for t in unit[todo:stop])]
                        spans = _spans(phonemes, owners, todo, ends, len(silent), len(texts))
                        placed = _timings(texts, spans, at, config.sample_rate_hz)
                        todo, silent = max(todo, stop), []
                    length += piece.samples.size
                    until = (at + length) / config.sample_rate_hz
                    now = [w for w in placed if w.start_s < until]
                    placed = placed[len(now) :]
                    yield SpeechChunk(_pcm(piece.samples, gain), tuple(now))
                at += length
                if placed:
                    yield SpeechChunk(b"", tuple(placed))
            silent += [token.text for token in unit[todo:]]
        if silent or not at:
            now_s = at / config.sample_rate_hz
            silence = b"" if at else bytes(2 * int(SILENCE_S * config.sample_rate_hz))
            yield SpeechChunk(silence, tuple(WordTiming(t, now_s, now_s) for t in silent))

    def _id_ends(self, phonemes: Phonemes, durations: Durations | None, samples: int) -> list[int]:
        """The sample at which each phoneme id ends; an even guess if the voice doesn't tell."""
        n = len(phonemes.ids)
        if durations is None or len(durations) != n:
            return [samples * (i + 1) // n for i in range(n)]
        return [int(e) for e in np.cumsum(durations) * self._config.hop]

    def _gain(self, speaker_id: int, options: ort.RunOptions) -> float:
        """One gain per speaker: voices differ in level, and what is streamed can't be normalised by
        a peak yet to come. Measured once, on digits (any language has them), without noise."""
        with self._gains_lock:
            if speaker_id not in self._gains:
                digits = [f"{i}," for i in range(1, 10)]
                if self._config.phoneme_type == "text":
                    digits = [c for c in self._config.id_map if c.isalpha()][:20]
                scales = (0.0, self._config.length_scale, 0.0)
                peak = 0.0
                for u in self._phonemizer.utterances(digits):
                    for piece in self._renderer.render(u.ids, scales, speaker_id, options):
                        peak = max(peak, float(np.abs(piece.samples).max(initial=0.0)))
                self._gains[speaker_id] = min(PEAK / peak, 8.0) if peak > 1e-4 else 1.0
            return self._gains[speaker_id]


class _Speech:
    """One request on its way through the pool, and the queue back to the loop that asked."""

    def __init__(self, synthesizer: LocalSynthesizer, request: SynthesisRequest) -> None:
        synthesizer.info.check(request)
        self._pool = synthesizer._pool
        self._rate_hz = synthesizer.info.sample_rate_hz
        self._options = ort.RunOptions()
        self._steps = synthesizer._speak(request, self._options)
        self._loop = asyncio.get_running_loop()
        self._out: asyncio.Queue[SpeechChunk | PiperError | None] = asyncio.Queue()
        self._lock = threading.Lock()
        self._ahead_s = 0.0  # made, not yet read
        self._parked = False
        self._cancelled = False
        self._left = False
        self._spoken_any = False
        self.deadline_s = time.monotonic() + request.buffered_s

    async def next(self) -> SpeechChunk | None:
        item = await self._out.get()
        if isinstance(item, PiperError):
            raise item
        if item is not None:
            with self._lock:
                self._ahead_s -= self._duration_s(item)
                resume = self._parked and self._ahead_s < AHEAD_S / 2
                self._parked = self._parked and not resume
            if resume:
                self._pool.resume(self)
        return item

    def cancel(self) -> None:
        """Stops the native call in progress; what has not begun won't."""
        with self._lock:
            self._cancelled = True
            parked, self._parked = self._parked, False
        self._options.terminate = True
        if parked:
            self._leave()

    def step(self) -> bool:
        if self._cancelled:
            return self._leave()
        try:
            chunk = next(self._steps, None)
        except PiperError as e:
            self._deliver(e)
            return self._leave()
        except Exception as e:  # ONNX Runtime's errors have no common base
            if not self._cancelled:
                logger.debug("synthesis failed", exc_info=e)
                error = RunError(f"the voice failed: {' '.join(str(e).split())[:200]}")
                error.__cause__ = e
                self._deliver(error)
            return self._leave()
        if chunk is None:
            self._deliver(None)
            return self._leave()
        now = time.monotonic()
        if not self._spoken_any:
            self._spoken_any = True
            self.deadline_s = max(now, self.deadline_s)
        self.deadline_s += self._duration_s(chunk)
        self._deliver(chunk)
        with self._lock:
            self._ahead_s += self._duration_s(chunk)
            self._parked = self._ahead_s > AHEAD_S and not self._cancelled
            return not self._parked

    def abandon(self) -> None:
        self._deliver(ClosedError("the synthesizer was closed"))
        self.cancel()

    def _deliver(self, item: SpeechChunk | PiperError | None) -> None:
        try:
            self._loop.call_soon_threadsafe(self._out.put_nowait, item)
        except RuntimeError:  # the loop that asked is gone
            self._cancelled = True

    def _leave(self) -> bool:
        with self._lock:
            left, self._left = self._left, True
        if not left:
            self._steps.close()
            self._pool.leave()
        return False

    def _duration_s(self, chunk: SpeechChunk) -> float:
        return len(chunk.pcm) / 2 / self._rate_hz


def _spans(
    phonemes: Phonemes,
    owners: Sequence[int],
    first: int,
    ends: Sequence[int],
    offset: int,
    count: int,
) -> list[tuple[int, int] | None]:
    """(start, end) in samples of each text, or None where it has no sound."""
    spans: list[tuple[int, int] | None] = [None] * count
    for word, a, b in phonemes.words:
        i = owners[word] - first + offset
        if not offset <= i < count or b <= a:
            continue
        start, end = ends[a - 1] if a else 0, ends[b - 1]
        known = spans[i]
        spans[i] = (start, end) if known is None else (known[0], max(end, known[1]))
    return spans


def _timings(
    texts: Sequence[str], spans: Sequence[tuple[int, int] | None], at: int, rate_hz: int
) -> list[WordTiming]:
    """Text without a sound stands where the word before it ended."""
    out, end = [], 0
    for text, span in zip(texts, spans, strict=True):
        start, end = span or (end, end)
        out.append(WordTiming(text, (at + start) / rate_hz, (at + end) / rate_hz))
    return out


def _pcm(samples: Samples, gain: float) -> bytes:
    """float -> int16 with a fixed gain; what exceeds 0.85 is bent towards 1 instead of clipped,
    sample by sample, so that chunks still join."""
    y = samples * np.float32(gain)
    over = np.abs(y) > PEAK
    if over.any():
        rest = 1.0 - PEAK
        y[over] = np.sign(y[over]) * (PEAK + rest * np.tanh((np.abs(y[over]) - PEAK) / rest))
    return (y * 32767.0).astype("<i2").tobytes()
