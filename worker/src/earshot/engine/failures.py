"""Errors of the plugins on their way through gRPC: same class, same message, at the other end.

The class travels by name in trailing metadata, the message as the status's details. What gRPC
itself has to say (a dead engine, a passed deadline) becomes the nearest error of the plugin.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import grpc
from livekit.plugins import faster_whisper, llama_cpp, piper

KEY = "earshot-error"
LONGEST_CHARS = 2000
"""Of a message; HTTP/2 headers are bounded."""

Code = grpc.StatusCode

_CODES: dict[str, Code] = {
    "RequestError": Code.INVALID_ARGUMENT,
    "UnknownSpeakerError": Code.INVALID_ARGUMENT,
    "LanguageError": Code.INVALID_ARGUMENT,
    "PromptError": Code.INVALID_ARGUMENT,
    "PromptTooLongError": Code.INVALID_ARGUMENT,
    "OverloadedError": Code.RESOURCE_EXHAUSTED,
    "SupersededError": Code.ABORTED,
    "DeadlineError": Code.DEADLINE_EXCEEDED,
    "ClosedError": Code.UNAVAILABLE,
}  # anything else is INTERNAL


@dataclass(frozen=True)
class Family:
    """One plugin's errors."""

    base: type[Exception]
    """Of every error the plugin raises itself."""
    lost: type[Exception]
    """The engine died or failed: the same request may work later."""
    late: type[Exception]
    """No answer within the request's time."""
    wrong: type[Exception]
    """Not plain data, or too large to be carried."""
    closed: type[Exception]
    """This client was closed."""

    @property
    def kinds(self) -> Mapping[str, type[Exception]]:
        """By name, as they come over the wire."""
        return {kind.__name__: kind for kind in _tree(self.base)}


def _tree(base: type[Exception]) -> set[type[Exception]]:
    return {base}.union(*(_tree(kind) for kind in base.__subclasses__()))


TRANSCRIBER = Family(
    faster_whisper.FasterWhisperError,
    lost=faster_whisper.DecodeError,
    late=faster_whisper.DeadlineError,
    wrong=faster_whisper.RequestError,
    closed=faster_whisper.ClosedError,
)
GENERATOR = Family(
    llama_cpp.LlamaCppError,
    lost=llama_cpp.DecodeError,
    late=llama_cpp.DeadlineError,
    wrong=llama_cpp.PromptTooLongError,
    closed=llama_cpp.ClosedError,
)
SYNTHESIZER = Family(
    piper.PiperError,
    lost=piper.RunError,
    late=piper.RunError,  # a synthesis has no deadline of its own
    wrong=piper.RequestError,
    closed=piper.ClosedError,
)


def to_status(error: Exception, family: Family) -> tuple[Code, str, tuple[tuple[str, str], ...]]:
    """Code, details and trailing metadata for an error of a model half."""
    message = str(error)[:LONGEST_CHARS]
    if isinstance(error, family.closed):
        # the engine's model was closed, not the caller's: a new engine will do
        return Code.UNAVAILABLE, "the engine is stopping", ()
    if not isinstance(error, family.base):
        return Code.INTERNAL, f"{type(error).__name__}: {message}", ()
    name = type(error).__name__
    return _CODES.get(name, Code.INTERNAL), message, ((KEY, name),)


def from_status(error: grpc.aio.AioRpcError, family: Family) -> Exception:
    """The plugin's error for what gRPC raised."""
    code, details = error.code(), error.details() or ""
    for key, name in error.trailing_metadata():
        if key == KEY and (kind := family.kinds.get(str(name))):
            return kind(details)
    if code is Code.DEADLINE_EXCEEDED:
        return family.late("no answer of the engine within the request's time")
    if code in (Code.RESOURCE_EXHAUSTED, Code.INVALID_ARGUMENT):
        return family.wrong(f"the engine refused the request: {details}")
    if code in (Code.UNAVAILABLE, Code.CANCELLED):
        return family.lost(f"the engine went away: {details}")
    return family.lost(f"the engine failed: {details}")
