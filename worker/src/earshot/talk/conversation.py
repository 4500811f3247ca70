"""One conversation without a server: recordings or typed text in, records of turns out.

A real AgentSession runs between a microphone and a speaker that keep real time, because endpointing
is measured by the clock. Knows nothing of files' names, terminals or JSON.
"""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Protocol

from livekit.agents import (
    AgentSession,
    ConversationItemAddedEvent,
    FunctionToolsExecutedEvent,
    SpeechCreatedEvent,
    UserInputTranscribedEvent,
)
from livekit.agents.llm import ChatMessage
from livekit.agents.voice import io
from livekit.agents.voice.speech_handle import SpeechHandle

from ..agent import Assistant
from .microphone import RecordedMicrophone
from .recording import Recording
from .speaker import PacedSpeaker
from .turn import ToolCall, Turn

HEAR_WITHIN_S = 4.0  # after the recording: endpointing of an unfinished sentence and its decoding
ANSWER_WITHIN_S = 120.0
POLL_S = 0.01


class View(Protocol):
    """Who watches the conversation."""

    def partial(self, text: str) -> None: ...
    def heard(self, text: str) -> None: ...
    def tool(self, call: ToolCall) -> None: ...
    def reply(self, text: str) -> None: ...
    def done(self, turn: Turn) -> None: ...


class Conversation:
    """Runs turns one after another.

    Args:
        session: not started yet.
        agent: who answers.
        speaker: plays the answer; its times are the measure.
        view: told of everything as it happens.
    """

    def __init__(
        self,
        session: AgentSession[None],
        agent: Assistant,
        speaker: PacedSpeaker,
        view: View,
    ) -> None:
        self._session = session
        self._agent = agent
        self._speaker = speaker
        self._view = view
        self._turn = Turn(0)
        self._speeches: list[SpeechHandle] = []
        self._closed: str | None = None
        session.on("user_input_transcribed", self._on_transcribed)
        session.on("function_tools_executed", self._on_tools)
        session.on("conversation_item_added", self._on_item)
        session.on("speech_created", self._on_speech)
        session.on("close", self._on_close)

    async def start(self, microphone: io.AudioInput) -> None:
        """Starts the session and waits until the greeting, if any, has been said."""
        self._session.input.audio = microphone
        self._session.output.audio = self._speaker
        await self._session.start(self._agent, record=False)
        await self._settled()

    async def ask(self, recording: Recording, microphone: RecordedMicrophone) -> Turn:
        """Plays a recording to the agent and waits for the end of its answer."""
        turn = self._begin()
        speech_end_at = await microphone.play(recording)
        await self._until(lambda: bool(self._speeches), HEAR_WITHIN_S)
        await self._settled()
        return self._end(turn, speech_end_at)

    async def ask_text(self, text: str) -> Turn:
        """Types a question."""
        turn = self._begin()
        turn.heard = text
        self._view.heard(text)
        typed_at = time.time()
        self._session.generate_reply(user_input=text)
        await self._settled()
        return self._end(turn, typed_at)

    async def listen(self, duration_s: float) -> list[Turn]:
        """Waits for what the agent says on its own, such as a timer that fires."""
        turns: list[Turn] = []
        until = time.monotonic() + duration_s
        while (left := until - time.monotonic()) > 0:
            turn = self._begin()
            await self._until(lambda: bool(self._speeches), left)
            if self._speeches:
                await self._settled()
                turns.append(self._end(turn, None))
        return turns

    async def run(self) -> None:
        """Converses until the session closes or the task is cancelled: for a live microphone."""
        while self._closed is None:
            turn = self._begin()
            await self._until(lambda: bool(self._speeches), 3600.0)
            if self._speeches:
                await self._settled()
                self._end(turn, None)

    async def aclose(self) -> None:
        await self._session.aclose()
        await self._speaker.aclose()

    def _begin(self) -> Turn:
        self._turn = Turn(self._turn.turn + 1)
        self._speeches = []
        self._speaker.forget()
        return self._turn

    def _end(self, turn: Turn, asked_at: float | None) -> Turn:
        if asked_at is not None and self._speaker.first_loud_at is not None:
            turn.latency_ms.voice_to_voice = round(
                (self._speaker.first_loud_at - asked_at) * 1e3, 1
            )
        self._view.done(turn)
        return turn

    async def _settled(self) -> None:
        """Until everything that was begun has been said, and for a moment nothing is begun."""
        quiet_since = time.monotonic()
        deadline = quiet_since + ANSWER_WITHIN_S
        while time.monotonic() < deadline and self._closed is None:
            busy = (
                any(not s.done() for s in self._speeches)
                or self._session.user_state == "speaking"
                or self._session.agent_state in ("thinking", "speaking", "initializing")
            )
            if busy:
                quiet_since = time.monotonic()
            elif time.monotonic() - quiet_since > 0.2:
                return
            await asyncio.sleep(POLL_S)

    async def _until(self, condition: Callable[[], bool], within_s: float) -> None:
        deadline = time.monotonic() + within_s
        while not condition() and time.monotonic() < deadline and self._closed is None:
            await asyncio.sleep(POLL_S)

    # ------------------------------------------------------------------ what the session tells
    def _on_transcribed(self, event: UserInputTranscribedEvent) -> None:
        if event.is_final:
            self._turn.heard = f"{self._turn.heard} {event.transcript}".strip()
            self._view.heard(event.transcript)
        elif event.transcript and self._turn.partials[-1:] != [event.transcript]:
            self._turn.partials.append(event.transcript)
            self._view.partial(event.transcript)

    def _on_tools(self, event: FunctionToolsExecutedEvent) -> None:
        for call, output in event.zipped():
            tool = ToolCall(call.name, _parsed(call.arguments), _parsed(output.output))
            self._turn.tools.append(tool)
            self._view.tool(tool)

    def _on_item(self, event: ConversationItemAddedEvent) -> None:
        item = event.item
        if not isinstance(item, ChatMessage):
            return
        latency, metrics = self._turn.latency_ms, item.metrics
        if item.role == "user":
            latency.endpointing = _ms(metrics.get("end_of_turn_delay"))
            latency.stt = _ms(metrics.get("transcription_delay"))
        elif item.role == "assistant":
            text = item.text_content or ""
            self._turn.reply = f"{self._turn.reply} {text}".strip()
            self._turn.interrupted |= item.interrupted
            latency.llm_ttft = _ms(metrics.get("llm_node_ttft"))
            latency.first_clause = _ms(metrics.get("llm_node_ttfs"))
            latency.tts_ttfb = _ms(metrics.get("tts_node_ttfb"))
            self._view.reply(text)

    def _on_speech(self, event: SpeechCreatedEvent) -> None:
        self._speeches.append(event.speech_handle)

    def _on_close(self, event: object) -> None:
        error = getattr(event, "error", None)
        self._closed = str(error) if error else "closed"

    @property
    def failure(self) -> str | None:
        """Why the session ended before its time, or None."""
        return None if self._closed in (None, "closed") else self._closed


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 1)
