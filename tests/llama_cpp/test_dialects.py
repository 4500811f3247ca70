"""Grammars: what they let through and what not, checked by llama.cpp itself."""

from __future__ import annotations

from typing import Any

import pytest
from dialogues import TOOLS, tool
from livekit.plugins.llama_cpp.dialects import (
    Dialect,
    Gemma4,
    Hermes,
    Lfm2,
    Llama3,
    Mistral,
    MistralArgs,
    QwenXml,
    dialect_of,
)
from livekit.plugins.llama_cpp.model import Model
from livekit.plugins.llama_cpp.salvage import Toolbox
from livekit.plugins.llama_cpp.sampler import Grammar

GOOD: list[tuple[Dialect, str]] = [
    (Hermes(), '\n{"name": "calculate", "arguments": {"expression": "5 + 3"}}\n</tool_call>'),
    (Hermes(), '{"name":"get_current_time","arguments":{}}</tool_call>'),
    (Llama3(), '{"name": "set_timer", "parameters": {"amount": 5, "unit": "minutes"}}'),
    (Mistral(), '[{"name": "cancel_timer", "arguments": {}}]'),
    (MistralArgs(), 'calculate[ARGS]{"expression": "1"}'),
    (
        QwenXml(),
        "\n<function=calculate>\n<parameter=expression>\n5 < 3\n</parameter>\n</function>\n"
        "</tool_call>",
    ),
    (Gemma4(), 'call:set_timer{amount:5,unit:<|"|>minutes<|"|>}<tool_call|>'),
    (Lfm2(), '[set_timer(amount=5, unit="minutes")]<|tool_call_end|>'),
]
BAD: list[tuple[Dialect, str]] = [
    (Hermes(), '{"name": "nobody", "arguments": {}}</tool_call>'),
    (Hermes(), '{"name": "calculate", "arguments": {}}</tool_call>'),
    (Hermes(), '{"name": "set_timer", "arguments": {"amount": "5", "unit": "m"}}</tool_call>'),
    (Llama3(), '{"name": "calculate", "parameters": 5}'),
    (Mistral(), "[]"),
    (MistralArgs(), "nobody[ARGS]{}"),
    (QwenXml(), "\n<function=nobody>\n</function>\n</tool_call>"),
    (Gemma4(), "call:nobody{}<tool_call|>"),
    (Lfm2(), "[nobody()]<|tool_call_end|>"),
]


def accepts(model: Model, gbnf: str, text: str) -> bool:
    """Whether the whole text is a sentence of the grammar."""
    grammar = Grammar(model, gbnf)
    try:
        for token in model.tokenize(text):
            if not grammar.allows(token):
                return False
            grammar.accept(token)
        end = next(t for t in range(model.vocab_size) if model.is_end(t))
        return grammar.allows(end)
    finally:
        grammar.close()


@pytest.mark.parametrize(("dialect", "text"), GOOD)
def test_calls_that_a_grammar_allows_can_be_read(model: Model, dialect: Dialect, text: str) -> None:
    assert accepts(model, dialect.grammar(TOOLS), text)
    assert dialect.end(text) == len(text)
    assert dialect.read(text, Toolbox(TOOLS))


@pytest.mark.parametrize(("dialect", "text"), BAD)
def test_calls_that_a_grammar_refuses(model: Model, dialect: Dialect, text: str) -> None:
    assert not accepts(model, dialect.grammar(TOOLS), text)


SCHEMAS: list[tuple[dict[str, Any], str]] = [
    ({}, "{}"),
    ({"type": "object"}, "{}"),
    ({"type": "object", "properties": {"a": {}}, "required": ["a"]}, '{"a": [1, "b"]}'),
    (
        {"type": "object", "properties": {"a": {"anyOf": [{"type": "string"}, {"type": "null"}]}}},
        '{"a": null}',
    ),
    (
        {
            "$defs": {"P": {"type": "object", "properties": {"x": {"type": "number"}}}},
            "type": "object",
            "properties": {"p": {"$ref": "#/$defs/P"}, "q": {"enum": ["u", 1]}},
            "required": ["p"],
        },
        '{"p": {"x": -1.5}, "q": "u"}',
    ),
    (
        {
            "$defs": {"N": {"type": "object", "properties": {"n": {"$ref": "#/$defs/N"}}}},
            "type": "object",
            "properties": {"n": {"$ref": "#/$defs/N"}},
        },
        '{"n": {"n": {}}}',
    ),
    (
        {
            "type": "object",
            "properties": {
                "s": {"type": "string", "pattern": "^(a+)+$", "maxLength": 100000},
                "l": {"type": "array", "items": {"type": "integer"}, "maxItems": 3},
                "d": {"type": "object", "additionalProperties": {"type": "boolean"}},
            },
            "required": ["s", "l", "d"],
            "additionalProperties": False,
        },
        '{"s": "b", "l": [1, 2], "d": {"k": true}}',
    ),
    ({"type": "object", "properties": {"a-b c": {"type": "nonsense"}}}, '{"a": 1}'),
    ({"type": "object", "properties": {"x": {"$ref": "https://example.com/x"}}}, '{"x": 1}'),
]


@pytest.mark.parametrize(("parameters", "arguments"), SCHEMAS)
@pytest.mark.parametrize("dialect", [Hermes(), MistralArgs()])
def test_schemas_of_every_kind_make_a_grammar(
    model: Model, dialect: Dialect, parameters: dict[str, Any], arguments: str
) -> None:
    odd = tool("odd", "Odd.")
    odd["function"]["parameters"] = parameters
    text = (
        f'{{"name": "odd", "arguments": {arguments}}}</tool_call>'
        if isinstance(dialect, Hermes)
        else f"odd[ARGS]{arguments}"
    )
    assert accepts(model, dialect.grammar([*TOOLS, odd]), text)
    assert dialect.read(text, Toolbox([*TOOLS, odd]))


def test_a_grammar_refuses_a_token_that_it_would_crash_on(model: Model) -> None:
    grammar = Grammar(model, Hermes().grammar(TOOLS))
    with pytest.raises(ValueError, match="outside the grammar"):
        grammar.accept(model.tokenize("x")[0])
    grammar.close()
    with pytest.raises(ValueError, match="can parse"):
        Grammar(model, "root ::= (")


@pytest.mark.parametrize(
    ("template", "kind"),
    [
        ("{{ '<tool_call>' }}", Hermes),
        ("<tool_call><function=x>", QwenXml),
        ("{{ '<|python_tag|>' }}", Llama3),
        ("Environment: ipython", Llama3),
        ("[TOOL_CALLS]", Mistral),
        ("[TOOL_CALLS]x[ARGS]", MistralArgs),
        ("<|tool_list_start|>", Lfm2),
        ("<|tool_call>call:", Gemma4),
        ("{{ messages }}", Hermes),
    ],
)
def test_the_template_says_the_dialect(template: str, kind: type[Dialect]) -> None:
    assert type(dialect_of(template)) is kind
