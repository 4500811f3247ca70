"""The contract between a language model and whoever wants text from it.

Plain dataclasses of strings, numbers, lists and dicts, so that the same contract can be served by
a model in this process (`local.LocalGenerator`) or by a client of one in another process. Knows
nothing of llama.cpp and nothing of LiveKit.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias

Message: TypeAlias = dict[str, Any]
"""A chat message in OpenAI form: role, content, tool_calls, tool_call_id."""
ToolDefinition: TypeAlias = dict[str, Any]
"""A function in OpenAI form: {"type": "function", "function": {name, description, parameters}}."""
FinishReason: TypeAlias = Literal["stop", "length", "tool_calls", "empty"]
""""empty" stays inside a generator: it tries again, then fails with NoAnswerError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerateRequest:
    """One reply to be generated."""

    messages: list[Message]
    tools: list[ToolDefinition] = field(default_factory=list)
    tool_choice: str = "auto"
    """"auto", "none", "required", or the name of the one tool that must be called."""
    max_tokens: int = 256
    temperature: float = 0.0
    """0 is greedy: the most likely token, always."""
    top_k: int = 40
    top_p: float = 0.95
    min_p: float = 0.05
    seed: int | None = None
    repetition_guard: float = 0.0
    """How much less likely, in units of logits, a sentence goes on as one that
    was said to another question; 0: no less."""
    parallel_tool_calls: bool = True
    """More than one call in one reply."""
    stop: list[str] = field(default_factory=list)
    """Texts that end the reply and are not part of it."""
    written: str = ""
    """How the reply begins: put in place, not chosen by the model and not part of the events."""
    choices: list[str] = field(default_factory=list)
    """The reply is one of these texts, and comes whole. Nothing is written for it beyond what tells
    them apart."""
    choice_bias: list[float] = field(default_factory=list)
    """Logits added to the choices, in their order."""
    reply_schema: dict[str, Any] | None = None
    """The reply is a JSON object of this schema, and comes whole."""
    head: int = 0
    """How many messages, from the first, are the same in every conversation, such as worked
    examples; 0 = the system messages. What they take of the KV cache is kept for all."""
    timeout_s: float | None = None
    """From submission to the last token; None = no deadline."""
    conversation: str | None = None
    """Optional: requests of one conversation share a name. Without it the KV cache is found by
    longest common prefix alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmRequest:
    """A prefix that will be needed soon: evaluated in idle time, dropped when there is none."""

    messages: list[Message]
    tools: list[ToolDefinition] = field(default_factory=list)
    heard: str = ""
    """What the user has said so far; may still change at its end."""
    head: int = 0
    """As in GenerateRequest."""
    timeout_s: float | None = None
    conversation: str | None = None


@dataclass(frozen=True, slots=True)
class TextDelta:
    text: str


@dataclass(frozen=True, slots=True)
class ThinkingDelta:
    text: str


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A whole call of one of the request's tools."""

    id: str
    name: str
    arguments: str
    """A JSON object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a request cost."""

    prompt_tokens: int = 0
    """Including cached ones."""
    cached_tokens: int = 0
    """Prompt tokens whose KV was already there."""
    completion_tokens: int = 0
    thinking_tokens: int = 0
    queue_ms: float = 0.0
    """From submission to the first prefill step."""
    ttft_ms: float = 0.0
    """From submission to the first token, whatever it is; 0 if there was none."""
    total_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Done:
    """The last event of every stream that didn't fail."""

    reason: FinishReason
    usage: Usage


Event: TypeAlias = TextDelta | ThinkingDelta | ToolCall | Done


class Generator(Protocol):
    """Generates replies for many callers at once.

    Safe to use from any event loop and any thread.
    """

    @property
    def model(self) -> str:
        """The model's name, for logs and metrics."""
        ...

    def generate(self, request: GenerateRequest) -> AsyncGenerator[Event, None]:
        """Streams the reply. Closing the generator, or cancelling its reader, cancels the request.

        Raises:
            GenerateError: or one of its kinds, before or between events.
        """
        ...

    async def warm(self, request: WarmRequest) -> int:
        """Evaluates a prefix into the KV cache.

        Returns:
            How many tokens of the prefix are in the cache now; fewer than all if there was no
            time, never an error for lack of room.
        """
        ...

    async def aclose(self) -> None:
        """Frees the model; requests in progress fail with ClosedError. Idempotent."""
        ...
