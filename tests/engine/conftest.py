"""A real engine process on the starter models, and clients of it."""

import asyncio
import os
import signal
import subprocess
import sys
import time
import wave
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from earshot.engine.client import EngineClient
from livekit.plugins.llama_cpp import GenerateRequest

READY_S = 60.0


class Engine:
    """One `earshot engine`, which can be started again on its socket."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self.socket = folder / "run" / "engine.sock"
        self._log = folder / "engine.log"
        self._environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("EARSHOT_")},
            "EARSHOT_STATE_DIR": str(folder),
            **environment,
        }
        self.process: subprocess.Popen[bytes]

    def start(self) -> None:
        with self._log.open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "earshot", "engine"],
                env=self._environment,
                stdout=log,
                stderr=log,
            )

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> float:
        """SIGTERM; the seconds until it was gone."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        return time.monotonic() - began

    @property
    def log(self) -> str:
        return self._log.read_text()


@pytest.fixture(scope="session")
def shared_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """For tests that leave it as they found it."""
    engine = Engine(tmp_path_factory.mktemp("engine"))
    engine.start()
    yield engine
    if engine.process.poll() is None:
        engine.stop()


@pytest.fixture
def own_engine(tmp_path: Path) -> Iterator[Engine]:
    """For tests that kill it."""
    engine = Engine(tmp_path)
    engine.start()
    yield engine
    if engine.process.poll() is None:
        engine.stop()


@pytest.fixture
async def client(shared_engine: Engine) -> AsyncIterator[EngineClient]:
    async with await EngineClient.connect(shared_engine.socket, timeout_s=READY_S) as client:
        yield client


@pytest.fixture
async def own_client(own_engine: Engine) -> AsyncIterator[EngineClient]:
    async with await EngineClient.connect(own_engine.socket, timeout_s=READY_S) as client:
        yield client


@pytest.fixture
def endless() -> GenerateRequest:
    """A reply of hundreds of tokens, whatever the model: its grammar demands these numbers."""
    numbers = {"type": "string", "enum": [" ".join(map(str, range(160)))]}
    parameters = {"type": "object", "properties": {"n": numbers}, "required": ["n"]}
    function = {"name": "count", "description": "Counts.", "parameters": parameters}
    return GenerateRequest(
        messages=[{"role": "user", "content": "Count."}],
        tools=[{"type": "function", "function": function}],
        tool_choice="required",
        max_tokens=700,
    )


@pytest.fixture
def hear(say: Callable[..., Path]) -> Callable[[str], Any]:
    """hear("text") -> what flite says, as the recogniser takes it."""

    def load(text: str) -> Any:
        with wave.open(str(say(text))) as file:
            assert (file.getframerate(), file.getnchannels()) == (16_000, 1)
            pcm = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        return pcm.astype(np.float32) / 32768

    return load


@pytest.fixture
def idle() -> Callable[[EngineClient, str], Awaitable[float]]:
    """idle(client, "llm") -> seconds until that model half had nothing to do any more."""

    async def wait(client: EngineClient, kind: str) -> float:
        began = time.monotonic()
        while time.monotonic() - began < 10:
            model = next(m for m in (await client.status()).models if m.kind == kind)
            if not model.active:
                return time.monotonic() - began
            await asyncio.sleep(0.005)
        raise AssertionError(f"{kind} still works after 10 s")

    return wait


@pytest.fixture
def own_engine_at() -> Iterator[Callable[[Path], Engine]]:
    """own_engine_at(folder) -> an engine whose state is there."""
    engines = []

    def start(folder: Path) -> Engine:
        engine = Engine(folder)
        engine.start()
        engines.append(engine)
        return engine

    yield start
    for engine in engines:
        if engine.process.poll() is None:
            engine.stop()
