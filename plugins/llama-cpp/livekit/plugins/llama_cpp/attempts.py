"""What is done about a reply that nobody could use: once more, then an error.

A call whose arguments don't fit its tool is asked for again under that tool's grammar. Knows
nothing of how a reply is made.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from .arguments import Arguments
from .errors import NoAnswerError
from .generator import Done, Event, GenerateRequest, TextDelta, ToolCall
from .log import logger

_WARMER = 0.7  # the same words again would be the same nothing
_SEED = 1

Attempt = Callable[[GenerateRequest, bool], AsyncGenerator[Event, None]]
"""One reply to a request; the second argument: whether the model may think."""


async def answered(attempt: Attempt, request: GenerateRequest) -> AsyncGenerator[Event, None]:
    """The events of a reply that holds speech or calls.

    Raises:
        NoAnswerError: It doesn't, twice.
        GenerateError: as `attempt`.
    """
    if request.choices or request.reply_schema is not None:  # held to what is wanted already
        async with aclosing(attempt(request, False)) as events:
            async for event in events:
                yield event
        return
    asked, thinks, begun = request, True, False
    for last in (False, True):
        async with aclosing(_fitting(attempt, asked, thinks)) as events:
            async for event in events:
                if isinstance(event, Done) and event.reason == "empty":
                    break
                yield event
                begun = begun or isinstance(event, TextDelta)
                if isinstance(event, Done):
                    return
        if last:
            raise NoAnswerError("the model gave no answer that can be spoken")
        logger.info("an empty reply: trying once more")
        if begun:  # of a sentence that couldn't be spoken
            yield TextDelta(". ")
        asked, thinks = _otherwise(request), False


def _otherwise(request: GenerateRequest) -> GenerateRequest:
    """The request once more: warmer, and without the tools that may have confused the model."""
    seed = _SEED if request.seed is None else request.seed + 1
    temperature = max(request.temperature, _WARMER)
    asked = dataclasses.replace(request, temperature=temperature, seed=seed)
    if request.tool_choice in ("auto", "none"):
        asked = dataclasses.replace(asked, tools=[], tool_choice="auto")
    return asked


async def _fitting(
    attempt: Attempt, request: GenerateRequest, thinks: bool
) -> AsyncGenerator[Event, None]:
    """One attempt, whose calls have arguments that fit where the model can be brought to it."""
    checks = Arguments(request.tools)
    async with aclosing(attempt(request, thinks)) as events:
        wrong: list[ToolCall] = []
        async for event in events:
            if isinstance(event, ToolCall):
                fitted = checks.fitted(event.name, json.loads(event.arguments))
                if fitted is None:
                    wrong.append(event)
                    continue
                event = dataclasses.replace(event, arguments=_text(fitted))
            elif isinstance(event, Done):
                for call in wrong:
                    yield await _again(attempt, request, call, checks)
            yield event


async def _again(
    attempt: Attempt, request: GenerateRequest, call: ToolCall, checks: Arguments
) -> ToolCall:
    """The call under the grammar; as it was if that doesn't help: the tool tells the model."""
    if request.tool_choice not in ("auto", "required"):
        return call
    logger.info("arguments that %s doesn't take: asking for them again", call.name)
    asked = dataclasses.replace(request, tool_choice=call.name, parallel_tool_calls=False)
    async with aclosing(attempt(asked, False)) as events:
        async for event in events:
            if isinstance(event, ToolCall):
                fitted = checks.fitted(event.name, json.loads(event.arguments))
                if fitted is not None:
                    return dataclasses.replace(event, arguments=_text(fitted))
    return call


def _text(arguments: object) -> str:
    return json.dumps(arguments, ensure_ascii=False)
