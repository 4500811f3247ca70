"""The families of models used most: their templates rendered, and what each writes read.

The replies are written in the form that each family documents for itself.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from dialogues import TOOLS, assistant, called, system, user
from livekit.plugins.llama_cpp import dialects, keywords
from livekit.plugins.llama_cpp.dialect import Dialect
from livekit.plugins.llama_cpp.model import Model
from livekit.plugins.llama_cpp.template import ChatTemplate
from parsing import always_told
from test_dialects import accepts

TEMPLATES = Path(__file__).parent / "templates"
SUM = '{"expression": "5 + 3"}'
TIMER = '{"amount": 5, "unit": "minutes"}'
HERMES = (
    f'<tool_call>\n{{"name": "calculate", "arguments": {SUM}}}\n</tool_call>\n'
    f'<tool_call>\n{{"name": "set_timer", "arguments": {TIMER}}}\n</tool_call>'
)
THOUGHT = "<think>\nA sum, and <b>.\n</think>\n\n"
QWEN_XML = (
    "<tool_call>\n<function=calculate>\n<parameter=expression>\n5 + 3\n</parameter>\n</function>\n"
    "</tool_call>\n<tool_call>\n<function=set_timer>\n<parameter=amount>\n5\n</parameter>\n"
    "<parameter=unit>\nminutes\n</parameter>\n</function>\n</tool_call>"
)
LISTED = (
    f'[{{"name": "calculate", "arguments": {SUM}}}, {{"name": "set_timer", "arguments": {TIMER}}}]'
)
MISTRAL_ARGS = f"[TOOL_CALLS]calculate[ARGS]{SUM}[TOOL_CALLS]set_timer[ARGS]{TIMER}"
DEEPSEEK = (
    "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>{a}calculate{b}" + SUM + "{c}<｜tool▁call▁end｜>\n"
    "<｜tool▁call▁begin｜>{a}set_timer{b}" + TIMER + "{c}<｜tool▁call▁end｜><｜tool▁calls▁end｜>"
)
R1 = (
    DEEPSEEK.replace("{a}", "function<｜tool▁sep｜>")
    .replace("{b}", "\n```json\n")
    .replace("{c}", "\n```")
)
V31 = DEEPSEEK.replace("{a}", "").replace("{b}", "<｜tool▁sep｜>").replace("{c}", "")
LLAMA = (
    f'{{"name": "calculate", "parameters": {SUM}}}; {{"name": "set_timer", "parameters": {TIMER}}}'
)
GEMMA = (
    '<|tool_call>call:calculate{expression:<|"|>5 + 3<|"|>}<tool_call|>'
    '<|tool_call>call:set_timer{amount:5,unit:<|"|>minutes<|"|>}<tool_call|>'
)
COMMAND = (
    '<|START_ACTION|>[\n    {"tool_call_id": "0", "tool_name": "calculate", "parameters": '
    + SUM
    + '},\n    {"tool_call_id": "1", "tool_name": "set_timer", "parameters": '
    + TIMER
    + "}\n]<|END_ACTION|>"
)
HARMONY = (
    "<|channel|>commentary to=functions.calculate <|constrain|>json<|message|>"
    + SUM
    + "<|call|><|start|>assistant to=functions.set_timer<|channel|>commentary json<|message|>"
    + TIMER
)
KIMI = (
    "<|tool_calls_section_begin|><|tool_call_begin|>functions.calculate:0"
    f"<|tool_call_argument_begin|>{SUM}<|tool_call_end|><|tool_call_begin|>functions.set_timer:1"
    f"<|tool_call_argument_begin|>{TIMER}<|tool_call_end|><|tool_calls_section_end|>"
)
GLM = (
    "<tool_call>calculate\n<arg_key>expression</arg_key>\n<arg_value>5 + 3</arg_value>\n"
    "</tool_call>\n<tool_call>set_timer\n<arg_key>amount</arg_key>\n<arg_value>5</arg_value>\n"
    "<arg_key>unit</arg_key>\n<arg_value>minutes</arg_value>\n</tool_call>"
)


@dataclass(frozen=True)
class Family:
    """A template, the dialect it means, and two calls as its models write them."""

    template: str
    dialect: type[Dialect]
    calls: str
    thinking: str = ""
    """What may stand before them and isn't spoken."""
    preface: str = "One moment."


