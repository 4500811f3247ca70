"""One decode under way: a stretch of a call's audio, its request, and what came of it.

Knows nothing of events or of when to decode.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace

from .errors import SupersededError
from .log import logger
from .transcriber import Priority, Transcriber, Transcript, TranscriptionRequest, Word


class Snapshot:
    """Starts on creation; lives on one event loop."""

    def __init__(
        self,
        transcriber: Transcriber,
        request: TranscriptionRequest,
        *,
        start_s: float,
        end_s: float,
        on_done: Callable[[], None],
    ) -> None:
        """
        Args:
            start_s, end_s: Where the request's audio lies in the stream.
            on_done: Called when the transcript is there, or isn't going to be.
        """
        self._transcriber = transcriber
        self._request = request
        self._on_done = on_done
        self._align: asyncio.Task[tuple[Word, ...]] | None = None
        self._tasks: list[asyncio.Task[Transcript]] = []
        self.start_s = start_s
        self.end_s = end_s
        self.speech_s = request.speech_s
        self.transcript: Transcript | None = None
        self.failed = False
        self._start(request)

    @property
    def done(self) -> bool:
        return self.transcript is not None or self.failed

    @property
    def useful(self) -> bool:
        """Whether this is, or may yet become, a text to build on."""
        return not self.failed and (self.transcript is None or self.transcript.reliable)

    async def settle(self) -> tuple[Transcript, list[Word]]:
        """The transcript as a final one; its words, in the stream's time, if these come in time.

        Raises:
            TranscribeError: there is no transcript.
        """
        transcript = self.transcript
        if transcript is None and not self.failed:
            # same id: joins the decode that waits or runs, and raises its priority
            try:
                transcript = await self._start(replace(self._request, priority=Priority.FINAL))
            except SupersededError:
                transcript = None
        weak = transcript is not None and not transcript.reliable
        if transcript is None or (weak and self._request.priority is Priority.PARTIAL):
            self._request = replace(
                self._request,
                request_id=f"{self._request.request_id}/again",
                priority=Priority.FINAL,
            )
            transcript = await self._start(self._request)
        self.transcript = transcript
        self.align()
        return transcript, [
            replace(w, start_s=w.start_s + self.start_s, end_s=w.end_s + self.start_s)
            for w in await self._words()
        ]

    def align(self) -> None:
        """Starts on the word times, once the transcript is there."""
        if self._align is None and self.transcript is not None and self.transcript.text:
            request = replace(self._request, priority=Priority.SPECULATIVE)
            self._align = asyncio.create_task(self._transcriber.align(request, self.transcript))
            self._align.add_done_callback(_retrieve)

    def cancel(self) -> None:
        for task in (*self._tasks, self._align):
            if task is not None:
                task.cancel()

    async def _words(self) -> tuple[Word, ...]:
        if self._align is None:
            return ()
        try:
            # a transcript without times is better than one that comes late
            return await asyncio.wait_for(self._align, 0.1)
        except Exception as e:
            logger.debug("no word times: %r", e)
            return ()

    def _start(self, request: TranscriptionRequest) -> asyncio.Task[Transcript]:
        request = replace(request, timeout_s=TIMEOUT_S[request.priority])
        task = asyncio.create_task(self._transcriber.transcribe(request))
        task.add_done_callback(self._finished)
        self._tasks.append(task)
        return task

    def _finished(self, task: asyncio.Task[Transcript]) -> None:
        _retrieve(task)
        if self.done or task is not self._tasks[-1]:
            return
        if task.cancelled() or task.exception() is not None:
            self.failed = True
        else:
            self.transcript = task.result()
        if not task.cancelled():
            self._on_done()


TIMEOUT_S = {Priority.FINAL: 10.0, Priority.SPECULATIVE: 5.0, Priority.PARTIAL: 2.0}


def _retrieve(task: "asyncio.Task[object]") -> None:
    """A failure that nobody waits for is no news."""
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.debug("request ended: %r", error)
