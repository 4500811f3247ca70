"""Streaming Piper voices for LiveKit Agents, fully local."""

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
from .local import LocalSynthesizer
from .log import logger
from .synthesizer import SpeechChunk, SynthesisRequest, Synthesizer, VoiceInfo, WordTiming
from .tts import TTS, ChunkedStream, SynthesizeStream
from .version import __version__

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


class PiperPlugin(Plugin):
    def __init__(self) -> None:
        super().__init__(__name__, __version__, __package__ or "", logger)


Plugin.register_plugin(PiperPlugin())
