"""The record of one turn: what was heard, done and said, and how long each stage took.

The live view, the JSON lines, the table and the benchmark all read this one record.
"""

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass
class Latency:
    """Milliseconds; None where a stage did not happen. Stages overlap: they do not add up."""

    endpointing: float | None = None
    """End of speech -> the decision that the turn is over."""
    stt: float | None = None
    """End of speech -> the transcript that was answered."""
    llm_ttft: float | None = None
    """Start of the language model -> its first token."""
    first_clause: float | None = None
    """Start of the language model -> the first clause that the voice could begin with."""
    tts_ttfb: float | None = None
    """First clause -> first sound from the voice."""
    voice_to_voice: float | None = None
    """Last voiced sample sent -> first audible sample played: what a caller feels."""


@dataclass
class ToolCall:
    name: str
    arguments: dict[str, Any]
    result: Any


@dataclass
class Turn:
    """One question and its answer; or, with nothing heard, the agent speaking up on its own."""

    turn: int
    heard: str = ""
    partials: list[str] = field(default_factory=list)
    tools: list[ToolCall] = field(default_factory=list)
    reply: str = ""
    interrupted: bool = False
    latency_ms: Latency = field(default_factory=Latency)

    def to_dict(self) -> dict[str, Any]:
        """The object that `earshot talk --json` prints."""
        return asdict(self)
