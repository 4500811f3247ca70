"""Many conversations on one local llama.cpp model, for LiveKit Agents.

`LLM` is the LiveKit half; `Generator` the contract it needs, with `local.LocalGenerator` as its
in-process form. llama.cpp itself is imported only when a model is loaded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from livekit.agents import Plugin

from .errors import (
    ChatTemplateError,
    ClosedError,
    DeadlineError,
    DecodeError,
    GenerateError,
    LlamaCppError,
    ModelError,
    NoAnswerError,
    OverloadedError,
    PromptError,
    PromptTooLongError,
)
from .generator import (
    Done,
    Event,
    GenerateRequest,
    Generator,
    TextDelta,
    ThinkingDelta,
    ToolCall,
    Usage,
    WarmRequest,
)
from .llm import LLM
from .log import logger
from .stream import LLMStream
from .version import __version__

if TYPE_CHECKING:
    from .local import LocalGenerator

__all__ = [
    "LLM",
    "ChatTemplateError",
    "ClosedError",
    "DeadlineError",
    "DecodeError",
    "Done",
    "Event",
    "GenerateError",
    "GenerateRequest",
    "Generator",
    "LLMStream",
    "LlamaCppError",
    "LocalGenerator",
    "ModelError",
    "NoAnswerError",
    "OverloadedError",
    "PromptError",
    "PromptTooLongError",
    "TextDelta",
    "ThinkingDelta",
    "ToolCall",
    "Usage",
    "WarmRequest",
    "__version__",
]


def __getattr__(name: str) -> Any:
    if name == "LocalGenerator":  # brings llama.cpp with it
        from .local import LocalGenerator

        return LocalGenerator
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class LlamaCppPlugin(Plugin):
    def __init__(self) -> None:
        super().__init__(__name__, __version__, __package__ or __name__, logger)


Plugin.register_plugin(LlamaCppPlugin())
