"""Persona -> LiveKit Agent: instructions, greeting and the tools that it may use.

Tool names, descriptions and the forms of their results are those that the starter language model
was trained on; larger models take them as well. Results are JSON texts: LiveKit would write a dict
as Python does, which no model was shown.
"""

import asyncio
import json
from collections.abc import AsyncIterable, AsyncIterator, Sequence
from typing import Any

import structlog
from livekit import rtc
from livekit.agents import Agent, ModelSettings, function_tool, llm, stt

from .announcements import Announcements
from .barge_in import Floor, judged
from .conversation.deciding import Decider, Decision
from .conversation.replying import Said, reply
from .conversation.saying import Answers
from .settings import PersonaSettings, ToolName
from .tools.calculator import calculate
from .tools.clock import current_time
from .tools.documents import Documents
from .tools.timers import Timers

_log = structlog.get_logger(__name__)


class Assistant(Agent):
    """The agent of one conversation.

    Args:
        persona: who it is.
        documents: what it searches; None: it finds nothing.
        own: tools beside those of the persona.
    """

    def __init__(
        self, persona: PersonaSettings, documents: Documents | None, own: Sequence[llm.Tool] = ()
    ) -> None:
        self.decider: Decider | None = None
        """Chooses the tools; None: the model writes its calls by itself."""
        self._persona = persona
        spoken = persona.language
        self.languages = () if spoken == "auto" else tuple(spoken.split(","))
        """As "en"; () = any."""
        self._heard_in: str | None = None  # the language of what was heard last
        self._answers = Answers(self.languages)
        self._documents = documents
        self._announcements: Announcements | None = None  # while it is in a session
        self.timers = Timers(self._timer_over)
        super().__init__(
            instructions=persona.instructions.replace("{name}", persona.name),
            tools=[*(self._tool(name) for name in persona.tools), *own],
        )

    def decided(self, heard: str) -> Decision | None:
        """What was decided about what was heard, if anything was."""
        return self.decider.of_turn(heard) if self.decider else None

    @property
    def greets(self) -> bool:
        """Whether it speaks first."""
        return bool(self._persona.greeting)

    @property
    def announcing(self) -> bool:
        """Whether something is to be said unasked, as soon as there is room."""
        return self._announcements is not None and self._announcements.pending

    async def on_enter(self) -> None:
        self._announcements = Announcements(self.session)
        if self.greets:
            self.session.say(self._persona.greeting.replace("{name}", self._persona.name))

    async def stt_node(
        self, audio: AsyncIterable[rtc.AudioFrame], model_settings: ModelSettings
    ) -> AsyncIterator[stt.SpeechEvent]:
        events = Agent.default.stt_node(self, audio, model_settings)
        async for event in judged(events, Floor(self.session)):
            if event.alternatives and event.alternatives[0].language:
                self._heard_in = str(event.alternatives[0].language)
            yield event

    async def llm_node(
        self,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool],
        model_settings: ModelSettings,
    ) -> AsyncIterator[Said]:
        def ask(context: llm.ChatContext, shown: list[llm.Tool]) -> AsyncIterable[Said]:
            return Agent.default.llm_node(self, context, shown, model_settings)

        if self.decider is None:
            said = ask(chat_ctx, tools)
        else:
            said = reply(
                chat_ctx,
                tools,
                decider=self.decider,
                answers=self._answers,
                ask=ask,
                tell=self._tell,
                language=self._heard_in,
            )
        async for chunk in said:
            yield chunk

    async def _tell(self, chat_ctx: llm.ChatContext) -> AsyncIterator[Said]:
        """Has the model word a result: as often as it is asked, in the same words."""
        model = self.session.llm
        assert isinstance(model, llm.LLM)
        async with model.chat(
            chat_ctx=chat_ctx,
            tools=[],
            conn_options=self.session.conn_options.llm_conn_options,
            extra_kwargs={"repetition_guard": 0.0},
        ) as stream:
            async for chunk in stream:
                yield chunk

    async def on_exit(self) -> None:
        await self.timers.aclose()
        if self._announcements is not None:
            await self._announcements.aclose()

    async def _timer_over(self, duration: str) -> None:
        if self._announcements is not None:
            self._announcements.put(self._persona.timer_message.replace("{duration}", duration))

    def _tool(self, name: ToolName) -> llm.FunctionTool[..., Any]:
        return getattr(self, f"_{name}")()  # type: ignore[no-any-return]

    def _get_current_time(self) -> llm.FunctionTool[..., Any]:
        @function_tool(
            name="get_current_time", description="Returns the current local date and time."
        )
        async def get_current_time() -> str:
            return json.dumps(current_time())

        return get_current_time

    def _calculate(self) -> llm.FunctionTool[..., Any]:
        @function_tool(name="calculate", description="Evaluates an arithmetic expression.")
        async def calculator(expression: str) -> str:
            return json.dumps(calculate(expression))

        return calculator

    def _set_timer(self) -> llm.FunctionTool[..., Any]:
        @function_tool(name="set_timer", description="Starts a countdown timer.")
        async def set_timer(amount: int, unit: str) -> str:
            return json.dumps(self.timers.start(amount, unit))

        return set_timer

    def _cancel_timer(self) -> llm.FunctionTool[..., Any]:
        @function_tool(name="cancel_timer", description="Cancels the running timer.")
        async def cancel_timer() -> str:
            return json.dumps(self.timers.cancel())

        return cancel_timer

    def _search_documents(self) -> llm.FunctionTool[..., Any]:
        @function_tool(name="search_documents", description="Searches the local documents.")
        async def search_documents(query: str) -> str:
            if self._documents is None:
                return json.dumps({"text": ""})
            found = await asyncio.to_thread(self._documents.search, query)
            if not found:
                return json.dumps({"text": ""})
            return json.dumps({"text": found[0].text, "source": f"the {found[0].source}"})

        return search_documents
