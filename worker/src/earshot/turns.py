"""Makes records of turns out of what a session tells, while the next turn may begin already.

A caller who interrupts is heard before the answer they cut off is recorded: the turn that is being
heard and the turn that is being answered are kept apart.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from livekit.agents import (
    AgentSession,
    ConversationItemAddedEvent,
    FunctionToolsExecutedEvent,
    SpeechCreatedEvent,
    UserInputTranscribedEvent,
)
from livekit.agents.llm import ChatMessage
from livekit.agents.voice.speech_handle import SpeechHandle

from .turn import ToolCall, Turn

if TYPE_CHECKING:
    from .conversation.deciding import Decision


class Turns:
    """Follows one session.

    Args:
        session: not started yet.
        on_turn: told of every turn when its answer has been said, cut off included; a turn whose
            answer goes on after a tool is told again.
        on_tool: told of every tool when it has run.
        decided: what was decided about what was heard.
    """

    def __init__(
        self,
        session: AgentSession[None],
        on_turn: Callable[[Turn], None],
        on_tool: Callable[[Turn, ToolCall], None],
        decided: "Callable[[str], Decision | None]" = lambda heard: None,
    ) -> None:
        self._decided = decided
        self._on_turn = on_turn
        self._on_tool = on_tool
        self._count = 0
        self._heard: Turn | None = None
        self._answered: Turn | None = None
        self._own: list[SpeechHandle] = []
        session.on("user_input_transcribed", self._transcribed)
        session.on("function_tools_executed", self._tools_ran)
        session.on("conversation_item_added", self._item_added)
        session.on("speech_created", self._speech_created)

    def _new(self) -> Turn:
        self._count += 1
        return Turn(self._count)

    def _transcribed(self, event: UserInputTranscribedEvent) -> None:
        if self._heard is None:
            if not event.transcript:
                return
            self._heard = self._new()
        self._heard.hear(event)

    def _tools_ran(self, event: FunctionToolsExecutedEvent) -> None:
        turn = self._answered or self._heard
        if turn is None:
            turn = self._answered = self._new()
        self._decide(turn)
        for call in turn.use(event):
            self._on_tool(turn, call)

    def _decide(self, turn: Turn) -> None:
        if turn.decided is None and turn.heard:
            turn.decide(self._decided(turn.heard))

    def _speech_created(self, event: SpeechCreatedEvent) -> None:
        if event.source == "say":
            self._own = [h for h in self._own if not h.done()] + [event.speech_handle]

    def _item_added(self, event: ConversationItemAddedEvent) -> None:
        message = event.item
        if not isinstance(message, ChatMessage):
            return
        if message.role == "user":
            turn, self._heard = self._heard or self._new(), None
            turn.heard = turn.heard or message.text_content or ""  # typed
            turn.add(message)
            self._answered = turn
        elif message.role == "assistant":
            own = any(message.id in (i.id for i in h.chat_items) for h in self._own)
            turn = self._new() if own or self._answered is None else self._answered
            turn.add(message)
            self._decide(turn)
            self._on_turn(turn)
