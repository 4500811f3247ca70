"""One conversation without a server: recordings or typed text in, records of turns out.

A real AgentSession runs between a microphone and a speaker that keep real time, because endpointing
is measured by the clock. Knows nothing of files' names, terminals or JSON.
"""

import asyncio
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
from livekit.agents.voice.transcription import TranscriptSynchronizer

from ..agent import Assistant
from ..prefill import Prefill
from ..turn import Decided, ToolCall, Turn
from .microphone import RecordedMicrophone
from .recording import Recording
from .speaker import PacedSpeaker

HEAR_WITHIN_S = 4.0  # after the recording: endpointing of an unfinished sentence and its decoding
ANSWER_WITHIN_S = 120.0
SETTLED_S = 0.2  # after an answer
BEGUN_AGAIN_S = 2.0  # after none, or one that was cut off: another is to come
POLL_S = 0.01


class View(Protocol):
    """Who watches the conversation."""

    def partial(self, text: str) -> None: ...
    def heard(self, text: str) -> None: ...
    def tool(self, call: ToolCall, decided: Decided | None) -> None: ...
    def saying(self, text: str) -> None: ...
    def reply(self, text: str) -> None: ...
    def done(self, turn: Turn) -> None: ...


class Captions(io.TextOutput):
    """What the agent says, word by word as it is heard."""

    def __init__(self, view: View) -> None:
        super().__init__(label="captions", next_in_chain=None)
        self._view = view

    async def capture_text(self, text: str) -> None:
        self._view.saying(text)

    def flush(self) -> None:
        """The reply that follows carries the whole text."""


