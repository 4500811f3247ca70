"""How well a language model answers: held-out dialogues through stock llama.cpp and through our plugin, greedy.

Every turn of the assistant is one question, with the right history before it. A tool call must have the exact name
and arguments; a reply must be one of the expected texts.
"""

import asyncio
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, Protocol

Message = dict[str, Any]
MOST_TOKENS = 160


def read_dialogues(path: Path) -> list[dict[str, Any]]:
    """Held-out dialogues as the recipe `llm.held_out` writes them: one JSON object a line."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def history(messages: list[Message]) -> list[Message]:
    """In the form in which agents send them (OpenAI)."""
    out: list[Message] = []
    for n, m in enumerate(messages):
        if "tool" in m:
            name, arguments = m["tool"]
            function = {"name": name, "arguments": json.dumps(arguments)}
            call = {"id": str(n), "type": "function", "function": function}
            out.append({"role": "assistant", "content": "", "tool_calls": [call]})
        elif m["role"] == "tool":
            out.append({"role": "tool", "tool_call_id": str(n), "content": m["content"]})
        else:
            out.append({"role": m["role"], "content": m["content"]})
    return out


def called(answer: str) -> list[Any] | None:
    """[name, arguments] of a well-formed tool call."""
    found = re.fullmatch(r"\s*<tool_call>\s*(\{.*\})\s*</tool_call>\s*", answer, re.S)
    if not found:
        return None
    try:
        call = json.loads(found[1])
    except ValueError:
        return None
    return [call.get("name"), call.get("arguments")] if isinstance(call, dict) else None


class Answer(NamedTuple):
    text: str
    call: list[Any] | None
    """[name, arguments]"""
    malformed: bool
    """a tool call was begun that is none"""


def right(answer: Answer, wanted: Message) -> bool:
    if "tool" in wanted:
        return answer.call == list(wanted["tool"])
    return answer.call is None and answer.text.strip() in wanted["expect"]


class Answerer(Protocol):
    def answer(self, messages: list[Message], tools: list[Message]) -> Answer: ...
    def close(self) -> None: ...


class Stock:
    """A model in stock llama.cpp, greedy, one thread."""

    def __init__(self, model: Path) -> None:
        from .stock_llama import llama

        self._llm: Any = llama(model, n_ctx=1024, threads=1)

    def answer(self, messages: list[Message], tools: list[Message]) -> Answer:
        result = self._llm.create_chat_completion(
            messages, tools=tools or None, temperature=0, max_tokens=MOST_TOKENS
        )
        text = result["choices"][0]["message"]["content"] or ""
        call = called(text)
        return Answer(text, call, "<tool_call>" in text and call is None)

    def close(self) -> None:
        self._llm.close()


class Plugin:
    """A model in our plugin, as a call uses it, greedy, one thread."""

    def __init__(self, model: Path) -> None:
        from livekit.plugins import llama_cpp

        self._generator = llama_cpp.LocalGenerator(model, n_ctx=2048, threads=1)

    def answer(self, messages: list[Message], tools: list[Message]) -> Answer:
        return asyncio.run(self._answer(messages, tools))

    async def _answer(self, messages: list[Message], tools: list[Message]) -> Answer:
        from livekit.plugins.llama_cpp.generator import GenerateRequest, TextDelta, ToolCall

        text, call = "", None
        request = GenerateRequest(messages=messages, tools=tools, max_tokens=MOST_TOKENS)
        async for event in self._generator.generate(request):
            if isinstance(event, TextDelta):
                text += event.text
            elif isinstance(event, ToolCall):
                call = [event.name, json.loads(event.arguments)]
        return Answer(text, call, "<tool_call>" in text)

    def close(self) -> None:
        self._generator.close()


def questions(dialogue: dict[str, Any]) -> Iterator[tuple[list[Message], Message, str]]:
    """(what was said before, the answer that is wanted, the question) of every turn."""
    messages = dialogue["messages"]
    before = [{"role": "system", "content": dialogue["system"]}] if dialogue["system"] else []
    for i, wanted in enumerate(messages):
        if wanted["role"] == "assistant" and not wanted.get("given"):
            asked = messages[i - 1]["content"] if i else ""
            yield before + history(messages[:i]), wanted, asked


def score(model: Path, dialogues: list[dict[str, Any]]) -> dict[str, Any]:
    """{"stock": figures, "plugin": figures}, see `judged`."""
    return {
        name: judged(answerer(model), dialogues)
        for name, answerer in (("stock", Stock), ("plugin", Plugin))
    }


def judged(answerer: Answerer, dialogues: list[dict[str, Any]]) -> dict[str, Any]:
    """{"answers", "right", "calls", "calls_right", "malformed_calls", "intents": {...}, "wrong": [...]}"""
    counts = {"answers": 0, "right": 0, "calls": 0, "calls_right": 0, "malformed_calls": 0}
    intents: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    wrong: list[dict[str, Any]] = []
    try:
        for dialogue in dialogues:
            for before, wanted, asked in questions(dialogue):
                answer = answerer.answer(before, dialogue["tools"])
                ok, call = right(answer, wanted), "tool" in wanted
                counts["answers"] += 1
                counts["right"] += ok
                counts["calls"] += call
                counts["calls_right"] += ok and call
                counts["malformed_calls"] += answer.malformed
                intent = intents[wanted.get("intent", "?")]
                intent[0] += ok
                intent[1] += 1
                if not ok:
                    expected = wanted.get("tool") or wanted["expect"][0]
                    said = answer.call or answer.text
                    wrong.append({"asked": asked, "said": said, "wanted": expected})
    finally:
        answerer.close()
    return {
        **counts,
        "intents": {k: f"{a}/{b}" for k, (a, b) in sorted(intents.items())},
        "wrong": wrong,
    }
