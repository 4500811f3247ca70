"""The in-process Synthesizer: one set of sessions, N worker threads, many callers.

Knows nothing of LiveKit; the only asyncio in it hands chunks to the loop of whoever asked.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import AsyncGenerator
from pathlib import Path
from types import TracebackType

import onnxruntime as ort  # type: ignore[import-untyped]

from . import spoken
from .errors import ClosedError, PiperError, RunError, VoiceFormatError
from .log import logger
from .phonemes import Phonemizer
from .pool import Pool
from .sessions import open_sessions
from .speech import Voice
from .synthesizer import SpeechChunk, SynthesisRequest, VoiceInfo
from .voice import read_config

AHEAD_S = 30.0
"""Audio made ahead of a reader who doesn't read; then its request waits."""


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
        config = read_config(path)
        phonemizer = Phonemizer(config)
        try:
            phonemizer.utterances(["1"])  # loads espeak's data, so that no caller waits for it
        except RuntimeError as e:
            raise VoiceFormatError(
                f"{path}.json: espeak has no voice {config.espeak_voice!r}; expected such as en-us"
            ) from e
        list(spoken.tokens("1", config.language))  # compiles the rules
        sessions = open_sessions(path, Path(cache_dir) if cache_dir else None)
        self._voice = Voice(config, phonemizer, sessions)
        self._info = config.info
        self._pool = Pool(workers or max(1, (os.cpu_count() or 2) // 2), max_requests)
        self._speeches: set[_Speech] = set()

    @property
    def info(self) -> VoiceInfo:
        return self._info

    @property
    def streams_inside_sentences(self) -> bool:
        """Whether the voice's graph could be cut; otherwise it is streamed by clause."""
        return self._voice.streams_inside_sentences

    @property
    def active(self) -> int:
        """Requests being spoken or waiting, native work in progress included."""
        return self._pool.jobs

    @property
    def queued(self) -> int:
        """Requests that wait for a thread."""
        return self._pool.queued

    @property
    def stalled_s(self) -> float:
        """How long the oldest step under way has taken so far; infinite when none can run."""
        return self._pool.stalled_s

    def warm_up(self) -> None:
        """Runs the voice once, so that the first caller doesn't pay for it. Blocks."""
        self._voice.gain(self._voice.config.default_speaker_id, ort.RunOptions())

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


class _Speech:
    """One request on its way through the pool, and the queue back to the loop that asked."""

    def __init__(self, synthesizer: LocalSynthesizer, request: SynthesisRequest) -> None:
        synthesizer.info.check(request)
        self._pool = synthesizer._pool
        self._rate_hz = synthesizer.info.sample_rate_hz
        self._options = ort.RunOptions()
        self._steps = synthesizer._voice.speak(request, self._options)
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
