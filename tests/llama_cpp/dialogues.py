"""Prompts and tools that the starter model knows."""

from __future__ import annotations

from typing import Any

SYSTEM = "You are Earshot, a friendly local voice assistant. Answer in one or two short sentences."


def tool(name: str, description: str, **parameters: str) -> dict[str, Any]:
    """A tool definition with plain parameters: key=type."""
    return {
        "type": "function",
        "function": {
            "name": name,
            "description": description,
            "parameters": {
                "type": "object",
                "properties": {key: {"type": kind} for key, kind in parameters.items()},
                "required": list(parameters),
            },
        },
    }


TOOLS = [
    tool("get_current_time", "Returns the current local date and time."),
    tool("calculate", "Evaluates an arithmetic expression.", expression="string"),
    tool("set_timer", "Starts a countdown timer.", amount="integer", unit="string"),
    tool("cancel_timer", "Cancels the running timer."),
    tool("search_documents", "Searches the local documents.", query="string"),
]


def system(text: str = SYSTEM) -> dict[str, Any]:
    return {"role": "system", "content": text}


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def assistant(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": text}


def called(name: str, arguments: str, result: str) -> list[dict[str, Any]]:
    """A tool call and its result."""
    call = {"id": "call_1", "type": "function", "function": {"name": name, "arguments": arguments}}
    return [
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": result},
    ]
