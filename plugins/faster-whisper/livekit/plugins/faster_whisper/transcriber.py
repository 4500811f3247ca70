"""The contract between the LiveKit half and whatever owns a model.

Plain data in, plain data out, nothing that couldn't cross a process boundary. Knows nothing of
LiveKit, of CTranslate2, or of where the model runs.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .errors import RequestError

SAMPLE_RATE_HZ = 16_000
LONGEST_AUDIO_S = 30.0

Audio = NDArray[np.float32]
"""Mono, 16 kHz, -1..1, shape [samples]."""


class Priority(IntEnum):
    """Who goes first when several requests wait."""

    FINAL = 0
    """The speaker has stopped: somebody waits for this text."""
    SPECULATIVE = 1
    """The speaker has probably stopped."""
    PARTIAL = 2
    """The speaker goes on. One waits per call at most; a newer request of the call replaces it."""


@dataclass(frozen=True, slots=True)
class TranscriptionRequest:
    call_id: str
    """Whose speech it is: fairness, replacement and caches go by call."""
    request_id: str
    """One decode of one stretch of audio. A request whose id is already waiting or running joins
    it and raises its priority."""
    audio: Audio
    """At most 30 s."""
    priority: Priority = Priority.FINAL
    languages: tuple[str, ...] = ("en",)
    """One: spoken for sure. Several: the likeliest of these. None: the likeliest of all."""
    hotwords: str = ""
    """Words to favour, given to the model as its preceding text."""
    speech_s: float = 0.0
    """How much of the audio is speech, for plausibility checks; 0 = all of it."""
    timeout_s: float = 10.0

    def check(self) -> None:
        """Raises: RequestError."""
        audio = self.audio
        if audio.ndim != 1 or audio.dtype != np.float32:
            raise RequestError(
                f"audio is {audio.dtype}{list(audio.shape)}; expected float32[samples]"
            )
        if not 400 <= len(audio) <= LONGEST_AUDIO_S * SAMPLE_RATE_HZ:
            raise RequestError(
                f"audio of {len(audio) / SAMPLE_RATE_HZ:.3f} s; "
                f"expected 0.025 to {LONGEST_AUDIO_S:.0f} s"
            )


@dataclass(frozen=True, slots=True)
class Transcript:
    text: str
    """Empty when nothing was said, or nothing that can be trusted."""
    language: str
    language_probability: float = 1.0
    confidence: float = 0.0
    """Geometric mean of the token probabilities."""
    no_speech_prob: float = 0.0
    reliable: bool = True
    """False for a partial that looks lost: it was not tried again, and is not worth keeping."""
    tokens: tuple[int, ...] = ()
    compute_s: float = 0.0
    """Time spent on this request, without waiting."""


@dataclass(frozen=True, slots=True)
class Word:
    text: str
    start_s: float
    """Seconds from the start of the request's audio."""
    end_s: float
    confidence: float


class Transcriber(Protocol):
    """Turns stretches of speech into text, for many calls at once, from any event loop.

    Cancelling a call of either method withdraws the request: if it waits it is gone at once, if
    it runs it stops at the next chance and its result is dropped.
    """

    @property
    def model(self) -> str:
        """Name of the model, for logs and metrics."""
        ...

    async def transcribe(self, request: TranscriptionRequest) -> Transcript:
        """
        Raises:
            TranscribeError: this request failed.
            LanguageError: the model doesn't know a language of the request.
        """
        ...

    async def align(
        self, request: TranscriptionRequest, transcript: Transcript
    ) -> tuple[Word, ...]:
        """The times of the words of `transcript`, which `request` gave before.

        Cheap right after that request, when the encoded audio is still at hand.

        Raises:
            TranscribeError: this request failed.
        """
        ...

    async def aclose(self) -> None:
        """Ends every request with ClosedError and frees the model."""
        ...
