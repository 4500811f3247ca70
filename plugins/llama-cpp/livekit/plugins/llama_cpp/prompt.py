"""Messages and tools to the tokens of a prompt that fits the context.

When a conversation outgrows the context its oldest turns go; the system prompt, the tools and the
last turn stay. Knows nothing of the KV cache. Safe to use from any thread.
"""

from __future__ import annotations

import functools
import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .definitions import shown
from .dialects import Hermes, dialect_of
from .errors import PromptTooLongError
from .generator import Message, ToolDefinition
from .log import logger
from .markup import opened_thinking
from .model import Model
from .template import ChatTemplate

# Private-use characters: no template touches them and nobody says them.
_MARK, _OTHER_MARK = "\ue0f1", "\ue0f2"
_HEADS = 64


@dataclass(frozen=True, slots=True)
class Prompt:
    tokens: list[int]
    head: int
    """How many tokens, from the first, are the system prompt and the tools: the same for every
    conversation of one agent."""
    thinking: str = ""
    """What closes the model's thinking, which the template opened; empty if it didn't."""


class PromptBuilder:
    """Builds prompts for one model.

    Args:
        model: Whose template and vocabulary are used.

    Raises:
        ChatTemplateError: The model's template doesn't compile.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self.dialect = dialect_of(model.chat_template)
        if isinstance(self.dialect, Hermes) and self.dialect.marker not in model.chat_template:
            logger.warning("%s: tool calls of an unknown format won't be recognised", model.path)
        self._template = ChatTemplate(
            model.chat_template,
            name=str(model.path),
            bos=model.special.bos,
            eos=model.special.eos,
            clean=self._clean,
            example=self.dialect.example,
        )
        self._heads: OrderedDict[str, list[int]] = OrderedDict()
        self._heads_lock = threading.Lock()

    def reply(
        self,
        messages: Sequence[Message],
        tools: Sequence[ToolDefinition],
        *,
        limit: int,
        head: int = 0,
    ) -> Prompt:
        """The prompt of the assistant's next reply, at most `limit` tokens.

        Args:
            messages: The conversation.
            tools: What the model may call.
            limit: Most tokens.
            head: How many messages are the same in every conversation; 0 = the system messages.

        Raises:
            PromptError: The template refuses the messages.
            PromptTooLongError: They don't fit, even without the older turns.
        """
        tools = shown(tools)

        def render(kept: Sequence[Message]) -> str:
            return self._template.render(kept, tools)

        text, tokens = self._fit(messages, render, limit, head)
        return Prompt(tokens, self._head(messages, tools, tokens, head), opened_thinking(text))

    def prefix(
        self,
        messages: Sequence[Message],
        tools: Sequence[ToolDefinition],
        heard: str,
        *,
        limit: int,
        head: int = 0,
    ) -> Prompt:
        """The part of the coming prompt that is known while the user still speaks.

        Raises: as `reply`.
        """
        tools = shown(tools)
        user: Message = {"role": "user", "content": heard.rstrip() + _MARK}

        def render(kept: Sequence[Message]) -> str:
            return self._template.render(kept, tools, reply=False).partition(_MARK)[0]

        _, tokens = self._fit([*messages, user], render, limit, head)
        if heard.strip():
            tokens = tokens[:-1]  # the last word may go on, and become another token
        return Prompt(tokens, self._head(messages, tools, tokens, head))

    def tokenize(self, text: str) -> list[int]:
        special = self._model.special
        add_bos = special.add_bos and not (special.bos and text.startswith(special.bos))
        return self._model.tokenize(text, add_special=add_bos)

    def _fit(
        self,
        messages: Sequence[Message],
        render: Callable[[Sequence[Message]], str],
        limit: int,
        head: int,
    ) -> tuple[str, list[int]]:
        text = render(messages)
        tokens = self.tokenize(text)
        if len(tokens) <= limit:
            return text, tokens
        system = _fixed(messages, head)
        turns = messages[len(system) :]
        starts = [i for i, m in enumerate(turns) if i and m.get("role") == "user"]
        for start in _worthwhile(starts, self._sizes(turns), len(tokens) - limit, limit // 2):
            text = render([*system, *turns[start:]])
            tokens = self.tokenize(text)
            if len(tokens) <= limit:
                return text, tokens
        raise PromptTooLongError(
            f"system prompt, tools and last turn are {len(tokens)} tokens, expected at most {limit}"
        )

    def _sizes(self, turns: Sequence[Message]) -> list[int]:
        """Tokens of everything before each turn, at least: the template adds its own."""
        sizes, total = [], 0
        for message in turns:
            sizes.append(total)
            calls = message.get("tool_calls")
            text = f"{message.get('content') or ''}{json.dumps(calls) if calls else ''}"
            total += len(self._model.tokenize(text))
        return sizes

    def _head(
        self,
        messages: Sequence[Message],
        tools: Sequence[ToolDefinition],
        tokens: list[int],
        fixed: int,
    ) -> int:
        system = _fixed(messages, fixed)
        key = json.dumps([system, list(tools)], sort_keys=True, default=str)
        with self._heads_lock:
            head = self._heads.get(key)
            if head is not None:
                self._heads.move_to_end(key)
        if head is None:
            # What prompts have in common that differ in who speaks first, and in the first word,
            # whatever the template does with system prompt and tools.
            asks: Message = {"role": "user", "content": _MARK}
            greets: Message = {"role": "assistant", "content": _OTHER_MARK}
            begun = ([asks], [{**asks, "content": _OTHER_MARK}], [greets, asks])
            texts = [
                self._template.render([*system, *turns], tools, reply=False) for turns in begun
            ]
            head = self.tokenize(functools.reduce(_text_prefix, texts))
            with self._heads_lock:
                self._heads[key] = head
                if len(self._heads) > _HEADS:
                    self._heads.popitem(last=False)
        return common_prefix(head, tokens)

    def _clean(self, text: str) -> str:
        pattern = self._model.control_text
        return pattern.sub("", text) if pattern else text


def common_prefix(a: list[int], b: list[int]) -> int:
    """How many tokens two lists share from the first on."""
    low, high = 0, min(len(a), len(b))
    if a[:high] == b[:high]:
        return high
    while low + 1 < high:  # bisect: slices compare at C speed
        middle = (low + high) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle
    return low


def _text_prefix(a: str, b: str) -> str:
    length = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), None)
    return a[:length] if length is not None else min(a, b, key=len)


def _fixed(messages: Sequence[Message], count: int) -> list[Message]:
    """The messages that are the same in every conversation: the first `count`, or the system's."""
    while count < len(messages) and messages[count].get("role") in ("system", "developer"):
        count += 1
    return list(messages[:count])


def _worthwhile(starts: list[int], sizes: list[int], over: int, step: int) -> list[int]:
    """The turns a shortened conversation may begin with, the oldest first.

    Drops in steps of half the context: cutting one turn each time would move everything that
    follows, and cost a whole prefill in every turn from then on. The same step comes out while
    the conversation grows, so the KV cache stays good.
    """
    step = max(step, 1)
    wanted = -(-over // step) * step
    enough = [start for start in starts if sizes[start] >= wanted]
    return enough or starts[-1:]
