"""A dialogue as text: ChatML with tool calls in the Hermes form, exactly as the model's chat template writes it."""

import json
from typing import Any

Message = dict[str, Any]

TOOLS_HEAD = (
    "# Tools\n\nYou may call one or more functions to assist with the user query.\n\n"
    "You are provided with function signatures within <tools></tools> XML tags:\n<tools>"
)
TOOLS_TAIL = (
    "\n</tools>\n\nFor each function call, return a json object with function name and arguments"
    " within <tool_call></tool_call> XML tags:\n<tool_call>\n"
    '{"name": <function-name>, "arguments": <args-json-object>}\n</tool_call>'
)
ANSWER, ASKED, NOT_LEARNT = 1.0, 0.05, 0.0
"""weights of the loss"""


def system(prompt: str, tools: list[dict[str, Any]]) -> str:
    if tools:
        listed = "".join("\n" + json.dumps(t) for t in tools)
        prompt += ("\n\n" if prompt else "") + TOOLS_HEAD + listed + TOOLS_TAIL
    return f"<|im_start|>system\n{prompt}<|im_end|>\n" if prompt else ""


def call(name: str, arguments: dict[str, Any]) -> str:
    content = json.dumps({"name": name, "arguments": arguments})
    return f"<tool_call>\n{content}\n</tool_call>"


def pieces(messages: list[Message]) -> list[tuple[str, float]]:
    """[(text, weight of its loss)]"""
    out: list[tuple[str, float]] = []
    for m in messages:
        if m["role"] == "user":
            out.append((f"<|im_start|>user\n{m['content']}<|im_end|>\n", ASKED))
        elif m["role"] == "tool":
            response = f"<tool_response>\n{m['content']}\n</tool_response>"
            out.append((f"<|im_start|>user\n{response}<|im_end|>\n", NOT_LEARNT))
        else:
            text = call(*m["tool"]) if "tool" in m else m["content"]
            weight = NOT_LEARNT if m.get("given") else ANSWER
            out += [
                ("<|im_start|>assistant\n", NOT_LEARNT),
                (text + "<|im_end|>", weight),
                ("\n", NOT_LEARNT),
            ]
    return out
