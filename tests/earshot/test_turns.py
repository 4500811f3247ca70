"""Records of turns, from a session's events in the orders in which they really come."""

from typing import Any

from earshot.turn import ToolCall, Turn
from earshot.turns import Turns
from livekit.agents import (
    ConversationItemAddedEvent,
    FunctionToolsExecutedEvent,
    SpeechCreatedEvent,
    UserInputTranscribedEvent,
    llm,
)
from livekit.agents.voice.speech_handle import SpeechHandle
from livekit.rtc import EventEmitter


class Story:
    """A session that tells what the test says, and the turns that were recorded."""

    def __init__(self) -> None:
        self.session: Any = EventEmitter()
        self.turns: list[Turn] = []
        self.tools: list[tuple[int, str]] = []
        Turns(self.session, self.turns.append, self._tool)

    def _tool(self, turn: Turn, call: ToolCall) -> None:
        self.tools.append((turn.turn, call.name))

    def heard(self, text: str, final: bool = True) -> None:
        event = UserInputTranscribedEvent(transcript=text, is_final=final)
        self.session.emit("user_input_transcribed", event)

    def message(self, role: Any, text: str, interrupted: bool = False, **metrics: Any) -> str:
        item = llm.ChatMessage(role=role, content=[text], interrupted=interrupted, metrics=metrics)
        self.session.emit("conversation_item_added", ConversationItemAddedEvent(item=item))
        return item.id

    def tool(self, name: str, output: str) -> None:
        call = llm.FunctionCall(call_id="1", name=name, arguments='{"amount": 5}')
        result = llm.FunctionCallOutput(call_id="1", name=name, output=output, is_error=False)
        event = FunctionToolsExecutedEvent(function_calls=[call], function_call_outputs=[result])
        self.session.emit("function_tools_executed", event)


async def test_a_turn_with_a_tool() -> None:
    story = Story()
    story.heard("set a", final=False)
    story.heard("Set a timer.")
    story.message("user", "Set a timer.", end_of_turn_delay=0.2, transcription_delay=0.19)
    story.tool("set_timer", '{"ok": true}')
    story.message("assistant", "It is set.", llm_node_ttft=0.02, e2e_latency=0.3)
    (turn,) = story.turns
    assert (turn.turn, turn.heard, turn.partials) == (1, "Set a timer.", ["set a"])
    assert turn.tools == [ToolCall("set_timer", {"amount": 5}, {"ok": True})]
    assert (turn.reply, turn.interrupted) == ("It is set.", False)
    assert turn.latency_ms.endpointing == 200.0
    assert turn.latency_ms.voice_to_voice == 300.0
    assert story.tools == [(1, "set_timer")]


async def test_who_interrupts_is_heard_before_the_answer_is_recorded() -> None:
    story = Story()
    story.heard("Tell me a story.")
    story.message("user", "Tell me a story.")
    story.heard("Stop.")
    story.message("assistant", "Once upon", interrupted=True)
    story.message("user", "Stop.")
    story.message("assistant", "Okay.")
    assert [(t.turn, t.heard, t.reply, t.interrupted) for t in story.turns] == [
        (1, "Tell me a story.", "Once upon", True),
        (2, "Stop.", "Okay.", False),
    ]


async def test_typed_text_and_what_the_agent_says_unasked() -> None:
    story = Story()
    story.message("user", "What time is it?")
    story.message("assistant", "Noon.")
    handle = SpeechHandle.create()
    event = SpeechCreatedEvent(speech_handle=handle, user_initiated=True, source="say")
    story.session.emit("speech_created", event)
    item = llm.ChatMessage(role="assistant", content=["Your timer is over."])
    handle._item_added([item])
    story.session.emit("conversation_item_added", ConversationItemAddedEvent(item=item))
    assert [(t.turn, t.heard, t.reply) for t in story.turns] == [
        (1, "What time is it?", "Noon."),
        (2, "", "Your timer is over."),
    ]


async def test_a_noise_is_no_turn() -> None:
    story = Story()
    story.heard("", final=False)
    story.message("assistant", "Hello, how can I help you?")
    assert [(t.turn, t.heard) for t in story.turns] == [(1, "")]
