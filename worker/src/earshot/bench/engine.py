"""What the engine process adds to a request, and how soon a cancelled one is out of native code.

Each request is made to the same models twice: in this process, and through the client of an engine
process. Both have the machine to themselves in turn.
"""

import asyncio
import contextlib
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from livekit.plugins.faster_whisper import TranscriptionRequest
from livekit.plugins.llama_cpp import GenerateRequest
from livekit.plugins.piper import SynthesisRequest

from ..engine.client import EngineClient
from ..engine.server import EngineServer
from ..models import load_profile
from ..session import LocalModels, Models, load_models
from ..settings import Settings
from .row import Row

ADDED_MS = 2.0
CANCEL_MS = 50.0
WHILE_IT_WORKS_S = 0.08

_AUDIO = np.random.default_rng(0).standard_normal(3 * 16_000, np.float32) / np.float32(10)
_HELLO = GenerateRequest(messages=[{"role": "user", "content": "Hello."}])
_SENTENCE = SynthesisRequest("Hello there, how are you today?", noise_scale=0.0, noise_w=0.0)
_LONG = SynthesisRequest(
    "This sentence is one of very many, and somebody will stop it soon. " * 200
)
_PROMPT = GenerateRequest(messages=[{"role": "user", "content": "Hello. " * 200}])
_NUMBERS = {"type": "array", "items": {"type": "integer"}, "minItems": 400}
_ENDLESS = GenerateRequest(
    messages=[{"role": "user", "content": "Count."}],
    tools=[
        {
            "type": "function",
            "function": {
                "name": "count",
                "description": "Counts.",
                "parameters": {
                    "type": "object",
                    "properties": {"numbers": _NUMBERS},
                    "required": ["numbers"],
                },
            },
        }
    ],
    tool_choice="required",
    max_tokens=700,
)


def measure(settings: Settings, count: int = 60) -> list[Row]:
    """Medians of `count` requests, and of a quarter as many cancelled ones."""
    return asyncio.run(_measure(settings, count))


async def _measure(settings: Settings, count: int) -> list[Row]:
    profile = load_profile(settings.profile, settings.models_dir)
    with tempfile.TemporaryDirectory() as folder:
        socket = Path(folder) / "run" / "engine.sock"
        async with _process(socket, profile.name), await _connect(socket) as client:
            remote = await _times(client.models, count)
            status = await client.status()
    models = await asyncio.to_thread(load_models, settings, profile)
    try:
        local = await _times(models, count)
        server = EngineServer(models, profile, profile.voice)
        with tempfile.TemporaryDirectory() as folder:
            socket = Path(folder) / "engine.sock"
            server.listen(socket)
            await server.start()
            async with await _connect(socket) as client:
                cancelled = await _cancelled(client, models, max(count // 4, 3))
            await server.stop(0)
    finally:
        await models.aclose()
    rows = [
        Row(f"{what}: added by the engine", profile.name, remote[what] - at, None, ADDED_MS)
        for what, at in local.items()
    ]
    rows += [
        Row(f"{what} cancelled -> native code has ended", profile.name, at, None, CANCEL_MS)
        for what, at in cancelled.items()
    ]
    return [
        *rows,
        Row("memory of the engine (PSS)", profile.name, status.pss_bytes / 1e6, unit="MB"),
    ]


@contextlib.asynccontextmanager
async def _process(socket: Path, profile: str) -> AsyncIterator[None]:
    engine = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "earshot", "engine", "--socket", str(socket), "--profile", profile
    )
    try:
        yield
    finally:
        engine.terminate()
        await engine.wait()


async def _connect(socket: Path) -> EngineClient:
    return await EngineClient.connect(socket, timeout_s=120.0)


async def _times(models: Models, count: int) -> dict[str, float]:
    """Median milliseconds until the first thing comes back."""

    async def hear(i: int) -> None:
        await models.transcriber.transcribe(TranscriptionRequest("bench", str(i), _AUDIO))

    async def answer(i: int) -> None:
        await _first(models.generator.generate(_HELLO))

    async def speak(i: int) -> None:
        await _first(models.synthesizer.synthesize(_SENTENCE))

    asked: dict[str, Callable[[int], Awaitable[None]]] = {
        "transcript of 3 s": hear,
        "first token": answer,
        "first sound": speak,
    }
    return {what: await _median(ask, count) for what, ask in asked.items()}


async def _median(ask: Callable[[int], Awaitable[None]], count: int) -> float:
    times = []
    for i in range(count):
        began = time.perf_counter()
        await ask(i)
        times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times)


async def _first(events: Any) -> None:
    async with contextlib.aclosing(events):
        await anext(events)


async def _cancelled(client: EngineClient, models: LocalModels, count: int) -> dict[str, float]:
    """Median milliseconds from the client's cancelling until the model half has nothing to do."""

    def prompt(i: int) -> Any:
        message = {"role": "system", "content": f"You are number {i}."}
        request = replace(_PROMPT, messages=[message, *_PROMPT.messages])
        return client.generator.generate(request)

    work: dict[str, tuple[Any, Callable[[int], Any]]] = {
        "a reply": (models.generator, lambda i: client.generator.generate(_ENDLESS)),
        "a prompt": (models.generator, prompt),
        "speech": (models.synthesizer, lambda i: client.synthesizer.synthesize(_LONG)),
    }
    medians = {}
    for what, (half, begin) in work.items():
        times = []
        for i in range(count):
            task = asyncio.create_task(_read(begin(i)))
            await asyncio.sleep(WHILE_IT_WORKS_S)
            began = time.perf_counter()
            task.cancel()
            while half.active:
                await asyncio.sleep(0.0005)
            times.append((time.perf_counter() - began) * 1000)
            await asyncio.wait([task])
        medians[what] = statistics.median(times)
    return medians


async def _read(events: Any) -> None:
    async with contextlib.aclosing(events):
        async for _ in events:
            pass
