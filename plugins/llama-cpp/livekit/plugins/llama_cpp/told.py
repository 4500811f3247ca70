"""Tools in plain words, for chat templates that know none or refuse their results.

The model reads what it may call as a part of its instructions, its own calls as what it wrote, and
results as what it is told next. Knows nothing of templates (`template.py`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from .generator import Message, ToolDefinition

_INTRODUCTION = "You can call these functions:"
_HOW = "To call one, answer with nothing but:"
_RESULT = "Result of the function: "


def tools_told(
    messages: Sequence[Message], tools: Sequence[ToolDefinition], example: str
) -> list[Message]:
    """The tools at the end of the instructions.

    Args:
        example: a call as the model should write it.
    """
    lines = [_INTRODUCTION]
    lines += [json.dumps(tool["function"], ensure_ascii=False) for tool in tools]
    text = "\n".join([*lines, _HOW, example])
    if messages and messages[0]["role"] == "system":
        head, *rest = messages
        return [{**head, "content": f"{head['content']}\n\n{text}".strip()}, *rest]
    return [{"role": "system", "content": text}, *messages]


def calls_told(messages: Sequence[Message], example: str) -> list[Message]:
    """Calls as the text of who made them."""
    told: list[Message] = []
    for message in messages:
        if calls := message.get("tool_calls"):
            written = [_written(example, call["function"]) for call in calls]
            content = "\n".join(filter(None, [message["content"], *written]))
            told.append({"role": message["role"], "content": content})
        else:
            told.append(message)
    return told


def results_told(messages: Sequence[Message]) -> list[Message]:
    """Results as what the user says."""
    return [
        {"role": "user", "content": f"{_RESULT}{message['content']}"}
        if message["role"] == "tool"
        else message
        for message in messages
    ]


def _written(example: str, function: dict[str, object]) -> str:
    """A call in the form of the example."""
    arguments = json.dumps(function.get("arguments") or {}, ensure_ascii=False)
    return example.replace("NAME", str(function["name"])).replace("{...}", arguments)


def one_call_each(messages: Sequence[Message]) -> list[Message]:
    """Several calls of one reply as several replies, each followed by its result."""
    results = {m.get("tool_call_id"): m for m in messages if m["role"] == "tool"}
    parted: list[Message] = []
    for message in messages:
        calls = message.get("tool_calls") or []
        if message["role"] == "tool" and message.get("tool_call_id"):
            continue  # stands behind its call
        if not calls:
            parted.append(message)
        for i, call in enumerate(calls):
            content = message["content"] if i == 0 else ""
            parted.append({**message, "content": content, "tool_calls": [call]})
            if result := results.get(call.get("id")):
                parted.append(result)
    return parted
