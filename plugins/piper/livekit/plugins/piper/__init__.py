"""Streaming Piper voices for LiveKit Agents, fully local."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from livekit.agents import Plugin

from .errors import (
    ClosedError,
    OverloadedError,
    PiperError,
    RequestError,
    RunError,
    SynthesizeError,
    UnknownSpeakerError,
    VoiceError,
    VoiceFormatError,
    VoiceNotFoundError,
)
from .log import logger
from .synthesizer import SpeechChunk, SynthesisRequest, Synthesizer, VoiceInfo, WordTiming
from .tts import TTS, ChunkedStream, SynthesizeStream
from .version import __version__

# ONNX Runtime 1.32 reports to its maker as soon as a model is loaded; it is imported after this
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

if TYPE_CHECKING:
    from .local import LocalSynthesizer

__all__ = [
    "TTS",
    "ChunkedStream",
    "ClosedError",
    "LocalSynthesizer",
    "OverloadedError",
    "PiperError",
    "RequestError",
    "RunError",
    "SpeechChunk",
    "SynthesisRequest",
    "SynthesizeError",
    "SynthesizeStream",
    "Synthesizer",
    "UnknownSpeakerError",
    "VoiceError",
    "VoiceFormatError",
    "VoiceInfo",
    "VoiceNotFoundError",
    "WordTiming",
    "__version__",
]


def __getattr__(name: str) -> Any:
    if name == "LocalSynthesizer":  # brings Piper, espeak and ONNX Runtime with it
        from .local import LocalSynthesizer

        return LocalSynthesizer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class PiperPlugin(Plugin):
    def __init__(self) -> None:
        super().__init__(__name__, __version__, __package__ or "", logger)


Plugin.register_plugin(PiperPlugin())
