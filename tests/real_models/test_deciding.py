"""The published language model chooses tools among worked examples, and nothing is invented."""

import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from earshot.conversation.deciding import Decision
from earshot.models import load_profile
from earshot.session import agent_for
from earshot.settings import Settings
from livekit.plugins import llama_cpp

from .conftest import PROFILE, real_models


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def model() -> AsyncIterator[llama_cpp.LLM]:
    made = llama_cpp.LLM(load_profile(PROFILE, real_models()).llm)
    yield made
    await made.aclose()


async def decided(model: llama_cpp.LLM, text: str) -> Decision:
    settings = Settings(profile=PROFILE, models_dir=real_models())
    agent = agent_for(settings, load_profile(PROFILE, real_models()), model)
    assert agent.decider is not None
    await agent.decider.warm("", 240.0)
    return await agent.decider.decide(text)


@pytest.mark.parametrize(
    ("text", "tool", "arguments"),
    [
        ("My train leaves soon, give me a ring in twenty minutes.", "set_timer",
         {"amount": 20, "unit": "minutes"}),
        ("Three crates with twelve bottles each, how many bottles is that altogether?",
         "calculate", None),
        ("Would you know where a guest may leave the car?", "search_documents", None),
        ("I don't need that countdown any longer.", "cancel_timer", {}),
        ("I had no time for breakfast yesterday.", None, None),
        ("Tell me something about elephants.", None, None),
        ("My grandmother is ninety years old.", None, None),
    ],
)  # fmt: skip
async def test_indirect_wishes_are_understood(
    model: llama_cpp.LLM, text: str, tool: str | None, arguments: dict[str, object] | None
) -> None:
    decision = await decided(model, text)
    assert (decision.call.name if decision.call else None) == tool
    if decision.call and arguments is not None:
        assert json.loads(json.dumps(dict(decision.call.arguments))) == arguments


async def test_a_timer_without_a_time_is_asked_about(model: llama_cpp.LLM) -> None:
    decision = await decided(model, "Could you start one of those timers for me?")
    assert decision.call is None
