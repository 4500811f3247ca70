"""`earshot engine` as a process: where it listens, what it refuses, how it is found stuck."""

import asyncio
import contextlib
import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from earshot.engine import engine_pb2 as pb
from earshot.engine import probe
from earshot.engine.address import LONGEST_PATH_BYTES
from earshot.engine.client import EngineClient
from earshot.engine.server import EngineServer
from earshot.engine.status import State
from earshot.errors import EngineError
from earshot.models import load_profile
from earshot.session import load_models
from earshot.settings import load
from livekit.plugins.llama_cpp import GenerateRequest


def refused(*arguments: str, environment: dict[str, str]) -> str:
    """The one line of an engine that doesn't start."""
    done = subprocess.run(
        [sys.executable, "-m", "earshot", "engine", *arguments],
        env={"PATH": "/usr/bin:/bin", **environment},
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 2 and not done.stdout
    assert done.stderr.startswith("earshot: ") and done.stderr.count("\n") == 1
    return done.stderr


async def test_the_socket_is_private(shared_engine: Any, client: EngineClient) -> None:
    assert stat.S_IMODE(shared_engine.socket.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(shared_engine.socket.stat().st_mode) == 0o600
    assert "loaded" not in shared_engine.log


async def test_a_second_engine_is_refused(shared_engine: Any, client: EngineClient) -> None:
    line = refused(environment={"EARSHOT_STATE_DIR": str(shared_engine.folder)})
    pid = (await client.status()).pid
    assert f"{shared_engine.socket}: an engine listens here already (process {pid})" in line
    assert (await client.health()).serving and shared_engine.socket.exists()


@pytest.mark.parametrize("mode", [0o755, 0o710, 0o770])
def test_a_folder_that_others_may_enter_is_refused(tmp_path: Path, mode: int) -> None:
    folder = tmp_path / "open"
    folder.mkdir()
    folder.chmod(mode)
    line = refused("--socket", f"{folder}/e.sock", environment={"EARSHOT_STATE_DIR": f"{tmp_path}"})
    assert f"{folder}: others may enter it (mode {mode:o}); expected 700" in line
    assert not list(folder.iterdir())


def test_what_is_no_socket_is_not_removed(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    (tmp_path / "e.sock").write_text("precious")
    line = refused(
        "--socket", f"{tmp_path}/e.sock", environment={"EARSHOT_STATE_DIR": f"{tmp_path}"}
    )
    assert "is there and is not a socket" in line
    assert (tmp_path / "e.sock").read_text() == "precious"


def test_a_damaged_model_is_told_in_one_line(tmp_path: Path) -> None:
    environment = {
        "EARSHOT_STATE_DIR": f"{tmp_path}",
        "EARSHOT_PERSONA__VOICE": f"{tmp_path}/no.onnx",
    }
    assert "no.onnx" in refused(environment=environment)
    assert not (tmp_path / "run" / "engine.sock").exists()


async def test_a_path_too_long_for_a_socket_works(tmp_path: Path, own_engine_at: Any) -> None:
    folder = tmp_path / ("deep" * 30)
    folder.mkdir()
    engine = own_engine_at(folder)
    assert len(str(engine.socket)) > LONGEST_PATH_BYTES
    async with await EngineClient.connect(engine.socket, timeout_s=60) as client:
        assert (await client.health()).serving
        engine.kill()  # its stale socket is removed by the next
        engine.start()
        assert (await client.status(timeout_s=60)).pid == engine.process.pid
    assert (await probe.status(engine.socket)).pid == engine.process.pid


async def test_probing(shared_engine: Any, client: EngineClient, tmp_path: Path) -> None:
    assert (await probe.health(shared_engine.socket)).state is State.SERVING
    with pytest.raises(EngineError, match="the engine does not answer"):
        await probe.health(tmp_path / "nobody.sock")


async def test_an_engine_that_is_stopped_does_not_answer(own_engine: Any, own_client: Any) -> None:
    own_engine.process.send_signal(signal.SIGSTOP)
    try:
        with pytest.raises(EngineError, match=r"no answer within 0\.5 s"):
            await probe.health(own_engine.socket, timeout_s=0.5)
    finally:
        own_engine.process.send_signal(signal.SIGCONT)
    assert (await probe.health(own_engine.socket)).serving


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
async def test_a_native_call_that_does_not_come_back_is_noticed(tmp_path: Path) -> None:
    settings = load({"state_dir": tmp_path})
    profile = load_profile("starter", settings.models_dir)
    models = await asyncio.to_thread(load_models, settings, profile)
    server = EngineServer(models, profile, profile.voice, stalled_s=0.2)
    release = threading.Event()
    try:
        async for _ in models.generator.generate(
            GenerateRequest(messages=[{"role": "user", "content": "Hello."}])
        ):
            pass
        await asyncio.sleep(0.3)  # idle is not stuck
        assert server.health().state == pb.SERVING
        models.transcriber._scheduler.submit(
            "stuck", lambda stopped: release.wait(20), group="stuck", priority=0
        )
        await asyncio.sleep(0.3)
        health = server.health()
        assert health.state == pb.STALLED and "the stt model is stuck" in health.reason
        release.set()
        await asyncio.sleep(0.05)
        assert server.health().state == pb.SERVING

        # a thread that a bug ended
        models.generator._engine._step = None
        with pytest.raises(Exception, match="the engine stopped"):
            async for _ in models.generator.generate(
                GenerateRequest(messages=[{"role": "user", "content": "Hello."}])
            ):
                pass
        assert "the llm model has died" in server.health().reason
    finally:
        release.set()
        await server.stop(0)
        await models.aclose()


STUCK = """
import sys, time
from earshot.engine import warmth

warm = warmth.warm

async def stuck(models):
    await warm(models)
    models.transcriber._scheduler.submit(
        "stuck", lambda stopped: time.sleep(60), group="stuck", priority=0
    )

warmth.warm = stuck
sys.argv = ["earshot", "engine"]
from earshot.cli import main
main()
"""


async def test_a_stuck_native_call_does_not_hold_the_process(tmp_path: Path) -> None:
    environment = {**os.environ, "EARSHOT_STATE_DIR": str(tmp_path)}
    engine = await asyncio.create_subprocess_exec(sys.executable, "-c", STUCK, env=environment)
    try:
        async with await EngineClient.connect(tmp_path / "run/engine.sock", timeout_s=60) as client:
            stt = (await client.status()).models[0]
            assert stt.active == 1 and stt.stalled_s > 0
        engine.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(engine.wait(), 5) == 1
    finally:
        with contextlib.suppress(ProcessLookupError):
            engine.kill()
