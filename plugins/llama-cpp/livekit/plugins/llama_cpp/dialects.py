"""The families of models, each by the marks that it puts around a call.

A dialect is chosen by the markers that the chat template itself uses.
"""

from __future__ import annotations

from collections.abc import Callable

from .dialect import Dialect, JsonCalls, NamedCalls
from .keywords import Gemma4, Glm, Lfm2, QwenXml


class Hermes(JsonCalls):
    """Hermes 2/3, Qwen 2.5, Qwen 3, SmolLM3, Granite 4: JSON between <tool_call> tags."""

    def __init__(self) -> None:
        super().__init__("<tool_call>", "</tool_call>")


class Llama3(JsonCalls):
    """Llama 3.1-3.3: a JSON object, after <|python_tag|> or as the whole reply."""

    bare = True

    def __init__(self) -> None:
        super().__init__("<|python_tag|>", arguments_key="parameters")


class Mistral(JsonCalls):
    """Mistral up to Nemo: a JSON array of calls after [TOOL_CALLS]."""

    def __init__(self) -> None:
        super().__init__("[TOOL_CALLS]", listed=True)


class MistralArgs(NamedCalls):
    """Mistral Small 3.2 and later: [TOOL_CALLS]name[ARGS]{...}."""

    def __init__(self) -> None:
        super().__init__("[TOOL_CALLS]", "[ARGS]")


class Granite(JsonCalls):
    """Granite 3, Phi 4 mini: a JSON array of calls after <|tool_call|>."""

    def __init__(self) -> None:
        super().__init__("<|tool_call|>", listed=True)


class Functools(JsonCalls):
    """Firefunction 2: a JSON array after the word functools."""

    def __init__(self) -> None:
        super().__init__("functools", listed=True)


class CommandR(JsonCalls):
    """Command R7B and later: a JSON array between <|START_ACTION|> and <|END_ACTION|>."""

    def __init__(self) -> None:
        super().__init__(
            "<|START_ACTION|>",
            "<|END_ACTION|>",
            listed=True,
            name_key="tool_name",
            arguments_key="parameters",
        )


class DeepSeek(NamedCalls):
    """DeepSeek 3, 3.1 and R1: a name and JSON between tokens, in 3 and R1 in a code fence.

    Args:
        fenced: the older form.
    """

    def __init__(self, *, fenced: bool) -> None:
        super().__init__(
            "<｜tool▁calls▁begin｜>",
            "\n```json\n" if fenced else "<｜tool▁sep｜>",
            ("\n```" if fenced else "") + "<｜tool▁call▁end｜>",
            before="<｜tool▁call▁begin｜>" + ("function<｜tool▁sep｜>" if fenced else ""),
            last="<｜tool▁calls▁end｜>",
        )


class Kimi(NamedCalls):
    """Kimi K2: functions.name:0 and JSON between tokens."""

    def __init__(self) -> None:
        super().__init__(
            "<|tool_calls_section_begin|>",
            ":0<|tool_call_argument_begin|>",
            "<|tool_call_end|>",
            before="<|tool_call_begin|>functions.",
            last="<|tool_calls_section_end|>",
        )


class Functionary(NamedCalls):
    """Functionary 3.1: <function=name>{...}</function>."""

    def __init__(self) -> None:
        super().__init__("<function=", ">", "</function>")


class Recipients(NamedCalls):
    """Functionary 3.2: >>>name and JSON on the next line; >>>all before what is said."""

    openings = ("all\n", ">>>all\n")

    def __init__(self) -> None:
        super().__init__(">>>", "\n")


class Harmony(NamedCalls):
    """gpt-oss: channels; a call is a message to functions.name."""

    def __init__(self) -> None:
        super().__init__("<|channel|>commentary to=functions.", " <|constrain|>json<|message|>")


def dialect_of(template: str) -> Dialect:
    """The dialect whose markers a chat template uses; Hermes, the most common, without any."""
    for marks, dialect in _MARKS:
        if all(mark in template for mark in marks):
            return dialect()
    if "<tool_call>" not in template and ("python_tag" in template or "ipython" in template):
        return Llama3()
    return Hermes()


_MARKS: tuple[tuple[tuple[str, ...], Callable[[], Dialect]], ...] = (
    (("<|tool_call_start|>",), Lfm2),
    (("<|tool_list_start|>",), Lfm2),
    (("List of tools: [", "<|im_start|>"), Lfm2),
    (("<|tool_call>",), Gemma4),
    (("[TOOL_CALLS]", "[ARGS]"), MistralArgs),
    (("[TOOL_CALLS]",), Mistral),
    (("<|channel|>", "<|message|>"), Harmony),
    (("tool▁calls▁begin", "```json"), lambda: DeepSeek(fenced=True)),
    (("tool▁calls▁begin",), lambda: DeepSeek(fenced=False)),
    (("<|tool_calls_section_begin|>",), Kimi),
    (("<|START_ACTION|>",), CommandR),
    (("<arg_key>",), Glm),
    (("<tool_call>", "<function="), QwenXml),
    (("<function=", "</function>"), Functionary),
    ((">>>all",), Recipients),
    (("functools[",), Functools),
    (("<|tool_call|>",), Granite),
    (("<|tool|>",), Granite),
)
"""What a template must hold to be of a dialect; the first that fits."""
