"""A model's chat template: messages and tools to the text of a prompt.

Runs Jinja2 in its sandbox with the functions that Hugging Face templates expect. Knows nothing of
tokens, and nothing of how long a prompt may be (`prompt.py`).
"""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import jinja2
import jinja2.ext
import jinja2.nodes
import jinja2.parser
import jinja2.sandbox

from .errors import ChatTemplateError, PromptError
from .generator import Message, ToolDefinition
from .told import calls_told, one_call_each, results_told, tools_told

EXAMPLE = '<tool_call>\n{"name": "NAME", "arguments": {...}}\n</tool_call>'
_PROBE: ToolDefinition = {
    "type": "function",
    "function": {
        "name": "probe_tool",
        "description": "Probes.",
        "parameters": {
            "type": "object",
            "properties": {"x": {"type": "string", "description": "X."}},
            "required": ["x"],
        },
    },
}


class _Generation(jinja2.ext.Extension):
    """{% generation %} marks what a training would learn; here it marks nothing."""

    tags = {"generation"}  # noqa: RUF012

    def parse(self, parser: jinja2.parser.Parser) -> list[jinja2.nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


class ChatTemplate:
    """A compiled chat template.

    Args:
        source: The Jinja2 text.
        name: Whose it is, for error messages.
        bos, eos: The vocabulary's marker texts.
        clean: Applied to what users and tools wrote: takes out text that would become control
            tokens.
        example: A call as the model writes it, told to it if the template knows no tools.

    Raises:
        ChatTemplateError: The template doesn't compile.
    """

    def __init__(
        self,
        source: str,
        *,
        name: str,
        bos: str,
        eos: str,
        clean: Callable[[str], str],
        example: str = EXAMPLE,
    ) -> None:
        self._name = name
        self._example = example
        self._clean = clean
        environment = jinja2.sandbox.ImmutableSandboxedEnvironment(
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=[_Generation, jinja2.ext.loopcontrols],
        )
        environment.filters["tojson"] = _tojson
        environment.globals.update(
            raise_exception=_raise, strftime_now=_strftime_now, bos_token=bos, eos_token=eos
        )
        try:
            self._template = environment.from_string(source)
        except jinja2.TemplateError as e:
            raise ChatTemplateError(f"{name}: chat template doesn't compile ({e})") from e

    def render(
        self, messages: Sequence[Message], tools: Sequence[ToolDefinition], *, reply: bool = True
    ) -> str:
        """The prompt's text.

        A template that refuses the messages as they are gets them once more with user and
        assistant taking turns, then without a system role: many insist on either.

        Args:
            messages: In OpenAI form.
            tools: In OpenAI form.
            reply: End with the opening of the assistant's reply.

        Raises:
            PromptError: The template can't render them.
        """
        prepared = [self._prepare(message) for message in messages]
        if not prepared:
            raise PromptError("no messages, expected at least one")
        given: list[ToolDefinition] | None = list(tools) or None
        if given and not self._knows_tools:
            prepared, given = tools_told(prepared, given, self._example), None
        if any(m.get("tool_calls") for m in prepared):
            if not self._knows_several:
                prepared = one_call_each(prepared)
            if not self._knows_results:
                prepared = results_told(prepared)
            if not self._knows_calls:
                prepared = calls_told(prepared, self._example)
        turns = _alternating(prepared)
        for attempt, offered in (
            (prepared, given),
            (turns, given),
            (_without_system(turns), given),
            (_arguments_as_text(turns), given),
            (prepared, given or []),  # an empty list where the template can't do with nothing
            (_without_system(_alternating(self._all_told(prepared))), given),
        ):
            try:
                return self._render(attempt, offered, reply)
            except _ERRORS as e:
                refusal = e
        raise PromptError(f"{self._name}: chat template refuses the messages ({refusal})")

    @cached_property
    def _knows_tools(self) -> bool:
        return self._shows("probe_tool", [{"role": "user", "content": "Hi."}])

    @cached_property
    def _knows_calls(self) -> bool:
        return self._shows("probe argument 0", _called(1))

    @cached_property
    def _knows_results(self) -> bool:
        return self._shows("probe result 0", _called(1))

    @cached_property
    def _knows_several(self) -> bool:
        return self._shows("probe argument 1", _called(2))

    def _all_told(self, messages: list[Message]) -> list[Message]:
        return calls_told(results_told(one_call_each(messages)), self._example)

    def _shows(self, text: str, messages: list[Message]) -> bool:
        """Whether the text is in the prompt of a conversation with a tool."""
        system: Message = {"role": "system", "content": "Be brief."}
        for attempt in ([system, *messages], messages, _arguments_as_text(messages)):
            try:
                return text in self._render(attempt, [_PROBE], True)
            except _ERRORS:
                continue
        return False

    def _render(
        self, messages: list[Message], tools: list[ToolDefinition] | None, reply: bool
    ) -> str:
        return self._template.render(
            messages=_with_tools(messages, tools),
            tools=tools,
            xml_tools=tools,  # SmolLM3's name for them
            functions=_tojson(tools or []),  # Firefunction's
            datetime=_strftime_now("%A, %B %d, %Y"),
            add_generation_prompt=reply,
            # A voice can't use thinking it doesn't speak, and it costs seconds.
            enable_thinking=False,
        )

    def _prepare(self, message: Message) -> Message:
        """A message as templates expect it: text content, arguments as objects."""
        prepared: Message = {**message, "content": _text(message.get("content"))}
        role = prepared.get("role")
        if not isinstance(role, str):
            raise PromptError(f"message without a role: {str(message)[:80]}")
        if role == "developer":
            prepared["role"] = "system"
        if role in ("user", "tool"):
            prepared["content"] = self._clean(prepared["content"])
        if calls := prepared.get("tool_calls"):
            prepared["tool_calls"] = [_call(call) for call in calls]
        else:
            prepared.pop("tool_calls", None)
        if "tool_call_id" in prepared:
            prepared["tool_call_id"] = _call_id(prepared["tool_call_id"])
        return prepared


def _called(count: int) -> list[Message]:
    """A conversation with calls that a template may show or not."""
    functions = [
        {"name": "probe_tool", "arguments": {"x": f"probe argument {i}"}} for i in range(count)
    ]
    calls = [
        {"id": _call_id(i), "type": "function", "function": function}
        for i, function in enumerate(functions)
    ]
    results: list[Message] = [
        {"role": "tool", "tool_call_id": _call_id(i), "content": f"probe result {i}"}
        for i in range(count)
    ]
    asked: Message = {"role": "user", "content": "Hi."}
    return [asked, {"role": "assistant", "content": "", "tool_calls": calls}, *results]


def _with_tools(messages: list[Message], tools: list[ToolDefinition] | None) -> list[Message]:
    """Phi 4's template looks for them, as text, in the instructions."""
    if not tools or messages[0]["role"] != "system":
        return messages
    functions = [tool["function"] for tool in tools]
    head, *rest = messages
    return [{**head, "tools": json.dumps(functions, ensure_ascii=False)}, *rest]


def _text(content: Any) -> str:
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    parts = [p if isinstance(p, str) else p.get("text", "") for p in content]
    return "\n".join(part for part in parts if part)


def _call(call: dict[str, Any]) -> dict[str, Any]:
    # Some templates print arguments as they are and some as JSON: only an object comes out right
    # in both.
    function = dict(call.get("function") or {})
    arguments = function.get("arguments") or "{}"
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments)
        except ValueError:
            arguments = {"input": arguments}
    function["arguments"] = arguments
    return {**call, "id": _call_id(call.get("id")), "function": function}


