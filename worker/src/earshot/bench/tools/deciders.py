"""The product's own ways to decide, for `measure`."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from livekit.agents import llm
from livekit.plugins import llama_cpp

from ...conversation.deciding import Decider, Intents, Router
from ...conversation.deciding.examples import of_sentences
from .cases import Case
from .measure import Decide, Decided
from .offered import Offered, offered

CONTEXT_TOKENS = 4096


def sentences(case: Case) -> Intents:
    """The sure intents of a case."""
    tools = offered(case.offered)
    return Intents(tools.described, [case.language], tools.sentences)


def sure() -> Decide:
    """Sentences alone, without a model."""
    made: dict[tuple[str, str], Intents] = {}

    async def decide(case: Case) -> Decided:
        key = (case.offered, case.language)
        if key not in made:
            made[key] = sentences(case)
        call = made[key].match(case.text, case.language)
        return None if call is None else (call.name, call.arguments)

    return decide


@asynccontextmanager
async def with_model(path: Path, way: str, *, with_sentences: bool = True) -> AsyncIterator[Decide]:
    """As in a call: sentences, then the model.

    Args:
        path: GGUF file.
        way: "router": it chooses among worked examples; "model": it writes its calls.
        with_sentences: else the model decides everything.
    """
    generator = llama_cpp.LocalGenerator(path, n_ctx=CONTEXT_TOKENS)
    model = llama_cpp.LLM(generator)
    made: dict[tuple[str, str], Decider] = {}

    async def decide(case: Case) -> Decided:
        tools = offered(case.offered)
        key = (case.offered, case.language)
        if key not in made:
            intents = sentences(case) if with_sentences else Intents([])
            languages = list(dict.fromkeys([case.language, "en"]))
            examples = of_sentences(tools.sentences)
            router = Router(model, tools.described, languages, examples)
            made[key] = Decider(intents, router if way == "router" else None)
            await made[key].warm("", timeout_s=120)
        decision = await made[key].decide(case.text)
        if decision.by == "model":
            return await _written(model, tools, case.text)
        call = decision.call
        return None if call is None else (call.name, call.arguments)

    try:
        yield decide
    finally:
        await model.aclose()
        await generator.aclose()


async def _written(model: llama_cpp.LLM, tools: Offered, said: str) -> Decided:
    """The first call that the model writes in its answer."""
    context = llm.ChatContext()
    context.add_message(role="system", content=tools.instructions)
    context.add_message(role="user", content=said)
    answer = await model.chat(chat_ctx=context, tools=tools.tools).collect()
    if not answer.tool_calls:
        return None
    call = answer.tool_calls[0]
    return call.name, json.loads(call.arguments or "{}")
