"""A real engine process on the starter models, and clients of it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from earshot.engine.client import EngineClient

ROOT = Path(__file__).parents[2]


class Engine:
    """One `earshot engine`, which can be started again on its socket."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.socket = folder / "run" / "engine.sock"
        self._log = folder / "engine.log"
        self._environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("EARSHOT_")},
            # the cut voice is made once for all tests
            "EARSHOT_STATE_DIR": str(ROOT / ".state"),
            **environment,
        }
        self.process: subprocess.Popen[str]

    def start(self) -> None:
        with self._log.open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "earshot", "engine", "--socket", str(self.socket)],
                env=self._environment, stdout=log, stderr=log, text=True,
            )  # fmt: skip

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
    async with await EngineClient.connect(shared_engine.socket, timeout_s=60) as client:
        yield client
