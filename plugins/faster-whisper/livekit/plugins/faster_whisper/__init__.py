"""Streaming speech-to-text for LiveKit Agents on faster-whisper, fully local."""

import os
from typing import TYPE_CHECKING, Any

from livekit.agents import Plugin

from .errors import (
    ClosedError,
    DeadlineError,
    DecodeError,
    DeviceError,
    FasterWhisperError,
    LanguageError,
    ModelError,
    ModelFormatError,
    ModelNotFoundError,
    OverloadedError,
    RequestError,
    SupersededError,
    TranscribeError,
)
from .log import logger
from .stt import STT, RecognizeStream
from .transcriber import Priority, Transcriber, Transcript, TranscriptionRequest, Word
from .version import __version__

# ONNX Runtime 1.32 reports to its maker as soon as a model is loaded; it is imported after this
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

if TYPE_CHECKING:
    from .local import LocalTranscriber

__all__ = [
    "STT",
    "ClosedError",
    "DeadlineError",
    "DecodeError",
    "DeviceError",
    "FasterWhisperError",
    "LanguageError",
    "LocalTranscriber",
    "ModelError",
    "ModelFormatError",
    "ModelNotFoundError",
    "OverloadedError",
    "Priority",
    "RecognizeStream",
    "RequestError",
    "SupersededError",
    "TranscribeError",
    "Transcriber",
    "Transcript",
    "TranscriptionRequest",
    "Word",
    "__version__",
]


def __getattr__(name: str) -> Any:
    if name == "LocalTranscriber":  # not needed where the model is in another process
        from .local import LocalTranscriber

        return LocalTranscriber
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class FasterWhisperPlugin(Plugin):
    def __init__(self) -> None:
        super().__init__(__name__, __version__, __package__ or __name__, logger)


Plugin.register_plugin(FasterWhisperPlugin())
