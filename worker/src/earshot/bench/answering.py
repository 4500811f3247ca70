"""How well a language model answers: held-out dialogues through stock llama.cpp, greedy.

Every turn of the assistant is one question, with the right history before it. A tool call must have the exact name
and arguments; a reply must be one of the expected texts.
"""

import json
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

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


def right(answer: str, wanted: Message) -> bool:
    if "tool" in wanted:
        return called(answer) == list(wanted["tool"])
    return answer.strip() in wanted["expect"]


def score(model: Path, dialogues: list[dict[str, Any]]) -> dict[str, Any]:
    """{"answers", "right", "calls", "calls_right", "malformed_calls", "intents": {...}, "wrong": [...]}"""
    from llama_cpp import Llama

    llm: Any = Llama(str(model), n_ctx=2048, n_threads=1, n_threads_batch=1, verbose=False)
    counts = {"answers": 0, "right": 0, "calls": 0, "calls_right": 0, "malformed_calls": 0}
    intents: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    wrong: list[dict[str, Any]] = []
    try:
        for dialogue in dialogues:
            system, messages = dialogue["system"], dialogue["messages"]
            before = [{"role": "system", "content": system}] if system else []
            for i, m in enumerate(messages):
                if m["role"] != "assistant" or m.get("given"):
                    continue
                result = llm.create_chat_completion(
                    before + history(messages[:i]),
                    tools=dialogue["tools"] or None,
                    temperature=0,
                    max_tokens=MOST_TOKENS,
                )
                answer = result["choices"][0]["message"]["content"] or ""
                ok, call = right(answer, m), "tool" in m
                counts["answers"] += 1
                counts["right"] += ok
                counts["calls"] += call
                counts["calls_right"] += ok and call
                counts["malformed_calls"] += "<tool_call>" in answer and called(answer) is None
                intent = intents[m.get("intent", "?")]
                intent[0] += ok
                intent[1] += 1
                if not ok:
                    asked = messages[i - 1]["content"] if i else ""
                    wanted = m.get("tool") or m["expect"][0]
                    wrong.append({"asked": asked, "said": answer, "wanted": wanted})
    finally:
        llm.close()
    return {
        **counts,
        "intents": {k: f"{a}/{b}" for k, (a, b) in sorted(intents.items())},
        "wrong": wrong,
    }