FAMILIES = [
    Family("meta-llama-Llama-3.1-8B-Instruct", dialects.Llama3, LLAMA),
    Family(
        "meta-llama-Llama-3.2-3B-Instruct",
        dialects.Llama3,
        '<|python_tag|>calculate.call(expression="5 + 3"); set_timer.call(amount=5, unit="minutes")',
    ),
    Family("Qwen-Qwen2.5-7B-Instruct", dialects.Hermes, HERMES),
    Family("Qwen-Qwen3-0.6B", dialects.Hermes, HERMES, THOUGHT),
    Family("Qwen3-Coder", keywords.QwenXml, QWEN_XML),
    Family("Qwen3.5-4B", keywords.QwenXml, QWEN_XML, THOUGHT),
    Family("Qwen-QwQ-32B", dialects.Hermes, HERMES, THOUGHT),
    Family("deepseek-ai-DeepSeek-R1-Distill-Qwen-32B", dialects.DeepSeek, R1, THOUGHT),
    Family("deepseek-ai-DeepSeek-V3.1", dialects.DeepSeek, V31, THOUGHT),
    Family("mistralai-Mistral-Nemo-Instruct-2407", dialects.Mistral, f"[TOOL_CALLS]{LISTED}"),
    Family("Mistral-Small-3.2-24B-Instruct-2506", dialects.MistralArgs, MISTRAL_ARGS),
    Family(
        "mistralai-Ministral-3-14B-Reasoning-2512",
        dialects.MistralArgs,
        MISTRAL_ARGS,
        "[THINK]A sum.[/THINK]",
    ),
    Family(
        "google-gemma-2-2b-it",
        dialects.Hermes,
        '```tool_code\n[calculate(expression="5 + 3"), set_timer(amount=5, unit="minutes")]\n```',
    ),
    Family(
        "google-gemma-4-31B-it",
        keywords.Gemma4,
        GEMMA,
        "<|channel>thought\nA sum.\n<channel|>",
    ),
    Family("microsoft-Phi-3.5-mini-instruct", dialects.Hermes, f"```json\n{LISTED}\n```"),
    Family("ibm-granite-granite-3.3-2B-Instruct", dialects.Granite, f"<|tool_call|>{LISTED}"),
    Family("ibm-granite-granite-4.0", dialects.Hermes, HERMES),
    Family(
        "CohereForAI-c4ai-command-r7b-12-2024-tool_use",
        dialects.CommandR,
        COMMAND,
        "<|START_THINKING|>A sum.<|END_THINKING|>",
    ),
    Family("NousResearch-Hermes-3-Llama-3.1-8B-tool_use", dialects.Hermes, HERMES),
    Family("HuggingFaceTB-SmolLM3-3B", dialects.Hermes, HERMES, THOUGHT),
    Family(
        "LFM2.5-Instruct",
        keywords.Lfm2,
        '<|tool_call_start|>[calculate(expression="5 + 3"), '
        'set_timer(amount=5, unit="minutes")]<|tool_call_end|>',
    ),
    Family(
        "openai-gpt-oss-120b",
        dialects.Harmony,
        HARMONY,
        "<|channel|>analysis<|message|>A sum.<|end|><|start|>assistant",
        "<|channel|>commentary<|message|>One moment.<|end|><|start|>assistant",
    ),
    Family("GLM-4.6", keywords.Glm, GLM, THOUGHT),
    Family(
        "meetkai-functionary-medium-v3.1",
        dialects.Functionary,
        f"<function=calculate>{SUM}</function>\n<function=set_timer>{TIMER}</function>",
    ),
    Family(
        "meetkai-functionary-medium-v3.2",
        dialects.Recipients,
        f">>>calculate\n{SUM}\n>>>set_timer\n{TIMER}",
        preface="all\nOne moment.",
    ),
    Family("fireworks-ai-llama-3-firefunction-v2", dialects.Functools, f" functools{LISTED}"),
    Family("Kimi-K2-Instruct", dialects.Kimi, KIMI),
]
CALLS = [("calculate", SUM), ("set_timer", TIMER)]
EACH = pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.template)