def _call_id(given: Any) -> str:
    """Mistral's templates insist on nine letters or digits."""
    return hashlib.sha256(str(given).encode("utf-8", "replace")).hexdigest()[:9]


def _alternating(messages: list[Message]) -> list[Message]:
    """One system message first, then user and assistant taking turns."""
    head: list[Message] = []
    turns: list[Message] = []
    for message in messages:
        plain = {**message}
        if plain["role"] == "system":
            if not turns:
                if head:
                    head[0]["content"] += "\n\n" + plain["content"]
                else:
                    head.append(plain)
                continue
            plain["role"] = "user"
        if not turns and plain["role"] == "assistant":
            turns.append({"role": "user", "content": ""})
        last = turns[-1] if turns else None
        same = last is not None and last["role"] == plain["role"] != "tool"
        if last and same and not last.get("tool_calls") and not plain.get("tool_calls"):
            last["content"] = f"{last['content']}\n{plain['content']}".strip("\n")
        else:
            turns.append(plain)
    return head + (turns or [{"role": "user", "content": ""}])


def _without_system(messages: list[Message]) -> list[Message]:
    """The system prompt as the beginning of what the user says first."""
    if messages[0]["role"] != "system":
        return messages
    head, first, *rest = messages
    return [{**first, "content": f"{head['content']}\n\n{first['content']}".strip()}, *rest]


def _arguments_as_text(messages: list[Message]) -> list[Message]:
    """For templates that join them to other text: Functionary 3.2."""
    texts: list[Message] = []
    for message in messages:
        calls = [
            {**call, "function": {**call["function"], "arguments": _tojson(_arguments(call))}}
            for call in message.get("tool_calls", [])
        ]
        texts.append({**message, "tool_calls": calls} if calls else message)
    return texts


def _arguments(call: dict[str, Any]) -> Any:
    return call["function"].get("arguments", {})


def _tojson(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    return json.dumps(
        value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys
    )


class _RefusedError(Exception):
    """The template called raise_exception."""


def _raise(message: str) -> None:
    raise _RefusedError(message)


def _strftime_now(pattern: str) -> str:
    return datetime.datetime.now().strftime(pattern)


# What a template may raise over odd messages: its own refusal, Jinja2's errors, and the Python
# errors of expressions such as `None + "text"`.
_ERRORS = (
    _RefusedError,
    jinja2.TemplateError,
    TypeError,
    ValueError,
    KeyError,
    AttributeError,
    IndexError,
)
