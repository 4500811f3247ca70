"""Streaming speech-to-text for LiveKit Agents on faster-whisper, fully local."""

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
from .local import LocalTranscriber
from .log import logger
from .stt import STT, RecognizeStream
from .transcriber import Priority, Transcriber, Transcript, TranscriptionRequest, Word
from .version import __version__

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


class FasterWhisperPlugin(Plugin):
    def __init__(self) -> None:
        super().__init__(__name__, __version__, __package__ or __name__, logger)


Plugin.register_plugin(FasterWhisperPlugin())
