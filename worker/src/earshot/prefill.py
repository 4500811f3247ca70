"""Reads the coming prompt into the language model before it is needed.

The instructions and tools when a conversation begins; an answer once it was said; then, while the
caller speaks, what has been understood so far. When the turn is confirmed only the last words are
left to read. Knows nothing of audio.
"""

import asyncio

import structlog
from livekit.agents import (
    Agent,
    AgentSession,
    APIError,
    ConversationItemAddedEvent,
    UserInputTranscribedEvent,
    llm,
)
from livekit.plugins import llama_cpp

from .agent import Assistant
from .conversation.saying import noted

INSTRUCTIONS_S = 300.0
"""Once for each model and persona, as what was read is kept: a slow machine may take its time."""
HEARD_S = 2.0
"""The turn is over by then."""

_log = structlog.get_logger(__name__)


async def read_instructions(agent: Agent, model: llama_cpp.LLM) -> None:
    """Reads what every conversation with this agent begins with; none need have begun."""
    beginning = llm.ChatContext.empty()
    beginning.add_message(role="system", content=str(agent.instructions))
    await _read(beginning, agent, model, "", INSTRUCTIONS_S)


class Prefill:
    """Follows one session; a newer reading replaces an older one, so at most one is under way."""

    def __init__(self, session: AgentSession[None], model: llama_cpp.LLM) -> None:
        self._session = session
        self._model = model
        self._task: asyncio.Task[None] | None = None
        session.on("user_input_transcribed", self._on_transcribed)
        session.on("conversation_item_added", self._on_item)

    async def instructions(self) -> None:
        """Reads the instructions and tools, and what was said so far: once the session has started,
        and when an engine is there that knows nothing of it."""
        agent = self._session.current_agent
        await read_instructions(agent, self._model)
        await _read(agent.chat_ctx, agent, self._model, "", INSTRUCTIONS_S)

    def _on_transcribed(self, event: UserInputTranscribedEvent) -> None:
        if event.is_final or not event.transcript:
            return  # the reply itself reads on from here
        self._read_on(event.transcript)

    def _on_item(self, event: ConversationItemAddedEvent) -> None:
        if getattr(event.item, "role", "") == "assistant":
            self._read_on("")  # what was really said of the answer, while nobody speaks

    def _read_on(self, heard: str) -> None:
        if self._task is not None:
            self._task.cancel()
        agent = self._session.current_agent
        self._task = asyncio.create_task(_read(agent.chat_ctx, agent, self._model, heard, HEARD_S))

    async def aclose(self) -> None:
        self._session.off("user_input_transcribed", self._on_transcribed)
        self._session.off("conversation_item_added", self._on_item)
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)


async def _read(
    said: llm.ChatContext, agent: Agent, model: llama_cpp.LLM, heard: str, timeout_s: float
) -> None:
    ours = agent if isinstance(agent, Assistant) else None
    try:
        if ours and ours.decider and ours.decider.routed:
            await ours.decider.warm(heard, timeout_s)  # what is asked first is read first
            await model.warm(noted(said, ours.languages), heard=heard, timeout_s=timeout_s)
        else:
            tools = llm.ToolContext(agent.tools).flatten()
            await model.warm(said, tools, heard=heard, timeout_s=timeout_s)
    except APIError as e:  # the reply will meet the same fault, and say so
        _log.info("the prompt could not be read ahead", error=str(e))
