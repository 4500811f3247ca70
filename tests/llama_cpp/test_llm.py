"""The LiveKit half, on the starter model and on generators that fail."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from dialogues import SYSTEM
from livekit.agents import (
    APIConnectionError,
    APIConnectOptions,
    APIError,
    APIStatusError,
    APITimeoutError,
    function_tool,
    llm,
)
from livekit.agents.metrics import LLMMetrics
from livekit.plugins.llama_cpp import (
    LLM,
    ClosedError,
    DeadlineError,
    DecodeError,
    Done,
    Event,
    GenerateRequest,
    LocalGenerator,
    ModelError,
    NoAnswerError,
    OverloadedError,
    PromptTooLongError,
    TextDelta,
    ThinkingDelta,
    ToolCall,
    Usage,
    WarmRequest,
)

ONCE = APIConnectOptions(max_retry=0, timeout=10.0)
TWICE = APIConnectOptions(max_retry=1, retry_interval=0.0, timeout=10.0)


@function_tool
async def calculate(expression: str) -> str:
    """Evaluates an arithmetic expression."""
    return "8" if expression == "5 + 3" else "?"


@function_tool
async def get_current_time() -> str:
    """Returns the current local date and time."""
    return "Monday, 14:05"


TOOLS: list[llm.Tool] = [get_current_time, calculate]


class Scripted:
    """A Generator that tells a list of events, or raises what is in it."""

    model = "scripted"

    def __init__(self, *scripts: list[Event | Exception | float]) -> None:
        self.scripts = list(scripts)
        self.requests: list[GenerateRequest] = []
        self.closed = 0

    async def generate(self, request: GenerateRequest) -> AsyncGenerator[Event, None]:
        self.requests.append(request)
        for item in self.scripts.pop(0):
            if isinstance(item, Exception):
                raise item
            if isinstance(item, float):
                await asyncio.sleep(item)
            else:
                yield item

    async def warm(self, request: WarmRequest) -> int:
        raise ClosedError("the generator is closed")

    async def aclose(self) -> None:
        self.closed += 1


@pytest.fixture
async def starter_llm(generator: LocalGenerator) -> AsyncIterator[LLM]:
    async with LLM(generator) as model:
        yield model


def context(*said: str) -> llm.ChatContext:
    ctx = llm.ChatContext.empty()
    ctx.add_message(role="system", content=SYSTEM)
    for i, text in enumerate(said):
        ctx.add_message(role="assistant" if i % 2 else "user", content=text)
    return ctx


async def test_a_call_comes_whole_and_its_result_is_said(starter_llm: LLM) -> None:
    ctx = context("What is five plus three?")
    chunks = [chunk async for chunk in starter_llm.chat(chat_ctx=ctx, tools=TOOLS)]
    deltas = [chunk.delta for chunk in chunks if chunk.delta]
    (call,) = [call for delta in deltas for call in delta.tool_calls]
    assert (call.name, call.arguments) == ("calculate", '{"expression": "5 + 3"}')
    assert not any(delta.content for delta in deltas)
    result = await llm.execute_function_call(call, llm.ToolContext(TOOLS))
    assert result.fnc_call_out is not None
    ctx.insert([result.fnc_call, result.fnc_call_out])
    said = await starter_llm.chat(chat_ctx=ctx, tools=TOOLS).collect()
    assert said.text == "The answer is 8."


async def test_a_stream_is_chunks_of_one_request_and_then_its_usage(starter_llm: LLM) -> None:
    metrics: list[LLMMetrics] = []
    starter_llm.on("metrics_collected", metrics.append)
    stream = starter_llm.chat(chat_ctx=context("Hello."), tools=TOOLS)
    chunks = [chunk async for chunk in stream]
    await stream.aclose()
    assert len({chunk.id for chunk in chunks}) == 1
    assert [chunk.usage is not None for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert len(chunks) > 4, "the text comes in pieces"
    text = "".join(chunk.delta.content or "" for chunk in chunks if chunk.delta)
    assert text == "Hello, how can I help you?"
    usage = chunks[-1].usage
    assert usage is not None
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens
    (metric,) = metrics
    assert metric.completion_tokens == usage.completion_tokens > 0
    assert 0 <= metric.ttft <= metric.duration and not metric.cancelled
    assert (metric.request_id, starter_llm.provider) == (chunks[0].id, "llama.cpp")
    assert starter_llm.model == "earshot-starter"


async def test_closing_a_stream_frees_the_model_at_once(starter: Path) -> None:
    async with LLM(starter, threads=1, max_active=1) as model:
        stream = model.chat(chat_ctx=context("Tell me a long story."), tools=TOOLS)
        first = await anext(stream)
        assert first.delta and first.delta.content
        await stream.aclose()
        # with one place, the next reply begins only when the first one has ended
        assert (await model.chat(chat_ctx=context("Hello.")).collect()).text


async def test_warming_for_a_turn_and_taking_it_over(starter: Path) -> None:
    async with LLM(starter, threads=1) as model:
        ctx = context()
        ready = await model.warm(ctx, TOOLS)
        heard = await model.warm(ctx, TOOLS, heard="What is five plus")
        assert heard > ready > 100
        result = await model.chat(
            chat_ctx=context("What is five plus three?"), tools=TOOLS
        ).collect()
        assert result.usage is not None
        assert result.usage.prompt_cached_tokens >= heard - 1


async def test_a_model_that_someone_else_opened_stays_open(generator: LocalGenerator) -> None:
    async with LLM(generator):
        pass
    async with LLM(generator) as model:
        assert (await model.chat(chat_ctx=context("Hello.")).collect()).text
    own = Scripted()
    await LLM(own).aclose()
    assert own.closed == 0


async def test_what_is_passed_on() -> None:
    done = Done("stop", Usage())
    scripted = Scripted([done], [done], [done])
    model = LLM(scripted, temperature=0.5, max_tokens=40, stop=["END"])
    choice: Any = {"type": "function", "function": {"name": "calculate"}}
    await model.chat(chat_ctx=context("Hi."), tools=TOOLS, tool_choice=choice).collect()
    await model.chat(
        chat_ctx=context("Hi."),
        tool_choice="none",
        parallel_tool_calls=False,
        extra_kwargs={"max_tokens": 7, "conversation": "room-1"},
    ).collect()
    first, second = scripted.requests
    assert (first.tool_choice, first.max_tokens, first.temperature) == ("calculate", 40, 0.5)
    assert (first.stop, first.parallel_tool_calls, len(first.tools)) == (["END"], True, 2)
    assert first.messages[-1] == {"role": "user", "content": "Hi."}
    assert (second.tool_choice, second.max_tokens, second.tools) == ("none", 7, [])
    assert (second.conversation, second.parallel_tool_calls) == ("room-1", False)
    with pytest.raises(ValueError, match="'maxtokens', expected one of max_tokens"):
        model.chat(chat_ctx=context("Hi."), extra_kwargs={"maxtokens": 7})


async def test_thinking_is_not_said() -> None:
    scripted = Scripted([ThinkingDelta("hm"), TextDelta("Yes."), Done("stop", Usage())])
    assert (await LLM(scripted).chat(chat_ctx=context("Hi.")).collect()).text == "Yes."


@pytest.mark.parametrize(
    ("error", "kind", "retryable"),
    [
        (OverloadedError("full"), APIStatusError, True),
        (DeadlineError("late"), APITimeoutError, True),
        (PromptTooLongError("long"), APIStatusError, False),
        (ClosedError("closed"), APIConnectionError, False),
        (DecodeError("failed"), APIConnectionError, True),
        (RuntimeError("a bug"), APIConnectionError, True),
    ],
)
async def test_errors_are_of_livekits_family(
    error: Exception, kind: type[APIError], retryable: bool
) -> None:
    seen: list[Any] = []
    model = LLM(Scripted([error], [error]))
    model.on("error", seen.append)
    with pytest.raises(APIError) as caught:
        await model.chat(chat_ctx=context("Hi."), conn_options=ONCE).collect()
    assert isinstance(caught.value, kind)
    assert caught.value.retryable is retryable
    assert caught.value.__cause__ is error
    assert [e.recoverable for e in seen] == [False]


async def test_a_refused_request_is_tried_again_but_nothing_is_said_twice() -> None:
    done = Done("stop", Usage())
    again = Scripted([OverloadedError("full")], [TextDelta("Hello."), done])
    result = await LLM(again).chat(chat_ctx=context("Hi."), conn_options=TWICE).collect()
    assert result.text == "Hello."
    broken = Scripted([TextDelta("Hel"), DecodeError("failed")], [TextDelta("Hello."), done])
    with pytest.raises(APIError):
        await LLM(broken).chat(chat_ctx=context("Hi."), conn_options=TWICE).collect()
    assert len(broken.requests) == 1


async def test_no_first_token_in_time() -> None:
    slow = Scripted([10.0])
    options = APIConnectOptions(max_retry=0, timeout=0.05)
    started = time.monotonic()
    with pytest.raises(APITimeoutError):
        await LLM(slow).chat(chat_ctx=context("Hi."), conn_options=options).collect()
    assert time.monotonic() - started < 5


async def test_warm_raises_livekits_errors() -> None:
    with pytest.raises(APIConnectionError):
        await LLM(Scripted()).warm(context())


def test_a_path_that_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="No such file"):
        LLM(tmp_path / "missing.gguf")


async def test_several_calls_in_one_reply() -> None:
    calls = [ToolCall("1", "calculate", "{}"), ToolCall("2", "get_current_time", "{}")]
    result = (
        await LLM(Scripted([*calls, Done("tool_calls", Usage())]))
        .chat(chat_ctx=context("Hi."))
        .collect()
    )
    assert [call.call_id for call in result.tool_calls] == ["1", "2"]


async def test_no_answer_is_apologised_for_or_an_error() -> None:
    chat_ctx = llm.ChatContext.empty()
    chat_ctx.add_message(role="user", content="Hello.")
    for begun in ([], [TextDelta("The time is")]):
        script: list[Event | Exception | float] = [*begun, NoAnswerError("no answer")]
        model = LLM(Scripted(script), apology="Sorry, I have no answer.")
        reply = await model.chat(chat_ctx=chat_ctx, conn_options=ONCE).collect()
        assert reply.text.endswith("Sorry, I have no answer.")
    scripted = Scripted([NoAnswerError("no answer")])
    with pytest.raises(APIConnectionError, match="no answer"):
        await LLM(scripted).chat(chat_ctx=chat_ctx, conn_options=TWICE).collect()
    assert len(scripted.requests) == 1
