"""Conversations with the agent of a project, for its tests: its own models, no server, no network.

with Rehearsal(Path("my-project")) as agent:
    (turn,) = agent.ask("What time is it?")
    assert [tool.name for tool in turn.tools] == ["get_current_time"]
    (turn,) = agent.say("What is two plus three?")   # spoken, and answered by voice
"""

import asyncio
import contextlib
import logging
import tempfile
import wave
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from .agent import Assistant
from .clip import Clip
from .models import load_profile
from .prefill import Prefill
from .session import Voice, agent_for, build_session, load_models, load_vad, stay_local, voice_on
from .settings import load
from .talk.conversation import Conversation
from .talk.microphone import RecordedMicrophone
from .talk.recording import Recording
from .talk.speaker import PacedSpeaker
from .tools.documents import open_documents
from .tools.own import load_tools
from .turn import Decided, ToolCall, Turn
from .turns import Turns

ANSWER_WITHIN_S = 60.0


class Rehearsal:
    """Loads the models once; use as a context manager. Not inside an event loop.

    Args:
        folder: of the project: where its earshot.toml is. Settings from the environment win, as
            everywhere: `EARSHOT_PROFILE=small` rehearses with other models.

    Raises:
        EarshotError: a setting, a tool, the documents or a model can't be used.
    """

    def __init__(self, folder: Path) -> None:
        with contextlib.chdir(folder):
            self.settings = settings = load()
            self._own = load_tools(settings.tools.module, settings.persona.tools)
        stay_local()
        logging.getLogger("livekit.agents").setLevel(logging.ERROR)
        self._profile = profile = load_profile(settings.profile, settings.models_dir)
        self._documents = open_documents(settings.documents.folder, settings.state_dir)
        self._vad = load_vad(settings)
        self._models = load_models(settings, profile)
        self._folder = tempfile.TemporaryDirectory(prefix="earshot-rehearsal-")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        asyncio.run(self._models.aclose())  # native threads must not outlive the interpreter
        if self._documents is not None:
            self._documents.close()
        self._folder.cleanup()

    @property
    def tools(self) -> list[str]:
        """The names of the tools that the model is offered."""
        return [*self.settings.persona.tools, *(tool.id for tool in self._own)]

    def ask(self, *questions: str) -> list[Turn]:
        """Types the questions in a new conversation; a turn for each."""
        return asyncio.run(self._ask(questions))

    def say(self, *sentences: str) -> list[Turn]:
        """Says them, in the agent's own voice and at the speed of life; a turn for each."""
        return asyncio.run(self._say(sentences))

    def _agent(self, voice: Voice) -> Assistant:
        return agent_for(self.settings, self._profile, voice.llm, self._documents, self._own)

    async def _ask(self, questions: tuple[str, ...]) -> list[Turn]:
        voice = voice_on(self.settings, self._models, self._vad)
        # nothing is heard: a session with ears waits 2 s at its end for what they still catch
        deaf = replace(voice, stt=None, vad=None)  # type: ignore[arg-type]
        session = build_session(self.settings, deaf)
        told: dict[int, Turn] = {}
        Turns(session, lambda turn: told.update({turn.turn: turn}), lambda turn, call: None)
        await session.start(self._agent(voice), record=False)
        try:
            await asyncio.wait_for(session.wait_for_idle(), ANSWER_WITHIN_S)  # it has greeted
            for question in questions:
                await asyncio.wait_for(session.run(user_input=question), ANSWER_WITHIN_S)
        finally:
            await session.aclose()
        return [turn for turn in told.values() if turn.heard]

    async def _say(self, sentences: tuple[str, ...]) -> list[Turn]:
        voice = voice_on(self.settings, self._models, self._vad)
        session = build_session(self.settings, voice)
        conversation = Conversation(
            session, self._agent(voice), Prefill(session, voice.llm), PacedSpeaker(), _Nobody()
        )
        microphone = RecordedMicrophone()
        turns = []
        try:
            await conversation.start(microphone)
            for sentence in sentences:
                turns.append(await conversation.ask(await self._spoken(sentence), microphone))
        finally:
            await conversation.aclose()
        return turns

    async def _spoken(self, sentence: str) -> Recording:
        clip = await Clip.speak(self._models.synthesizer, self.settings.persona, sentence)
        path = Path(self._folder.name) / "spoken.wav"
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(clip.sample_rate_hz)
            async for frame in clip.frames():
                file.writeframes(bytes(frame.data))
        return Recording.open(path, self.settings.turn.question_max_s)


class _Nobody:
    """Watches the conversation, and looks away."""

    def partial(self, text: str) -> None: ...
    def heard(self, text: str) -> None: ...
    def tool(self, call: ToolCall, decided: Decided | None) -> None: ...
    def saying(self, text: str) -> None: ...
    def reply(self, text: str) -> None: ...
    def done(self, turn: Turn) -> None: ...
