"""The client keeps the plugins' contracts, as if the models were here."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from earshot.engine import channel, engine_pb2, engine_pb2_grpc
from earshot.engine.address import Address
from earshot.engine.client import EngineClient
from earshot.errors import EngineError
from livekit.plugins import faster_whisper, llama_cpp, piper
from livekit.plugins.faster_whisper import Priority, TranscriptionRequest
from livekit.plugins.llama_cpp import GenerateRequest, WarmRequest
from livekit.plugins.piper import SynthesisRequest

MODELS = Path(__file__).parents[2] / "models" / "starter"
SYSTEM = {
    "role": "system",
    "content": "You are Earshot, a friendly local voice assistant. Answer in one or two short sentences.",
}
CALCULATE = {
    "type": "function",
    "function": {
        "name": "calculate",
        "description": "Evaluates an arithmetic expression.",
        "parameters": {
            "type": "object",
            "properties": {"expression": {"type": "string"}},
            "required": ["expression"],
        },
    },
}


def asking(text: str, **options: Any) -> GenerateRequest:
    return GenerateRequest(messages=[SYSTEM, {"role": "user", "content": text}], **options)


def timeless(event: llama_cpp.Event) -> Any:
    if isinstance(event, llama_cpp.ToolCall):
        return replace(event, id="")
    return event if not isinstance(event, llama_cpp.Done) else event.reason


@pytest.fixture(scope="session")
def transcriber() -> Iterator[faster_whisper.LocalTranscriber]:
    made = faster_whisper.LocalTranscriber(MODELS / "stt")
    yield made
    made.close()


@pytest.fixture(scope="session")
def generator() -> Iterator[llama_cpp.LocalGenerator]:
    made = llama_cpp.LocalGenerator(MODELS / "llm" / "starter.gguf", threads=1)
    yield made
    made.close()


@pytest.fixture(scope="session")
def synthesizer() -> Iterator[piper.LocalSynthesizer]:
    with piper.LocalSynthesizer(MODELS / "voice" / "starter.onnx") as made:
        yield made


async def test_hears_as_the_model_does(
    client: EngineClient,
    transcriber: faster_whisper.LocalTranscriber,
    hear: Callable[[str], Any],
) -> None:
    request = TranscriptionRequest("call", "1", hear("What time is it?"))
    there, here = (
        await client.transcriber.transcribe(request),
        await transcriber.transcribe(request),
    )
    assert here.text and replace(there, compute_s=0) == replace(here, compute_s=0)
    words = await client.transcriber.align(request, there)
    assert words and words == await transcriber.align(request, here)
    assert client.transcriber.model == transcriber.model


async def test_answers_as_the_model_does(
    client: EngineClient, generator: llama_cpp.LocalGenerator
) -> None:
    requests = [
        asking("Hello."),
        asking("What is twenty five plus thirty three?", tools=[CALCULATE]),
        asking("Tell me a joke.", max_tokens=4, stop=["x"], conversation="one"),
        asking("Hello.", temperature=0.8, seed=3),
    ]
    for request in requests:
        there = [timeless(e) async for e in client.generator.generate(request)]
        here = [timeless(e) async for e in generator.generate(request)]
        assert there and there == here
    assert client.generator.model == generator.model


async def test_reads_ahead_as_the_model_does(client: EngineClient) -> None:
    messages = [{"role": "system", "content": "You are Nova, who has never been asked before."}]
    tokens = await client.generator.warm(WarmRequest(messages=messages, heard="What is your"))
    assert tokens > 5
    request = GenerateRequest(
        messages=[*messages, {"role": "user", "content": "What is your name?"}]
    )
    *_, done = [event async for event in client.generator.generate(request)]
    assert isinstance(done, llama_cpp.Done) and done.usage.cached_tokens >= tokens - 1
    assert done.usage.total_ms >= done.usage.ttft_ms > 0


async def test_speaks_as_the_model_does(
    client: EngineClient, synthesizer: piper.LocalSynthesizer
) -> None:
    request = SynthesisRequest(
        "It is 10:30, Dr. Smith. How are you?", noise_scale=0.0, noise_w=0.0, speed=1.1
    )
    there = [chunk async for chunk in client.synthesizer.synthesize(request)]
    here = [chunk async for chunk in synthesizer.synthesize(request)]
    assert "".join(w.text for c in there for w in c.words) == request.text
    assert [c.words for c in there] == [c.words for c in here]
    assert b"".join(c.pcm for c in there) == b"".join(c.pcm for c in here)
    assert client.synthesizer.info == synthesizer.info
    assert isinstance(client.synthesizer, piper.Synthesizer)


@pytest.mark.parametrize(
    ("audio", "languages", "error"),
    [
        (np.zeros(100, np.float32), ("en",), faster_whisper.RequestError),
        (np.zeros(16_000 * 31, np.float32), ("en",), faster_whisper.RequestError),
        (np.zeros(16_000, np.int16), ("en",), faster_whisper.RequestError),
        (np.zeros(16_000, np.float32), ("fr",), faster_whisper.LanguageError),
    ],
)
async def test_errors_of_hearing_are_the_models_own(
    client: EngineClient,
    transcriber: faster_whisper.LocalTranscriber,
    audio: Any,
    languages: tuple[str, ...],
    error: type[Exception],
) -> None:
    request = TranscriptionRequest("call", "wrong", audio, languages=languages)
    with pytest.raises(error) as there:
        await client.transcriber.transcribe(request)
    with pytest.raises(error) as here:
        await transcriber.transcribe(request)
    assert type(there.value) is type(here.value) and str(there.value) == str(here.value)


@pytest.mark.parametrize(
    "messages",
    [
        [{"role": "user", "content": "word " * 5000}],
        [{"role": "tool", "content": "an answer without a question"}],
        [],
    ],
)
async def test_errors_of_answering_are_the_models_own(
    client: EngineClient, generator: llama_cpp.LocalGenerator, messages: list[dict[str, Any]]
) -> None:
    outcomes = []
    for model in (client.generator, generator):
        try:
            got = [timeless(e) async for e in model.generate(GenerateRequest(messages=messages))]
            outcomes.append((got, ""))
        except llama_cpp.LlamaCppError as e:
            outcomes.append((type(e), str(e)))
    assert outcomes[0] == outcomes[1]


async def test_errors_of_speaking_are_the_models_own(client: EngineClient) -> None:
    for request, error in (
        (SynthesisRequest("Hello", speaker="nobody"), piper.UnknownSpeakerError),
        (SynthesisRequest("Hello", speed=9.0), piper.RequestError),
        (SynthesisRequest("\ud800"), piper.RequestError),
    ):
        with pytest.raises(error) as caught:
            await anext(client.synthesizer.synthesize(request))
        assert type(caught.value) is error


async def test_a_newer_partial_takes_the_place_of_the_older(
    client: EngineClient, hear: Callable[[str], Any]
) -> None:
    audio = np.tile(hear("Tell me a story."), 12)
    partials = [
        TranscriptionRequest("one call", f"p{i}", audio, priority=Priority.PARTIAL)
        for i in range(3)
    ]
    tasks = []
    for request in partials:
        tasks.append(asyncio.create_task(client.transcriber.transcribe(request)))
        await asyncio.sleep(0.01)
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(r) for r in results[:2]] == [faster_whisper.SupersededError] * 2
    assert isinstance(results[2], faster_whisper.Transcript)


async def test_a_full_queue_refuses(
    client: EngineClient, endless: GenerateRequest, idle: Callable[[EngineClient, str], Any]
) -> None:
    async def ask() -> None:
        async for _ in client.generator.generate(endless):
            pass

    tasks = [asyncio.create_task(ask()) for _ in range(40)]
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    error = next(e for t in done if (e := t.exception()))
    assert type(error) is llama_cpp.OverloadedError and "in progress or waiting" in str(error)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await idle(client, "llm")


async def test_deadlines_are_the_plugins_own(
    client: EngineClient, endless: GenerateRequest, hear: Callable[[str], Any]
) -> None:
    audio = np.tile(hear("Tell me a story."), 12)
    with pytest.raises(faster_whisper.DeadlineError):
        await client.transcriber.transcribe(TranscriptionRequest("c", "d", audio, timeout_s=0.01))
    with pytest.raises(llama_cpp.DeadlineError):
        async for _ in client.generator.generate(replace(endless, timeout_s=0.2)):
            pass


async def test_two_clients_share_one_copy_of_the_weights(
    client: EngineClient, shared_engine: Any, hear: Callable[[str], Any]
) -> None:
    audio = hear("What time is it?")
    async with await EngineClient.connect(shared_engine.socket) as other:
        assert (await client.status()).pid == (await other.status()).pid
        heard = await asyncio.gather(
            *(
                c.transcriber.transcribe(TranscriptionRequest(str(i), str(i), audio))
                for i, c in enumerate([client, other] * 3)
            )
        )
        assert len({t.text for t in heard}) == 1
    # one that leaves takes nothing from the other
    assert (await client.status()).health.serving


async def test_a_client_that_is_closed_says_so(
    shared_engine: Any, client: EngineClient, endless: GenerateRequest
) -> None:
    other = await EngineClient.connect(shared_engine.socket)
    waiting = asyncio.create_task(_rest(other.generator.generate(endless)))
    await asyncio.sleep(0.1)
    await other.aclose()
    with pytest.raises(llama_cpp.ClosedError):
        await waiting
    with pytest.raises(llama_cpp.ClosedError):
        await anext(other.generator.generate(asking("Hello.")))
    with pytest.raises(faster_whisper.ClosedError):
        await other.transcriber.transcribe(
            TranscriptionRequest("c", "r", np.zeros(16_000, np.float32))
        )
    await other.aclose()


async def _rest(events: AsyncIterator[Any]) -> None:
    async for _ in events:
        pass


async def test_too_large_a_request_is_refused_in_one_line(client: EngineClient) -> None:
    long = [{"role": "user", "content": "word " * 1_000_000}]
    with pytest.raises(llama_cpp.PromptTooLongError, match=r"^the request has 50\d+ bytes; expec"):
        await client.generator.warm(WarmRequest(messages=long))


async def test_the_engine_itself_bounds_messages_and_wants_deadlines(shared_engine: Any) -> None:
    address = Address.of(shared_engine.socket)
    async with grpc.aio.insecure_channel(
        address.target, options=[("grpc.max_send_message_length", -1)]
    ) as connection:
        stub = engine_pb2_grpc.TranscriberStub(connection)
        message = engine_pb2.TranscriptionRequest(audio=bytes(channel.MAX_MESSAGE_BYTES))
        with pytest.raises(grpc.aio.AioRpcError, match="larger than max") as caught:
            await stub.Transcribe(message, timeout=5, wait_for_ready=True)
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        for timeout in (None, 1e6):
            with pytest.raises(grpc.aio.AioRpcError, match="a call needs a deadline") as caught:
                await stub.Transcribe(engine_pb2.TranscriptionRequest(), timeout=timeout)
            assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        # what is no request of a plugin's is refused as one
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.Transcribe(engine_pb2.TranscriptionRequest(priority=9), timeout=5)
        assert ("earshot-error", "RequestError") in list(caught.value.trailing_metadata())
    address.close()


async def test_a_proxy_in_the_environment_does_not_matter(
    shared_engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "grpc_proxy", "all_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with await EngineClient.connect(shared_engine.socket, timeout_s=60) as client:
        assert (await client.health()).serving


async def test_status_tells_what_the_engine_is_made_of(client: EngineClient) -> None:
    status = await client.status()
    assert status.health.serving and status.profile == "starter" and status.uptime_s > 0
    assert [m.kind for m in status.models] == ["stt", "llm", "voice"]
    assert all(m.name and Path(m.path).exists() and not m.active for m in status.models)
    assert 50e6 < status.pss_bytes <= status.rss_bytes
    assert {"ctranslate2", "llama-cpp-python", "piper-tts", "onnxruntime"} <= set(status.libraries)


async def test_nobody_there(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"engine\.sock: the engine does not answer: no answer"):
        await EngineClient.connect(tmp_path / "engine.sock", timeout_s=0.3)
