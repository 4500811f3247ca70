"""A Transcriber in this process: one loaded model, shared by many calls.

Knows nothing of LiveKit or of voice activity.
"""

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from . import model as models
from .decoder import Decoder, Encoded
from .errors import ClosedError, DeadlineError
from .scheduler import Scheduler, Stopped
from .transcriber import (
    SAMPLE_RATE_HZ,
    Priority,
    Transcript,
    TranscriptionRequest,
    Word,
)

KEPT_ENCODINGS = 32  # calls; 1 MB each with a base model at 10 s


class LocalTranscriber:
    """Loads a CTranslate2 Whisper directory and schedules the requests of many calls on it.

    Thread-safe and bound to no event loop. The constructor loads the weights and blocks for as
    long (50 ms for a small model, seconds for a large one): call it in a thread or before the
    loop runs.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        device: str = "auto",
        compute_type: str = "auto",
        threads: int = 1,
        workers: int = 1,
        windows_s: tuple[float, ...] | None = None,
        beam_size: int = 5,
        queue_limit: int = 64,
    ) -> None:
        """
        Args:
            path: A CTranslate2 Whisper directory.
            device: "cpu", "cuda", or "auto": CUDA where there is a device.
            compute_type: A CTranslate2 type, or "auto": int8 on a CPU, float16 on CUDA.
            threads: CPU threads of one decode.
            workers: Decodes side by side; the CPU budget is threads x workers.
            windows_s: Lengths that audio is padded to, None = what suits the model. Short ones
                are faster; a model not trained for them may lose words or repeat itself.
            beam_size: Transcripts followed at once, the likeliest wins; 1 = greedy.
            queue_limit: Requests that may wait.

        Raises:
            ModelError: the directory can't serve as a model.
            DeviceError: the device or compute type isn't there.
        """
        directory = models.inspect(path)
        loaded = models.load(
            directory, device=device, compute_type=compute_type, threads=threads, workers=workers
        )
        self._name = directory.path.resolve().name
        self._decoder = Decoder(loaded, windows_s or directory.windows_s, beam_size)
        self._scheduler = Scheduler("transcriber", workers=workers, limit=queue_limit)
        self._encoded: OrderedDict[str, tuple[str, Encoded]] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def model(self) -> str:
        return self._name

    @property
    def active(self) -> int:
        """Requests that wait or run, native calls in progress included."""
        return self._scheduler.active

    @property
    def queued(self) -> int:
        """Those that wait."""
        return self._scheduler.queued

    @property
    def stalled_s(self) -> float:
        """How long the oldest decode under way has taken so far; infinite when none can run."""
        return self._scheduler.stalled_s

    def check_languages(self, languages: tuple[str, ...]) -> None:
        """
        Raises:
            LanguageError: the model doesn't know one of them.
        """
        self._decoder.check_languages(languages)

    async def transcribe(self, request: TranscriptionRequest) -> Transcript:
        def work(stopped: Stopped) -> Transcript:
            transcript, encoded = self._decoder.decode(request, stopped)
            if encoded is not None and not stopped():
                self._keep(request, encoded)
            return transcript

        result: Transcript = await self._run(request.request_id, work, request)
        return result

    async def align(
        self, request: TranscriptionRequest, transcript: Transcript
    ) -> tuple[Word, ...]:
        def work(stopped: Stopped) -> tuple[Word, ...]:
            with self._lock:
                kept_id, encoded = self._encoded.get(request.call_id, ("", None))
            if kept_id != request.request_id:
                encoded = None
            return self._decoder.align(request, transcript, encoded, stopped)

        words: tuple[Word, ...] = await self._run(f"{request.request_id}/align", work, request)
        return words

    def warm_up(self) -> None:
        """Queues one decode of silence, so that the first caller doesn't pay for first touches."""
        silence = np.zeros(SAMPLE_RATE_HZ, np.float32)
        request = TranscriptionRequest("warm-up", "warm-up", silence, languages=("en",))
        self._scheduler.submit(
            "warm-up",
            lambda stopped: self._decoder.decode(request, stopped),
            group="warm-up",
            priority=Priority.PARTIAL,
        )

    def close(self) -> None:
        """Ends every request with ClosedError and frees the model after its native call."""
        self._scheduler.close()
        with self._lock:
            self._encoded.clear()

    async def aclose(self) -> None:
        self.close()
        if not await asyncio.to_thread(self._scheduler.join, 10.0):
            raise ClosedError("a native call didn't end within 10 s of closing")

    async def _run(
        self, key: str, work: Callable[[Stopped], Any], request: TranscriptionRequest
    ) -> Any:
        future = self._scheduler.submit(
            key,
            work,
            group=request.call_id,
            priority=request.priority,
            replaceable=request.priority is Priority.PARTIAL,
        )
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), request.timeout_s)
        except TimeoutError as e:
            raise DeadlineError(f"no transcript within {request.timeout_s:.1f} s") from e

    def _keep(self, request: TranscriptionRequest, encoded: Encoded) -> None:
        with self._lock:
            self._encoded.pop(request.call_id, None)
            self._encoded[request.call_id] = (request.request_id, encoded)
            while len(self._encoded) > KEPT_ENCODINGS:
                self._encoded.popitem(last=False)
