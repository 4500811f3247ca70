"""The record of one turn: what was heard, done and said, and how long each stage took.

Filled from the events of an AgentSession. The page, the live view, the JSON lines, the metrics and
the benchmarks all read this one record.
"""

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from livekit.agents import FunctionToolsExecutedEvent, UserInputTranscribedEvent
from livekit.agents.llm import ChatMessage

if TYPE_CHECKING:
    from .conversation.deciding import Decision


@dataclass
class Latency:
    """Milliseconds; None where a stage did not happen. Stages overlap: they do not add up."""

    endpointing: float | None = None
    """End of speech -> the decision that the turn is over."""
    stt: float | None = None
    """End of speech -> the transcript that was answered."""
    deciding: float | None = None
    """End of the question -> whether it needs a tool, and which; part of the first `llm_ttft`."""
    llm_ttft: float | None = None
    """Start of the language model -> its first token."""
    first_clause: float | None = None
    """Start of the language model -> the first clause that the voice could begin with."""
    tts_ttfb: float | None = None
    """First clause -> first sound from the voice."""
    voice_to_voice: float | None = None
    """End of speech -> first sound of the answer, at the agent's end of the line. `talk` and the
    benchmarks measure it in the audio instead: last voiced sample -> first audible one."""


@dataclass
class ToolCall:
    name: str
    arguments: dict[str, Any]
    result: Any


@dataclass
class Decided:
    """Whether the turn needed a tool."""

    tool: str | None
    """None: it was talked about."""
    by: str
    """"sentence", "router", or "model": it wrote a call, or none, by itself."""


@dataclass
class Turn:
    """One question and its answer; or, with nothing heard, the agent speaking up on its own."""

    turn: int
    heard: str = ""
    partials: list[str] = field(default_factory=list)
    decided: Decided | None = None
    """None: nothing was heard, or nobody decided."""
    tools: list[ToolCall] = field(default_factory=list)
    reply: str = ""
    interrupted: bool = False
    latency_ms: Latency = field(default_factory=Latency)

    def hear(self, event: UserInputTranscribedEvent) -> None:
        """Takes a transcript: a partial one, or one that stands."""
        if event.is_final:
            self.heard = f"{self.heard} {event.transcript}".strip()
        elif event.transcript and self.partials[-1:] != [event.transcript]:
            self.partials.append(event.transcript)

    def use(self, event: FunctionToolsExecutedEvent) -> list[ToolCall]:
        """Takes tools that ran; returns them."""
        used = [
            ToolCall(call.name, _parsed(call.arguments), _parsed(output.output))
            for call, output in event.zipped()
        ]
        self.tools += used
        return used

    def decide(self, decision: "Decision | None") -> None:
        """Takes what was decided about it."""
        if decision is not None:
            tool = decision.call.name if decision.call else None
            self.decided = Decided(tool, decision.by)
            self.latency_ms.deciding = decision.ms

    def add(self, message: ChatMessage) -> None:
        """Takes a message of the conversation, with what LiveKit measured of it."""
        latency, metrics = self.latency_ms, message.metrics
        if message.role == "user":
            latency.endpointing = _ms(metrics.get("end_of_turn_delay"))
            latency.stt = _ms(metrics.get("transcription_delay"))
        elif message.role == "assistant":
            self.reply = f"{self.reply} {message.text_content or ''}".strip()
            self.interrupted |= message.interrupted
            latency.llm_ttft = _ms(metrics.get("llm_node_ttft"))
            latency.first_clause = _ms(metrics.get("llm_node_ttfs"))
            latency.tts_ttfb = _ms(metrics.get("tts_node_ttfb"))
            latency.voice_to_voice = _ms(metrics.get("e2e_latency"))

    def to_dict(self) -> dict[str, Any]:
        """The object that `earshot talk --json` prints and that the page is sent."""
        return asdict(self)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 1)
