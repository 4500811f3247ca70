"""Cancelling a call reaches the native work in the engine, whoever cancels and whatever it does."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
import pytest
from earshot.engine.client import EngineClient
from livekit.plugins.faster_whisper import TranscriptionRequest
from livekit.plugins.llama_cpp import GenerateRequest
from livekit.plugins.piper import SynthesisRequest

Idle = Callable[[EngineClient, str], Awaitable[float]]

# the bound is 50 ms on a machine that is ours; what would go on takes a second and more
SOON_S = 0.25
STORY = GenerateRequest(messages=[{"role": "user", "content": "Tell me a long story."}])
LONG = SynthesisRequest("This sentence is one of very many, and somebody will stop it soon. " * 200)


async def read(events: Any) -> None:
    async for _ in events:
        pass


def work(client: EngineClient, name: str, endless: GenerateRequest) -> tuple[str, Any]:
    """(whose work, what to await)"""
    if name == "token loop":
        return "llm", read(client.generator.generate(endless))
    if name == "prefill":  # of many, as one alone is too quick
        prompts = [
            GenerateRequest(
                messages=[{"role": "user", "content": f"{time.time()} {i} " + "Hello. " * 200}]
            )
            for i in range(12)
        ]
        return "llm", asyncio.gather(*(read(client.generator.generate(p)) for p in prompts))
    return "voice", read(client.synthesizer.synthesize(LONG))


@pytest.mark.parametrize("name", ["token loop", "prefill", "synthesis"])
async def test_cancelling_the_reader(
    client: EngineClient, idle: Idle, endless: GenerateRequest, name: str
) -> None:
    kind, waiting = work(client, name, endless)
    task = asyncio.ensure_future(waiting)
    await asyncio.sleep(0.05)
    assert (await client.status()).calls >= 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await idle(client, kind) < SOON_S
    assert (await client.status()).calls == 0


@pytest.mark.parametrize("kind", ["llm", "voice"])
async def test_closing_the_stream(client: EngineClient, idle: Idle, kind: str) -> None:
    events: Any = (
        client.generator.generate(STORY)
        if kind == "llm"
        else client.synthesizer.synthesize(LONG)
    )  # fmt: skip
    await anext(events)
    await events.aclose()
    assert await idle(client, kind) < SOON_S


async def test_a_client_that_goes_away(
    client: EngineClient, shared_engine: Any, idle: Idle
) -> None:
    other = await EngineClient.connect(shared_engine.socket)
    events = other.synthesizer.synthesize(LONG)
    await anext(events)
    await other._channel.close()
    assert await idle(client, "voice") < SOON_S
    await other.aclose()


async def test_a_request_that_waits_leaves_the_queue(client: EngineClient, idle: Idle) -> None:
    audio = np.random.default_rng(0).standard_normal(16_000 * 29).astype(np.float32) / 10
    tasks = [
        asyncio.create_task(
            client.transcriber.transcribe(TranscriptionRequest(str(i), str(i), audio))
        )
        for i in range(4)
    ]
    await asyncio.sleep(0.1)
    stt = (await client.status()).models[0]
    assert (stt.active, stt.queued) == (4, 3)
    for task in tasks[1:]:
        task.cancel()
    await asyncio.wait(tasks[1:])
    began = time.monotonic()
    while (await client.status()).models[0].queued:
        assert time.monotonic() - began < SOON_S
    tasks[0].cancel()  # a decode ends with its native call
    await asyncio.wait(tasks)
    await idle(client, "stt")
