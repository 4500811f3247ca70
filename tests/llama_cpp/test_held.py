"""Replies that are held to a few texts, or to a schema."""

from __future__ import annotations

import json
from typing import Any

import pytest
from asking import ask
from dialogues import system, user
from livekit.agents import APIError
from livekit.agents.llm import ChatContext
from livekit.plugins.llama_cpp import LLM, LocalGenerator, PromptError
from livekit.plugins.llama_cpp.fields import flat_slots

TIMER = {
    "type": "object",
    "properties": {
        "amount": {"type": "integer"},
        "unit": {"enum": ["seconds", "minutes", "hours"]},
        "label": {"type": "string"},
        "loud": {"type": "boolean"},
        "volume": {"type": "number"},
    },
    "required": ["amount", "unit", "label", "loud", "volume"],
}


def context(*messages: dict[str, Any]) -> ChatContext:
    made = ChatContext()
    for message in messages:
        made.add_message(role=message["role"], content=message["content"])
    return made


async def test_the_likelier_of_two_texts(generator: LocalGenerator) -> None:
    """After a greeting the model greets, after a sum it calls: it writes neither to the end."""
    choices = ["Hello, how can I help you?", '<tool_call>\n{"name": "calculate"']
    for text, chosen in (("Hello.", choices[0]), ("What is five plus three?", choices[1])):
        answer = await ask(generator, [system(), user(text)], choices=choices)
        assert answer.said == (chosen, [])
        assert answer.reason == "stop"
        assert answer.usage.completion_tokens == 1


async def test_texts_that_begin_alike_are_told_apart_later(generator: LocalGenerator) -> None:
    choices = ["Hello, how can I fly?", "Hello, how can I help you?", "Hello, how"]
    answer = await ask(generator, [system(), user("Hello.")], tools=[], choices=choices)
    assert answer.text == choices[1]
    assert answer.usage.completion_tokens > 1


async def test_a_bias_moves_the_choice(generator: LocalGenerator) -> None:
    choices = ["Hello, how can I help you?", "The answer is 8."]
    for bias, chosen in (([0.0, 0.0], 0), ([0.0, 1000.0], 1), ([], 0)):
        answer = await ask(
            generator, [system(), user("Hello.")], tools=[], choices=choices, choice_bias=bias
        )
        assert answer.text == choices[chosen]


@pytest.mark.parametrize("choices", [["a", "a"], ["a", ""]])
async def test_choices_must_differ(generator: LocalGenerator, choices: list[str]) -> None:
    with pytest.raises(PromptError, match="expected different texts"):
        await ask(generator, [user("Hello.")], choices=choices)


async def test_an_object_of_every_kind_of_field(generator: LocalGenerator) -> None:
    answer = await ask(generator, [system(), user("Set a timer.")], tools=[], reply_schema=TIMER)
    value = json.loads(answer.text)
    assert list(value) == TIMER["required"]
    assert isinstance(value["amount"], int)
    assert value["unit"] in ("seconds", "minutes", "hours")
    assert isinstance(value["label"], str)
    assert isinstance(value["loud"], bool)
    assert isinstance(value["volume"], int | float)


async def test_only_values_are_written(generator: LocalGenerator) -> None:
    """The model was trained on this call: it fills in the sum, and nothing else costs a step."""
    schema = {
        "type": "object",
        "properties": {"expression": {"type": "string"}},
        "required": ["expression"],
    }
    written = '<tool_call>\n{"name": "calculate", "arguments": '
    messages = [system(), user("What is five plus three?")]
    answer = await ask(generator, messages, written=written, reply_schema=schema)
    assert answer.text == '{"expression": "5 + 3"}'
    assert answer.usage.completion_tokens < 8


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": {"a": {"type": "array", "items": {"type": "integer"}}}},
        {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "integer"}},
         "required": ["a"]},
        {"type": "object"},
        {"$ref": "#/nowhere"},
    ],
)  # fmt: skip
async def test_an_object_of_another_shape(
    generator: LocalGenerator, schema: dict[str, Any]
) -> None:
    assert flat_slots(schema) is None
    answer = await ask(
        generator, [system(), user("Hello.")], tools=[], reply_schema=schema, max_tokens=60
    )
    assert answer.reason == "length" or isinstance(json.loads(answer.text), dict)


async def test_one_reply_of_each_kind_at_once(generator: LocalGenerator) -> None:
    import asyncio

    messages = [system(), user("What is five plus three?")]
    chosen, object_, plain = await asyncio.gather(
        ask(generator, messages, choices=["Hello.", "<tool_call>"]),
        ask(generator, messages, tools=[], reply_schema=TIMER),
        ask(generator, messages),
    )
    assert chosen.text == "<tool_call>"
    assert list(json.loads(object_.text)) == TIMER["required"]
    assert plain.said == ("", [("calculate", '{"expression": "5 + 3"}')])


async def test_the_livekit_half(generator: LocalGenerator) -> None:
    model = LLM(generator)
    chat = context(system(), user("What is five plus three?"))
    assert await model.choose(chat, ["The answer is 8.", "What"]) == "The answer is 8."
    assert set(await model.fill(chat, TIMER)) == set(TIMER["required"])
    with pytest.raises(APIError, match="different"):
        await model.choose(chat, ["a", "a"])
