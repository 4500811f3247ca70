"""Reads the coming prompt into the language model before it is needed.

The instructions and tools when a conversation begins; then, while the caller speaks, what has been
understood so far. When the turn is confirmed only the last words are left to read. Knows nothing of
audio.
"""

import asyncio

import structlog
from livekit.agents import AgentSession, APIError, UserInputTranscribedEvent, llm
from livekit.plugins import llama_cpp

_log = structlog.get_logger(__name__)


class Prefill:
    """Follows one session; a newer reading replaces an older one, so at most one is under way."""

    def __init__(self, session: AgentSession[None], model: llama_cpp.LLM) -> None:
        self._session = session
        self._model = model
        self._task: asyncio.Task[None] | None = None
        session.on("user_input_transcribed", self._on_transcribed)

    async def instructions(self) -> None:
        """Reads the instructions and tools; call it once the session has started."""
        await self._read("")

    def _on_transcribed(self, event: UserInputTranscribedEvent) -> None:
        if event.is_final or not event.transcript:
            return  # the reply itself reads on from here
        if self._task is not None:
            self._task.cancel()
        self._task = asyncio.create_task(self._read(event.transcript))

    async def _read(self, heard: str) -> None:
        agent = self._session.current_agent
        try:
            await self._model.warm(
                agent.chat_ctx, llm.ToolContext(agent.tools).flatten(), heard=heard, timeout_s=2.0
            )
        except APIError as e:  # the reply will meet the same fault, and say so
            _log.info("the prompt could not be read ahead", error=str(e))

    async def aclose(self) -> None:
        self._session.off("user_input_transcribed", self._on_transcribed)
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
