"""The language model against stock `llama_cpp.Llama`: first token, cancelling, memory.

    python -m earshot.bench.llm [STARTER.gguf] [SHAPE.gguf]

Two callers take turns on one model, as on a machine that serves two calls. Both ways get the same
messages, threads and context, and run one after the other in this process; the memory is that of
a process of its own.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

from .row import Row, Subject

Messages = list[dict[str, Any]]

THREADS, CONTEXT_TOKENS, REPLY_TOKENS = 1, 4096, 16
TURNS = 3  # the first isn't counted: both ways have to read everything
PERSONA = (
    "You are {name}, the voice assistant of {place}. Answer in one or two short sentences. "
    "Speak plainly. Use the tools when they help. If you do not know, say so."
)
AGENTS = (("Earshot", "the front desk"), ("Nova", "the library"))
# answered by text: a call is handed over whole, which says nothing about its first token
QUESTIONS = (
    "Hello, can you tell me where I can park my car today?",
    "Thank you. And when are you open?",
    "Thank you very much for your help, goodbye.",
)
FOUND = (
    "Parking: visitors park in the garage behind the building, on level two, next to the "
    "elevator. The garage opens at seven. You need a badge, which the front desk hands out."
)


def measure(subjects: list[Subject]) -> list[Row]:
    """Every figure of every subject; about three minutes, as the stock way reads all anew."""
    rows: list[Row] = []
    for subject in subjects:
        name, path, target = subject.name, subject.path, subject.target
        ours, warmed, cancel = asyncio.run(_ours(path))
        stock = _stock(path)
        rows += [
            Row("turn 2, first token, two conversations", name, ours, stock, target),
            Row("the same, transcript read while it is spoken", name, warmed, stock, target),
            Row("cancel in a prefill", name, cancel, None, 50.0),
            Row("memory", name, _memory("ours", path), _memory("stock", path), None, "MB"),
        ]
    return rows


def tools() -> list[dict[str, Any]]:
    """The five tools of the agent, in OpenAI form."""
    described: dict[str, tuple[str, dict[str, str]]] = {
        "get_current_time": ("Returns the current local date and time.", {}),
        "calculate": ("Evaluates an arithmetic expression.", {"expression": "string"}),
        "set_timer": ("Starts a countdown timer.", {"amount": "integer", "unit": "string"}),
        "cancel_timer": ("Cancels the running timer.", {}),
        "search_documents": ("Searches the local documents.", {"query": "string"}),
    }
    return [
        {
            "type": "function",
            "function": {
                "name": name,
                "description": text,
                "parameters": {
                    "type": "object",
                    "properties": {key: {"type": kind} for key, kind in parameters.items()},
                    "required": list(parameters),
                },
            },
        }
        for name, (text, parameters) in described.items()
    ]


def conversations() -> list[Messages]:
    """Two conversations, each at its first question, with what its agent looked up for it."""
    call = {
        "id": "call_1",
        "type": "function",
        "function": {"name": "search_documents", "arguments": json.dumps({"query": "parking"})},
    }
    return [
        [
            {"role": "system", "content": PERSONA.format(name=name, place=place)},
            {"role": "user", "content": QUESTIONS[0]},
            {"role": "assistant", "content": "", "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "call_1", "content": FOUND},
        ]
        for name, place in AGENTS
    ]


def _turns(messages: list[Messages]) -> Iterator[tuple[int, Messages]]:
    """(turn, messages) of both conversations in alternation; the caller appends the reply."""
    for turn in range(TURNS):
        for conversation in messages:
            if turn:
                conversation.append({"role": "user", "content": QUESTIONS[turn]})
            yield turn, conversation


async def _ours(path: Path) -> tuple[float, float, float]:
    """Milliseconds: first token of turn 2, the same after warming, cancelling in a prefill."""
    from livekit.plugins.llama_cpp import (
        GenerateRequest,
        LocalGenerator,
        TextDelta,
        ToolCall,
        WarmRequest,
    )

    generator = LocalGenerator(path, n_ctx=CONTEXT_TOKENS, threads=THREADS, max_active=1)

    async def ask(messages: Messages) -> tuple[float, str]:
        started, first, text = time.perf_counter(), 0.0, ""
        request = GenerateRequest(messages=messages, tools=tools(), max_tokens=REPLY_TOKENS)
        async for event in generator.generate(request):
            first = first or time.perf_counter() - started
            if isinstance(event, TextDelta | ToolCall):
                text += event.text if isinstance(event, TextDelta) else event.arguments
        return 1000 * first, text

    async def run(warm: bool) -> float:
        times = []
        for turn, messages in _turns(conversations()):
            if warm and turn:
                said = messages[-1]["content"]
                heard = said.rsplit(" ", 1)[0]  # all but the last word
                await generator.warm(
                    WarmRequest(messages=messages[:-1], tools=tools(), heard=heard)
                )
            first, text = await ask(messages)
            messages.append({"role": "assistant", "content": text or "Yes."})
            if turn:
                times.append(first)
        return median(times)

    try:
        plain = await run(warm=False)
        warmed = await run(warm=True)
        return plain, warmed, await _cancel(generator, ask)
    finally:
        await generator.aclose()


async def _cancel(generator: Any, ask: Callable[[Messages], Any]) -> float:
    """The longest of several: from cancelling a prefill to the start of the next request.

    With one request at a time, the next one starts when the evaluation has really ended.
    """
    from livekit.plugins.llama_cpp import Done, GenerateRequest

    waits = []
    numbers = itertools.count()
    for delay_s in (0.06, 0.11, 0.17, 0.23, 0.31):
        text = " ".join(f"{next(numbers)} {word}" for word in FOUND.split() * 3)
        task = asyncio.ensure_future(ask([{"role": "user", "content": text}]))
        await asyncio.sleep(delay_s)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        short = GenerateRequest(messages=[{"role": "user", "content": "Hi."}], max_tokens=1)
        async for event in generator.generate(short):
            if isinstance(event, Done):
                waits.append(event.usage.queue_ms)
    return max(waits)


def _stock(path: Path) -> float:
    """Milliseconds to the first token of turn 2, by `Llama.create_chat_completion`."""
    llm = _llama(path)
    times = []
    for turn, messages in _turns(conversations()):
        started, first, text = time.perf_counter(), 0.0, ""
        for chunk in llm.create_chat_completion(
            messages, tools=tools(), temperature=0, max_tokens=REPLY_TOKENS, stream=True
        ):
            content = chunk["choices"][0]["delta"].get("content")
            if content:
                first = first or time.perf_counter() - started
                text += content
        messages.append({"role": "assistant", "content": text or "Yes."})
        if turn:
            times.append(1000 * (first or time.perf_counter() - started))
    llm.close()
    return median(times)


def _llama(path: Path) -> Any:
    from .stock_llama import llama

    return llama(path, n_ctx=CONTEXT_TOKENS, threads=THREADS)


def _memory(way: str, path: Path) -> float:
    """Megabytes at most that loading the model one way and answering once adds to a process."""
    command = [sys.executable, "-m", "earshot.bench.llm", "--memory", way, str(path)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return float(output.split()[-1])


def _use_memory(way: str, path: Path) -> None:
    messages: Messages = [{"role": "user", "content": QUESTIONS[0]}]
    import llama_cpp  # noqa: F401 - the libraries themselves are not what is compared
    from livekit.plugins.llama_cpp import GenerateRequest, LocalGenerator

    before = _status_mb("VmRSS")
    if way == "stock":
        llm = _llama(path)
        llm.create_chat_completion(messages, temperature=0, max_tokens=2)
    else:

        async def answer() -> None:
            generator = LocalGenerator(path, n_ctx=CONTEXT_TOKENS, threads=THREADS)
            async for _ in generator.generate(GenerateRequest(messages=messages, max_tokens=2)):
                pass
            await generator.aclose()

        asyncio.run(answer())
    print(_status_mb("VmHWM") - before)


def _status_mb(field: str) -> float:
    """A size of this process; unlike ru_maxrss not inherited from the process that started it."""
    status = Path("/proc/self/status").read_text()
    return int(status.split(f"{field}:")[1].split()[0]) / 1024


if __name__ == "__main__":
    _use_memory(sys.argv[2], Path(sys.argv[3]))
