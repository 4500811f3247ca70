"""The contract between the LiveKit half and whatever speaks.

Plain data in, plain data out, so that a client of another process can offer the same. This module
knows nothing of Piper, ONNX, LiveKit or threads.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from .errors import RequestError, UnknownSpeakerError

MAX_TEXT_CHARS = 100_000


@dataclass(frozen=True, slots=True)
class SynthesisRequest:
    text: str
    """As a person would read it: digits, abbreviations and markdown are spoken properly."""
    speaker: str | None = None
    """Name of one of `VoiceInfo.speakers`; None is the voice's default."""
    speed: float = 1.0
    """Tempo, 0.25 to 4: 2.0 takes half as long."""
    noise_scale: float | None = None
    """Variation of the sound, 0 to 2; None is the voice's own; 0 repeats exactly."""
    noise_w: float | None = None
    """Variation of the rhythm, 0 to 2; None is the voice's own; 0 repeats exactly."""
    buffered_s: float = 0.0
    """Seconds of audio the listener still has to hear: how long this request can wait."""
    continues_last: bool = False
    """The text goes on in the middle of the phrase of the request before: no pause between."""
    continues_next: bool = False
    """The phrase goes on in the next request: no pause after this one."""


@dataclass(frozen=True, slots=True)
class WordTiming:
    text: str
    """A word of the request's text with the white space after it, unchanged."""
    start_s: float
    """From the start of the request's audio."""
    end_s: float


@dataclass(frozen=True, slots=True)
class SpeechChunk:
    pcm: bytes
    """int16 little-endian, one channel, at `VoiceInfo.sample_rate_hz`."""
    words: tuple[WordTiming, ...] = ()
    """The words that begin in this chunk. Over all chunks their texts join to the request's."""


@dataclass(frozen=True, slots=True)
class VoiceInfo:
    name: str
    language: str
    """As the voice says it: `en_US`."""
    sample_rate_hz: int
    speakers: tuple[str, ...] = ()
    """Names that a request may carry; empty when the voice has one speaker."""

    def check(self, request: SynthesisRequest) -> None:
        """Raises: RequestError, UnknownSpeakerError."""
        for name, value, low, high in (
            ("speed", request.speed, 0.25, 4.0),
            ("noise_scale", request.noise_scale, 0.0, 2.0),
            ("noise_w", request.noise_w, 0.0, 2.0),
        ):
            if value is not None and not low <= value <= high:
                raise RequestError(f"{name} is {value}; expected {low:g} to {high:g}")
        if len(request.text) > MAX_TEXT_CHARS:
            raise RequestError(
                f"the text has {len(request.text)} characters; expected {MAX_TEXT_CHARS} at most"
            )
        if request.speaker is not None and request.speaker not in self.speakers:
            known = ", ".join(self.speakers[:8]) or "a single one, without a name"
            raise UnknownSpeakerError(
                f"voice {self.name} has no speaker {request.speaker!r}; it has {known}"
            )


@runtime_checkable
class Synthesizer(Protocol):
    """Thread-safe and bound to no event loop."""

    @property
    def info(self) -> VoiceInfo: ...

    def synthesize(self, request: SynthesisRequest) -> AsyncGenerator[SpeechChunk, None]:
        """Streams the request's speech.

        Closing the generator, or cancelling the task that reads it, stops the native work.

        Raises:
            PiperError: one of the package's errors, on the first or a later step.
        """
        ...