class Conversation:
    """Runs turns one after another.

    Args:
        session: not started yet.
        agent: who answers.
        prefill: reads ahead for the session's language model.
        speaker: plays the answer; its times are the measure.
        view: told of everything as it happens.
    """

    def __init__(
        self,
        session: AgentSession[None],
        agent: Assistant,
        prefill: Prefill,
        speaker: PacedSpeaker,
        view: View,
    ) -> None:
        self._session = session
        self._prefill = prefill
        self._agent = agent
        self._speaker = speaker
        self._view = view
        self._turn = Turn(0)
        self._replies: list[SpeechHandle] = []
        self._own: list[SpeechHandle] = []  # what the agent says unasked, not yet recorded
        self._synchronizer: TranscriptSynchronizer | None = None
        self._closed: str | None = None
        self._answered = False
        session.on("user_input_transcribed", self._on_transcribed)
        session.on("function_tools_executed", self._on_tools)
        session.on("conversation_item_added", self._on_item)
        session.on("speech_created", self._on_speech)
        session.on("close", self._on_close)

    async def start(self, microphone: io.AudioInput) -> None:
        """Starts the session and waits until the greeting, if any, has been said."""
        # an interrupted answer is cut to what was heard, for the record and for the model
        self._synchronizer = TranscriptSynchronizer(
            next_in_chain_audio=self._speaker, next_in_chain_text=Captions(self._view)
        )
        self._session.input.audio = microphone
        self._session.output.audio = self._synchronizer.audio_output
        self._session.output.transcription = self._synchronizer.text_output
        await self._session.start(self._agent, record=False)
        await self._prefill.instructions()
        if self._agent.greets:
            await self._until(lambda: bool(self._own), 1.0)
            await self._all_said(self._own)
            self._own.clear()

    async def ask(self, recording: Recording, microphone: RecordedMicrophone) -> Turn:
        """Plays a recording to the agent and waits for the end of its answer."""
        await self._record_own()
        turn = self._begin()
        speech_end_at = await microphone.play(recording)
        await self._until(lambda: bool(self._replies), HEAR_WITHIN_S)
        await self._all_said(self._replies)
        return self._end(turn, speech_end_at)

    async def ask_text(self, text: str) -> Turn:
        """Types a question."""
        await self._record_own()
        turn = self._begin()
        turn.heard = text
        self._view.heard(text)
        typed_at = time.time()
        self._session.generate_reply(user_input=text)
        await self._all_said(self._replies)
        return self._end(turn, typed_at)

    async def listen(self, duration_s: float) -> None:
        """Waits for what the agent says on its own, such as a timer that fires."""
        until = time.monotonic() + duration_s
        while (left := until - time.monotonic()) > 0 and self._closed is None:
            await self._until(lambda: bool(self._own), left)
            await self._record_own()

    async def run(self) -> None:
        """Converses until the session closes or the task is cancelled: for a live microphone."""
        while self._closed is None:
            turn = self._begin()
            await self._until(lambda: bool(self._replies or self._own), 3600.0)
            if self._replies:
                await self._all_said(self._replies)
                self._end(turn, None)
            await self._record_own()

    async def _record_own(self) -> None:
        """Makes a turn of its own of what the agent says unasked."""
        while (self._own or self._agent.announcing) and self._closed is None:
            await self._until(
                lambda: bool(self._own) or not self._agent.announcing, ANSWER_WITHIN_S
            )
            if not self._own:
                return
            turn = self._begin()
            handle = self._own.pop(0)
            await self._until(handle.done, ANSWER_WITHIN_S)
            if turn.reply or turn.heard:
                self._end(turn, None)
            else:  # cut off before its first word: it is said again
                self._turn = Turn(turn.turn - 1)

    async def aclose(self) -> None:
        await self._record_own()
        await self._prefill.aclose()
        await self._session.aclose()
        if self._synchronizer is not None:
            await self._synchronizer.aclose()
        await self._speaker.aclose()

    def _begin(self) -> Turn:
        self._turn = Turn(self._turn.turn + 1)
        self._replies = []
        self._answered = False
        self._speaker.onsets.clear()
        return self._turn

    def _end(self, turn: Turn, asked_at: float | None) -> Turn:
        turn.decide(self._agent.decided(turn.heard))
        turn.latency_ms.voice_to_voice = None  # here it is measured in the audio
        if asked_at is not None:
            onset = next((at for at in self._speaker.onsets if at > asked_at), None)
            if onset is not None:
                turn.latency_ms.voice_to_voice = round((onset - asked_at) * 1000, 1)
        self._view.done(turn)
        return turn

    async def _all_said(self, handles: list[SpeechHandle]) -> None:
        """Until every answer has been said, and for a moment nothing more is begun.

        An answer to half a question, prepared or begun in a pause of it, is thrown away or cut off:
        the one to the whole question begins a moment later.
        """
        quiet_since = time.monotonic()
        deadline = quiet_since + ANSWER_WITHIN_S
        while time.monotonic() < deadline and self._closed is None:
            said = all(handle.done() for handle in handles)
            if said and handles is not self._own and self._own:
                return  # what is heard from here on is the agent's own
            busy = not said or self._session.user_state == "speaking"
            if busy or self._session.agent_state in ("thinking", "speaking", "initializing"):
                quiet_since = time.monotonic()
            elif time.monotonic() - quiet_since > (SETTLED_S if self._answered else BEGUN_AGAIN_S):
                return
            await asyncio.sleep(POLL_S)

    async def _until(self, condition: Callable[[], bool], within_s: float) -> None:
        deadline = time.monotonic() + within_s
        while not condition() and time.monotonic() < deadline and self._closed is None:
            await asyncio.sleep(POLL_S)

    # ------------------------------------------------------------------ what the session tells
    def _on_transcribed(self, event: UserInputTranscribedEvent) -> None:
        known = len(self._turn.partials)
        self._turn.hear(event)
        if event.is_final:
            self._view.heard(event.transcript)
        elif len(self._turn.partials) > known:
            self._view.partial(event.transcript)

    def _on_tools(self, event: FunctionToolsExecutedEvent) -> None:
        self._turn.decide(self._agent.decided(self._turn.heard))
        for tool in self._turn.use(event):
            self._view.tool(tool, self._turn.decided)

    def _on_item(self, event: ConversationItemAddedEvent) -> None:
        if not isinstance(event.item, ChatMessage):
            return
        self._turn.add(event.item)
        if event.item.role == "assistant":
            self._answered = not event.item.interrupted
            self._view.reply(event.item.text_content or "")

    def _on_speech(self, event: SpeechCreatedEvent) -> None:
        (self._own if event.source == "say" else self._replies).append(event.speech_handle)

    def _on_close(self, event: object) -> None:
        error = getattr(event, "error", None)
        self._closed = str(error) if error else "closed"

    @property
    def failure(self) -> str | None:
        """Why the session ended before its time, or None."""
        return None if self._closed in (None, "closed") else self._closed
