"""What a model is shown of its tools: everything that means something, and nothing else."""

from __future__ import annotations

from typing import Any, Literal

from dialogues import TOOLS, system
from livekit.agents import function_tool, llm
from livekit.plugins.llama_cpp.definitions import shown
from livekit.plugins.llama_cpp.model import Model
from livekit.plugins.llama_cpp.prompt import PromptBuilder
from pydantic import BaseModel, Field


class Guest(BaseModel):
    """Who comes."""

    title: str
    age: int = Field(ge=0, le=1)
    friends: list[Guest] = []


@function_tool
async def book(
    kind: Literal["table", "room"],
    guest: Guest,
    note: str | None = None,
    default: bool = True,
    sizes: dict[str, int] | None = None,
) -> str:
    """Books a place."""
    return ""


def definitions(*tools: llm.Tool) -> list[dict[str, Any]]:
    """As LiveKit writes them."""
    return llm.ToolContext(list(tools)).parse_function_tools("openai", strict=False)


def test_what_means_something_is_kept() -> None:
    (tool,) = shown(definitions(book))
    assert tool["type"] == "function"
    assert tool["function"]["name"] == "book"
    assert tool["function"]["description"] == "Books a place."
    parameters = tool["function"]["parameters"]
    assert parameters["required"] == ["kind", "guest"]
    properties = parameters["properties"]
    assert properties["kind"] == {"type": "string", "enum": ["table", "room"]}
    assert properties["note"] == {"type": "string"}
    assert properties["default"] == {"type": "boolean"}
    assert properties["sizes"] == {
        "type": "object",
        "additionalProperties": {"type": "integer"},
    }
    guest = properties["guest"]
    assert guest["description"] == "Who comes."
    assert guest["required"] == ["title", "age"]
    assert guest["properties"]["title"] == {"type": "string"}
    assert guest["properties"]["age"] == {"type": "integer", "maximum": 1, "minimum": 0}
    assert guest["properties"]["friends"] == {"type": "array", "items": {"type": "object"}}


def test_nothing_else_is_left() -> None:
    @function_tool
    async def hang_up() -> str:
        """Ends the call."""
        return ""

    assert shown(definitions(hang_up)) == [
        {
            "type": "function",
            "function": {
                "name": "hang_up",
                "description": "Ends the call.",
                "parameters": {"type": "object", "properties": {}},
            },
        }
    ]
    text = str(shown(definitions(book)))
    assert not any(word in text for word in ("$ref", "$defs", "null", "'default': T", "BookArgs"))


def test_odd_ones_are_shown_as_they_are() -> None:
    for parameters in (None, {}, {"type": "object", "properties": {"x": True}}, {"$ref": "#/no"}):
        function = {"name": "f", "parameters": parameters}
        (tool,) = shown([{"type": "function", "function": function}])
        assert tool["function"]["parameters"]["type"] == "object"
    loop = {"$defs": {"a": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"}
    shown([{"type": "function", "function": {"name": "f", "parameters": loop}}])


def test_a_frameworks_form_costs_no_more_tokens(model: Model) -> None:
    wordy = [
        {
            **tool,
            "function": {
                **tool["function"],
                "strict": False,
                "parameters": {
                    "title": f"{tool['function']['name']}Args",
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {
                        key: {"title": key.title(), "default": None, **value}
                        for key, value in tool["function"]["parameters"]["properties"].items()
                    },
                    "required": tool["function"]["parameters"]["required"],
                },
            },
        }
        for tool in TOOLS
    ]
    builder = PromptBuilder(model)
    plain = builder.prefix([system()], TOOLS, "", limit=4096)
    assert builder.prefix([system()], wordy, "", limit=4096).tokens == plain.tokens
