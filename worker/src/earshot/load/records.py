"""What a call was, as a caller writes it down: times in seconds, None where nothing came."""

from dataclasses import dataclass, field
from typing import Literal

Over = Literal["", "speech", "noise"]
Outcome = Literal["held", "not joined", "no agent", "busy", "broken off", "late", "died"]
OUTCOMES: dict[Outcome, str] = {
    "held": "held to its end",
    "not joined": "the caller did not get into the room",
    "no agent": "no agent came, or it did not listen",
    "busy": "all lines were busy until the end",
    "broken off": "the call ended before its time",
    "late": "the caller was not done by its deadline, and was ended",
    "died": "the caller's process died",
}


@dataclass
class Turn:
    """Something that was asked, and what came back."""

    asked: str
    at_s: float
    """when it began, after the call's first turn did"""
    latency_s: float | None = None
    """from the last voiced sample of the question to the first sound of the answer"""
    why: str = ""
    """why there was no answer"""
    heard: str = ""
    """the caller's words, as the agent showed them"""
    transcript_s: float | None = None
    """from the last voiced sample until these words stood"""
    words: int = 0
    words_wrong: int = 0
    reply: str = ""
    right: bool | None = None
    """None: not judged: no answer, one that was interrupted on purpose, or nothing expected"""
    over: Over = ""
    """what the caller did while this answer was spoken"""
    cut: bool | None = None
    """whether the answer was cut off; None: that cannot be told of this agent"""
    stop_s: float | None = None
    """over it was spoken: from the first voiced sample to the agent's silence"""
    talked_over: bool = False
    """the agent began to speak before the caller had ended"""
    interrupting: bool = False
    """this was said over an answer"""


@dataclass
class Heard:
    """What the jitter buffer did with the agent's audio, by WebRTC's statistics."""

    samples: int = 0
    concealed: int = 0
    """made up because packets were missing, while there was something to hear"""
    packets: int = 0
    packets_lost: int = 0
    jitter_ms: float = 0.0
    buffer_ms: float = 0.0
    """how long audio waited in the jitter buffer, on average"""


@dataclass
class Call:
    """One caller's call."""

    caller: int
    outcome: Outcome = "died"
    why: str = ""
    join_s: float | None = None
    """from the first request until the microphone was published"""
    agent_s: float | None = None
    """from the first request until the agent was in the room"""
    greeted_s: float | None = None
    """from the first request to the first sound of the agent"""
    waited_s: float = 0.0
    """in the line of those for whom all lines were busy"""
    seconds: float = 0.0
    """how long it was, from the first request on"""
    microphone_late_s: float = 0.0
    """how late a frame of the caller was at worst: its own process was kept from running"""
    reconnects: int = 0
    """how often the connection was lost and mended"""
    audio: Heard = field(default_factory=Heard)
    turns: list[Turn] = field(default_factory=list)
