"""What becomes of a decision, and of a tool's result; the model is a text that it writes."""

from collections.abc import AsyncIterator
from typing import Any

from earshot.conversation.deciding import Call, Decision
from earshot.conversation.replying import Said, reply
from earshot.conversation.saying import Answers
from livekit.agents import llm


class Decided:
    """Decides as it was told."""

    def __init__(self, decision: Decision, *, routed: bool = True) -> None:
        self.decision, self.routed = decision, routed
        self.asked: list[tuple[str, str | None]] = []

    async def decide(self, heard: str, language: str | None = None) -> Decision:
        self.asked.append((heard, language))
        return self.decision


class Model:
    """Writes one text, and notes how it was asked."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.asked: list[tuple[str, list[str], int]] = []

    def ask(self, context: llm.ChatContext, tools: list[llm.Tool]) -> AsyncIterator[Said]:
        return self._write("ask", context, tools)

    def tell(self, context: llm.ChatContext) -> AsyncIterator[Said]:
        return self._write("tell", context, [])

    async def _write(
        self, how: str, context: llm.ChatContext, tools: list[llm.Tool]
    ) -> AsyncIterator[Said]:
        texts = [m.text_content or "" for m in context.messages()]
        self.asked.append((how, texts, len(tools)))
        for piece in self.text.split(" "):
            delta = llm.ChoiceDelta(role="assistant", content=f"{piece} ")
            yield llm.ChatChunk(id="x", delta=delta)


async def replied(
    decider: Decided, model: Model, context: llm.ChatContext, tools: list[Any] | None = None
) -> tuple[str, list[tuple[str, str]]]:
    text, calls = "", []
    async for chunk in reply(
        context,
        tools or [],
        decider=decider,  # type: ignore[arg-type]
        answers=Answers(["en"]),
        ask=model.ask,
        tell=model.tell,
        language="en",
    ):
        if isinstance(chunk, str):
            text += chunk
        elif isinstance(chunk, llm.ChatChunk) and chunk.delta:
            text += chunk.delta.content or ""
            calls += [(c.name, c.arguments) for c in chunk.delta.tool_calls]
    return text.strip(), calls


def asked(text: str) -> llm.ChatContext:
    context = llm.ChatContext()
    context.add_message(role="user", content=text)
    return context


TALK = Decision(None, "router", 1.0)


async def test_a_tool_that_was_chosen_is_called_and_nothing_is_said() -> None:
    call = Call("set_timer", {"amount": 5, "unit": "minutes"})
    decider, model = Decided(Decision(call, "sentence", 1.0)), Model("never")
    said = await replied(decider, model, asked("Five minutes, please."))
    assert said == ("", [("set_timer", '{"amount": 5, "unit": "minutes"}')])
    assert model.asked == []
    assert decider.asked == [("Five minutes, please.", "en")]


async def test_what_is_missing_is_asked_back() -> None:
    decider = Decided(Decision(None, "router", 1.0, missing="duration"))
    assert await replied(decider, Model("never"), asked("Set a timer.")) == ("For how long?", [])


async def test_talk_is_written_by_the_model_without_tools() -> None:
    model = Model("Hello there.")
    assert await replied(Decided(TALK), model, asked("Hi."), ["a tool"]) == ("Hello there.", [])
    assert model.asked == [("ask", ["Hi."], 0)]


async def test_a_model_that_writes_its_calls_is_shown_the_tools() -> None:
    model = Model("Hello there.")
    decider = Decided(Decision(None, "model", 1.0), routed=False)
    await replied(decider, model, asked("Hi."), ["a tool"])
    assert model.asked == [("ask", ["Hi."], 1)]


def with_result(question: str, tool: str, output: str) -> llm.ChatContext:
    context = asked(question)
    context.items += [
        llm.FunctionCall(call_id="1", name=tool, arguments="{}"),
        llm.FunctionCallOutput(call_id="1", name=tool, output=output, is_error=False),
    ]
    return context


async def test_a_result_is_worded_by_the_model_and_not_decided_again() -> None:
    context = with_result("What is 12 times 7?", "calculate", '{"result": 84}')
    decider, model = Decided(TALK), Model("Twelve times seven is 84.")
    assert await replied(decider, model, context) == ("Twelve times seven is 84.", [])
    assert model.asked == [("tell", ["What is 12 times 7?\n\n[calculate: result: 84]"], 0)]
    assert decider.asked == []


async def test_a_wrong_number_is_replaced_by_the_result() -> None:
    context = with_result("What is 12 times 7?", "calculate", '{"result": 84}')
    assert await replied(Decided(TALK), Model("It is 86 of course."), context) == (
        "That makes 84.",
        [],
    )


async def test_a_model_without_words_leaves_the_result() -> None:
    context = with_result("What is 12 times 7?", "calculate", '{"result": 84}')
    assert await replied(Decided(TALK), Model(""), context) == ("That makes 84.", [])


async def test_a_deed_is_told_without_the_model() -> None:
    context = with_result("Cancel it.", "cancel_timer", '{"status": "none"}')
    model = Model("Your timer is cancelled.")
    assert await replied(Decided(TALK), model, context) == ("There is no timer running.", [])
    assert model.asked == []
