"""What the agent's language model is asked in a turn, and what of its answer is said.

Decides first whether a tool is needed. A tool's result comes back as a turn of its own: the agent
says what it did itself, and has the model word what it found. A model that is trained to write its
own calls (`Decider.routed` is False) is left alone with them.
"""

import json
from collections.abc import AsyncIterable, AsyncIterator, Callable, Sequence

from livekit.agents import FlushSentinel, llm, utils

from .deciding import Call, Decider
from .saying import Answers, Grounded, Result, noted, results

Said = llm.ChatChunk | str | FlushSentinel
Ask = Callable[[llm.ChatContext, list[llm.Tool]], AsyncIterable[Said]]
Tell = Callable[[llm.ChatContext], AsyncIterable[Said]]


async def reply(
    chat_ctx: llm.ChatContext,
    tools: list[llm.Tool],
    *,
    decider: Decider,
    answers: Answers,
    ask: Ask,
    tell: Tell,
    language: str | None = None,
) -> AsyncIterator[Said]:
    """The reply to what the conversation ends with.

    Args:
        chat_ctx: ends with what the user said, or with what tools returned.
        tools: what may be called.
        ask: has the model write.
        tell: has the model word a result.
        language: what was spoken, where that is known.

    Raises:
        APIError: the model can't be asked.
    """
    last = chat_ctx.items[-1] if chat_ctx.items else None
    if isinstance(last, llm.ChatMessage) and last.role == "user":
        decision = await decider.decide(last.text_content or "", language)
        if decision.call is not None:
            yield _calling(decision.call)
            return
        if decision.missing:
            yield answers.asking(decision.missing)
            return
    if not decider.routed:
        async for chunk in ask(chat_ctx, tools):
            yield chunk
        return
    found = results(chat_ctx)
    sentence = answers.ready(found)
    if sentence is not None:
        yield sentence
        return
    shown = noted(chat_ctx, answers.languages)
    said = _grounded(tell(shown), chat_ctx, found, answers) if found else ask(shown, [])
    async for chunk in said:
        yield chunk


async def _grounded(
    written: AsyncIterable[Said],
    chat_ctx: llm.ChatContext,
    found: Sequence[Result],
    answers: Answers,
) -> AsyncIterator[Said]:
    asked = next((m for m in reversed(chat_ctx.messages()) if m.role == "user"), None)
    facts = [
        asked.text_content or "" if asked else "",
        *(r.words(answers.languages) for r in found),
    ]
    held = Grounded(facts, answers.plain(found))
    said = False
    async for chunk in written:
        text = chunk.delta.content if isinstance(chunk, llm.ChatChunk) and chunk.delta else None
        if text is None:
            yield chunk
        elif free := held.feed(text):
            said = said or bool(free.strip())
            yield free
        if held.over:
            return
    rest = held.finish()
    # a model that has no word for it leaves the result itself
    yield rest if said or rest.strip() else answers.plain(found)


def _calling(call: Call) -> llm.ChatChunk:
    """A chunk as of a model that calls the tool."""
    made = llm.FunctionToolCall(
        name=call.name,
        arguments=json.dumps(dict(call.arguments), ensure_ascii=False),
        call_id=utils.shortuuid("call_"),
    )
    delta = llm.ChoiceDelta(role="assistant", tool_calls=[made])
    return llm.ChatChunk(id=utils.shortuuid("decided_"), delta=delta)