def source(family: Family) -> str:
    return (TEMPLATES / f"{family.template}.jinja").read_text(encoding="utf-8")


def template(family: Family) -> ChatTemplate:
    text = source(family)
    return ChatTemplate(
        text,
        name=family.template,
        bos="<s>",
        eos="</s>",
        clean=lambda t: t,
        example=dialects.dialect_of(text).example,
    )


def two_calls() -> list[dict[str, Any]]:
    calls = [
        {"id": str(i), "type": "function", "function": {"name": name, "arguments": arguments}}
        for i, (name, arguments) in enumerate(CALLS)
    ]
    results = [
        {"role": "tool", "tool_call_id": "0", "content": "eight"},
        {"role": "tool", "tool_call_id": "1", "content": "started"},
    ]
    return [{"role": "assistant", "content": "", "tool_calls": calls}, *results]


DIALOGUES = [
    ([system(), user("Hi.")], ["Hi."]),
    ([assistant("Hello!"), user("Hi.")], ["Hello!", "Hi."]),
    ([system(), user("5+3?"), *called("calculate", SUM, "eight")], ["5+3?", "5 + 3", "eight"]),
    (
        [
            *(system(), user("5+3?"), *called("calculate", SUM, "eight")),
            *(assistant("It is eight."), user("Thanks.")),
        ],
        ["5+3?", "eight", "It is eight.", "Thanks."],
    ),
    ([system(), user("5+3?"), *two_calls()], ["5 + 3", "minutes", "eight", "started"]),
]


@EACH
def test_a_template_shows_the_tools_and_everything_that_was_said(family: Family) -> None:
    chat = template(family)
    for messages, shown in DIALOGUES:  # in their order, but for two calls at once
        text = chat.render(messages, TOOLS)
        at = 0
        for name in (tool["function"]["name"] for tool in TOOLS):
            assert name in text
        for part in shown:
            at = text.index(part, at if messages is not DIALOGUES[-1][0] else 0)
        assert text.startswith(chat.render(messages, TOOLS, reply=False)[: at + 1])


@EACH
def test_calls_as_the_family_writes_them(family: Family) -> None:
    dialect = dialects.dialect_of(source(family))
    assert type(dialect) is family.dialect
    assert always_told(dialect, family.calls) == CALLS
    if family.thinking:
        (kind, thought), *rest = always_told(dialect, family.thinking + family.calls)
        assert kind == "think" and "A sum" in thought
        assert rest == CALLS
    prefaced = always_told(dialect, f"{family.preface}\n\n{family.calls}")
    assert prefaced == [("text", "One moment."), *CALLS]


@EACH
def test_an_answer_is_spoken_alone(family: Family) -> None:
    dialect = dialects.dialect_of(source(family))
    spoken = {"openai-gpt-oss-120b": "<|channel|>final<|message|>It is 8.<|return|>"}
    reply = spoken.get(family.template, "It is 8.")
    told = always_told(dialect, f"{family.thinking}{reply}")
    assert [part for part in told if part[0] != "think"] == [("text", "It is 8.")]


@EACH
def test_a_call_that_is_forced_is_one_that_can_be_read(model: Model, family: Family) -> None:
    dialect = dialects.dialect_of(source(family))
    grammar = dialect.grammar(TOOLS)
    written = dialect.example.replace("NAME", "set_timer").replace("{...}", TIMER)
    if isinstance(dialect, (keywords.QwenXml, keywords.Glm, keywords.Gemma4, keywords.Lfm2)):
        written = family.calls  # one of two: these have no example in JSON
        at = written.index("set_timer")
        written = written[written.rindex(dialect.marker, 0, at) :]
        written = written.replace('calculate(expression="5 + 3"), ', "")
    body = written.removeprefix(dialect.marker)
    assert accepts(model, grammar, body)
    assert json.loads(always_told(dialect, written)[0][1]) == json.loads(TIMER)
