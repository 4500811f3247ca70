"""Where the milliseconds of a turn go: moments on one clock, from the end of the question on."""

import time
from collections.abc import Iterable

from livekit.agents import (
    AgentSession,
    AgentStateChangedEvent,
    UserInputTranscribedEvent,
)
from livekit.agents.metrics import LLMMetrics, TTSMetrics

from ..session import Voice

MOMENTS = (
    "transcript ready",
    "LLM starts",
    "LLM first token",
    "TTS first sound",
    "turn confirmed",
    "first audible sample",
)


class Timeline:
    """Listens to a session and its models; `moments(t0)` gives one turn, in ms after t0."""

    def __init__(self, session: AgentSession[None], voice: Voice) -> None:
        self._transcripts: list[tuple[float, str, bool]] = []
        self._llm: list[tuple[float, float]] = []
        self._tts: list[float] = []
        self._states: list[tuple[float, str]] = []
        session.on("user_input_transcribed", self._on_transcript)
        session.on("agent_state_changed", self._on_state)
        voice.llm.on("metrics_collected", self._on_llm)
        voice.tts.on("metrics_collected", self._on_tts)

    def clear(self) -> None:
        """Forgets the turn before."""
        for kept in (self._transcripts, self._llm, self._tts, self._states):
            kept.clear()

    def moments(self, t0: float, audible_at: float | None) -> dict[str, float]:
        """Milliseconds after t0 (time.time()); moments that did not happen are left out.

        The last generation that began before the answer was heard is the one that was used.
        """
        final = next((text for _, text, is_final in self._transcripts if is_final), None)
        same = [at for at, text, _ in self._transcripts if text == final]
        found = {
            "transcript ready": same[0] if same else None,
            "LLM starts": _last_before((s for s, _ in self._llm), audible_at),
            "LLM first token": _last_before((f for _, f in self._llm), audible_at),
            "TTS first sound": _last_before(self._tts, audible_at),
            "turn confirmed": next((at for at, s in self._states if s == "thinking"), None),
            "first audible sample": audible_at,
        }
        return {name: (at - t0) * 1000 for name, at in found.items() if at is not None}

    def _on_transcript(self, event: UserInputTranscribedEvent) -> None:
        self._transcripts.append((time.time(), event.transcript, event.is_final))

    def _on_state(self, event: AgentStateChangedEvent) -> None:
        self._states.append((time.time(), event.new_state))

    def _on_llm(self, metrics: LLMMetrics) -> None:
        began = metrics.timestamp - metrics.duration
        self._llm.append((began, began + metrics.ttft))

    def _on_tts(self, metrics: TTSMetrics) -> None:
        self._tts.append(metrics.timestamp - metrics.duration + metrics.ttfb)


def _last_before(times: Iterable[float], end: float | None) -> float | None:
    return max((t for t in times if end is None or t <= end), default=None)
