"""What tests do with a generator."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from dialogues import TOOLS
from livekit.plugins.llama_cpp import (
    Done,
    GenerateRequest,
    Generator,
    TextDelta,
    ToolCall,
    Usage,
)


@dataclass
class Answer:
    text: str = ""
    calls: list[ToolCall] = field(default_factory=list)
    reason: str = ""
    usage: Usage = field(default_factory=Usage)

    @property
    def message(self) -> dict[str, Any]:
        """As it goes back into the conversation."""
        message: dict[str, Any] = {"role": "assistant", "content": self.text}
        if self.calls:
            message["tool_calls"] = [
                {
                    "id": call.id,
                    "type": "function",
                    "function": {"name": call.name, "arguments": call.arguments},
                }
                for call in self.calls
            ]
        return message

    @property
    def said(self) -> tuple[str, list[tuple[str, str]]]:
        return self.text, [(call.name, call.arguments) for call in self.calls]


async def ask(
    generator: Generator,
    messages: list[dict[str, Any]],
    *,
    tools: list[dict[str, Any]] | None = None,
    **options: Any,
) -> Answer:
    """One whole reply; the five tools unless others are given."""
    answer = Answer()
    request = GenerateRequest(
        messages=list(messages), tools=TOOLS if tools is None else tools, **options
    )
    async for event in generator.generate(request):
        assert answer.reason == "", "an event came after Done"
        if isinstance(event, TextDelta):
            assert event.text
            answer.text += event.text
        elif isinstance(event, ToolCall):
            answer.calls.append(event)
        elif isinstance(event, Done):
            answer.reason, answer.usage = event.reason, event.usage
    assert answer.reason
    return answer
