"""An engine that dies: plugins' errors, word of it, and the next request on the same client."""

import asyncio
import time
from typing import Any

import numpy as np
import pytest
from earshot.engine.client import EngineClient
from earshot.errors import EngineError
from livekit.plugins import faster_whisper, llama_cpp, piper
from livekit.plugins.faster_whisper import TranscriptionRequest
from livekit.plugins.llama_cpp import GenerateRequest, WarmRequest
from livekit.plugins.piper import SynthesisRequest

HELLO = GenerateRequest(messages=[{"role": "user", "content": "Hello."}], timeout_s=60.0)
LONG = SynthesisRequest("This sentence is one of very many, and somebody will stop it soon. " * 200)
NOISE = np.random.default_rng(0).standard_normal(16_000 * 29).astype(np.float32) / 10


async def read(events: Any) -> Any:
    last = None
    async for event in events:
        last = event
    return last


class Word:
    """What the client tells of its engine."""

    def __init__(self, client: EngineClient) -> None:
        self.lost, self.back = asyncio.Event(), asyncio.Event()
        client.listen(on_lost=self.lost.set, on_back=self.back.set)


async def test_killed_in_the_middle_of_everything(
    own_engine: Any, own_client: EngineClient, endless: GenerateRequest
) -> None:
    word = Word(own_client)
    speech = own_client.synthesizer.synthesize(LONG)
    await anext(speech)
    tasks = [
        asyncio.create_task(read(own_client.generator.generate(endless))),
        asyncio.create_task(read(speech)),
        asyncio.create_task(
            own_client.transcriber.transcribe(TranscriptionRequest("c", "r", NOISE))
        ),
    ]
    await asyncio.sleep(0.1)
    assert [m.active for m in (await own_client.status()).models] == [1, 1, 1]
    own_engine.kill()
    errors = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(e) for e in errors] == [
        llama_cpp.DecodeError, piper.RunError, faster_whisper.DecodeError,
    ]  # fmt: skip
    assert all(e.retryable and "the engine went away" in str(e) for e in errors)
    await asyncio.wait_for(word.lost.wait(), 5)
    assert not own_client.up
    with pytest.raises(EngineError):
        await own_client.health()

    # what is asked now waits for the new engine, on the same client
    early = asyncio.create_task(read(own_client.generator.generate(HELLO)))
    await asyncio.sleep(0.5)
    assert not early.done()
    own_engine.start()
    assert isinstance(await early, llama_cpp.Done)
    await asyncio.wait_for(word.back.wait(), 5)
    assert own_client.up and (await own_client.health()).serving
    await own_client.transcriber.transcribe(TranscriptionRequest("c", "s", NOISE[:16_000]))
    assert await read(own_client.synthesizer.synthesize(SynthesisRequest("Hello.")))


async def test_a_request_waits_for_an_engine_only_within_its_time(
    own_engine: Any, own_client: EngineClient
) -> None:
    own_engine.kill()
    began = time.monotonic()
    with pytest.raises(faster_whisper.DeadlineError):
        await own_client.transcriber.transcribe(
            TranscriptionRequest("c", "r", NOISE[:16_000], timeout_s=0.5)
        )
    with pytest.raises(llama_cpp.DeadlineError):
        await own_client.generator.warm(WarmRequest(messages=HELLO.messages, timeout_s=0.5))
    assert 0.9 < time.monotonic() - began < 5


async def test_killed_while_nobody_asks(own_engine: Any, own_client: EngineClient) -> None:
    word = Word(own_client)
    for _ in range(2):
        own_engine.kill()
        await asyncio.wait_for(word.lost.wait(), 5)
        own_engine.start()
        await asyncio.wait_for(word.back.wait(), 60)
        word.lost.clear()
        word.back.clear()
    assert isinstance(await read(own_client.generator.generate(HELLO)), llama_cpp.Done)


async def test_sigterm_ends_streams_with_an_error_that_may_be_retried(
    own_engine: Any, own_client: EngineClient
) -> None:
    speech = own_client.synthesizer.synthesize(LONG)
    await anext(speech)
    reading = asyncio.create_task(read(speech))
    seconds = await asyncio.to_thread(own_engine.stop)
    assert seconds < 5 and own_engine.process.returncode == 0
    with pytest.raises(piper.RunError, match="the engine went away") as caught:
        await reading
    assert caught.value.retryable
    assert not own_engine.socket.exists()
    assert "error" not in own_engine.log.lower() and "Traceback" not in own_engine.log


async def test_sigterm_lets_short_answers_end(own_engine: Any, own_client: EngineClient) -> None:
    messages = [{"role": "user", "content": "Tell me a long story."}]
    request = GenerateRequest(messages=messages, max_tokens=40)
    story = own_client.generator.generate(request)
    await anext(story)
    stopping = asyncio.create_task(asyncio.to_thread(own_engine.stop))
    try:
        assert isinstance(await read(story), llama_cpp.Done)
    finally:
        await stopping


async def test_instructions_are_read_once_for_all_engines(
    own_engine: Any, own_client: EngineClient
) -> None:
    """A turn after a restart, in the middle of a call, costs no more than one before it."""
    messages = [{"role": "system", "content": "You are a friendly assistant. " * 20}]
    head = await own_client.generator.warm(WarmRequest(messages=messages, timeout_s=60.0))
    asked = GenerateRequest(
        messages=[*messages, {"role": "user", "content": "Hello."}], timeout_s=60.0
    )
    before = await read(own_client.generator.generate(asked))
    own_engine.kill()
    own_engine.start()
    after = await read(own_client.generator.generate(asked))
    assert before.usage.cached_tokens > 100
    assert abs(after.usage.cached_tokens - before.usage.cached_tokens) <= 3
    assert head - after.usage.cached_tokens <= 3
