"""Parts of the stack that are down, wrong or not ready: each is named."""

import asyncio
import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from earshot import credentials
from earshot.doctor import checks, installation
from earshot.doctor.examination import examine
from earshot.doctor.finding import Finding
from earshot.doctor.target import Target, here, of_page, of_server
from earshot.endpoints import Endpoints
from earshot.up import redis as redis_service
from earshot.up import report
from earshot.up.address import Address
from earshot.up.service import Status
from earshot.up.stack import alone
from livekit.plugins.llama_cpp import verdicts
from livekit.plugins.llama_cpp.build import choose_build
from livekit.plugins.llama_cpp.cpu import this_cpu

from ..livekit_server import STARTS_WITHIN_S
from .conftest import ROOT, doctor
from .network import KEY, SECRET, configuration, free, livekit

MODELS = ROOT / "models"
NOBODY = 9


def endpoints(state: Path, **changes: Any) -> Endpoints:
    port = free()
    made = Endpoints(
        page=f"http://127.0.0.1:{port}",
        livekit=f"ws://127.0.0.1:{free()}",
        livekit_internal=f"ws://127.0.0.1:{free()}",
        engine=str(state / "run" / "engine.sock"),
        health="",
        metrics="",
        redis=f"127.0.0.1:{free()}",
        ports={"page_port": port},
        log_dir=str(state / "logs"),
    )
    return replace(made, **changes)


@contextmanager
def standing(state: Path, states: dict[str, str] | None = None, **changes: Any) -> Iterator[Target]:
    """A stack that seems to run with this state folder, as `up` leaves its traces."""
    credentials.load_or_create(state)
    with alone(state):
        endpoints(state, **changes).write(state)
        told = states or dict.fromkeys(("redis", "livekit", "engine", "worker"), "ready")
        report.remember(state / "run", {n: Status(state=s) for n, s in told.items()})  # type: ignore[arg-type]
        yield here(state)


async def only(target: Target, *names: str) -> dict[str, Finding]:
    chosen = [c for c in checks.checks(target) if c.name in names]
    return {f.check: f async for f in examine(target, chosen)}


async def test_nothing_runs(tmp_path: Path) -> None:
    result = await doctor("--json", state=tmp_path / "state")
    causes = result.causes
    assert causes.pop("stack") == "not_running"
    assert set(causes) <= {"ports", "machine"}  # somebody else may have the ports
    assert result.findings["page"]["colour"] == "grey"
    assert result.status == 1


async def test_a_wrong_setting_is_a_finding() -> None:
    environment = {"EARSHOT_CALLS__MAX": "many"}
    result = await doctor("--json", environment=environment)
    assert result.causes == {"settings": "settings_wrong"}
    assert "EARSHOT_CALLS__MAX" in result.findings["settings"]["said"]
    assert result.status == 1


async def test_models_that_are_not_complete(tmp_path: Path) -> None:
    result = await doctor(
        "--json", state=tmp_path / "state", environment={"EARSHOT_PROFILE": "small"}
    )
    assert result.causes["models"] == "models_incomplete"


async def test_which_build_of_llama_cpp_runs_the_model(tmp_path: Path) -> None:
    """A verdict that is there is told; where there is none, the model is tried, and nothing kept."""
    model = MODELS / "starter" / "llm" / "starter.gguf"
    found = (await only(here(tmp_path), "processor"))["processor"]
    assert found.colour == "green"
    assert model.name in found.said and this_cpu().name in found.said
    assert not (tmp_path / "variants").exists()

    best = choose_build(model, cache_dir=tmp_path / "variants").variant
    key = verdicts.key(model, this_cpu(), None)
    verdict = verdicts.recall(tmp_path / "variants", key)
    assert verdict is not None
    verdict.scores["newest"], verdict.refused["newest"] = 1 << 20, "SIGILL"
    verdicts.remember(tmp_path / "variants", key, verdict)
    found = (await only(here(tmp_path), "processor"))["processor"]
    assert (found.colour, found.cause) == ("yellow", "variant_refused")
    assert f"runs on {best}" in found.said and "newest (SIGILL)" in found.said

    verdict.refused = dict.fromkeys(verdict.scores, "SIGILL")
    verdicts.remember(tmp_path / "variants", key, verdict)
    found = (await only(here(tmp_path), "processor"))["processor"]
    assert (found.colour, found.cause) == ("red", "variant_none")
    assert "(SIGILL)" in found.said and this_cpu().name in found.said


async def test_a_secret_that_others_may_read(tmp_path: Path) -> None:
    credentials.load_or_create(tmp_path)
    (tmp_path / "secrets" / "access-code").chmod(0o644)
    found = await only(here(tmp_path), "secrets")
    assert found["secrets"].cause == "secrets_unusable"
    assert "644" in found["secrets"].said
    (tmp_path / "secrets" / "access-code").unlink()
    found = await only(here(tmp_path), "secrets")
    assert found["secrets"].cause == "secrets_unusable"


async def test_containers_have_no_password_of_redis(tmp_path: Path) -> None:
    credentials.load_or_create(tmp_path, redis=False)
    assert (await only(here(tmp_path), "secrets"))["secrets"].colour == "green"
    assert not (tmp_path / "secrets" / "redis-password").exists(), "the doctor makes nothing"


async def test_ports_that_another_has(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        environment = {"EARSHOT_NETWORK__PAGE_PORT": port}
        result = await doctor("--json", state=tmp_path / "state", environment=environment)
    assert result.causes["ports"] == "ports_busy"
    assert f"{port}/tcp (network.page_port)" in result.findings["ports"]["said"]


@pytest.mark.parametrize(
    ("address", "cause"),
    [
        (Address("192.0.2.9", "as set", "192.0.2.9 is no address here", foreign=True),
         "address_foreign"),
        (Address("172.17.0.1", "docker0", "docker0 looks like a container's network"),
         "address_doubtful"),
    ],
)  # fmt: skip
async def test_an_address_that_callers_may_not_reach(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: Address, cause: str
) -> None:
    monkeypatch.setattr(installation, "find", lambda network: address)
    monkeypatch.setattr(installation, "_inside", lambda: False)
    found = await only(here(tmp_path), "settings", "address")
    assert (found["address"].colour, found["address"].cause) == ("yellow", cause)


async def test_services_that_are_down_or_were_started_anew(tmp_path: Path) -> None:
    states = {"redis": "ready", "engine": "failed"}
    with standing(tmp_path, states) as target:
        assert (await only(target, "stack"))["stack"].cause == "service_down"
    with standing(tmp_path, {"engine": "starting"}) as target:
        assert (await only(target, "stack"))["stack"].cause == "service_starting"


async def test_the_engine_is_not_there(tmp_path: Path) -> None:
    with standing(tmp_path) as target:
        found = await only(target, "stack", "engine")
    assert found["engine"].cause == "engine_down"
    assert "engine.sock is not there" in found["engine"].said


async def test_redis_that_is_down_or_has_another_password(tmp_path: Path) -> None:
    with standing(tmp_path) as target:
        assert (await only(target, "redis"))["redis"].cause == "redis_down"
    with (
        redis(tmp_path, "another") as there,
        standing(tmp_path, redis=there.address) as target,
    ):
        assert (await only(target, "redis"))["redis"].cause == "redis_password"
    password = credentials.load_or_create(tmp_path).redis_password
    with (
        redis(tmp_path, password) as there,
        standing(tmp_path, redis=there.address) as target,
    ):
        assert (await only(target, "redis"))["redis"].colour == "green"


async def test_livekit_server_has_lost_redis(livekit_server: str, tmp_path: Path) -> None:
    port, udp, turn = free(), free(socket.SOCK_DGRAM), free(socket.SOCK_DGRAM)
    with redis(tmp_path, SECRET) as there:
        values = configuration(tmp_path, node_ip="127.0.0.1", rtc_tcp_port=0)
        values |= {"port": port, "bind_addresses": ["127.0.0.1"]}
        values["turn"] |= {"udp_port": turn, "bind_addresses": ["127.0.0.1"]}  # type: ignore[operator]
        values["rtc"] |= {"udp_port": udp, "ips": {"includes": ["127.0.0.1/32"]}}  # type: ignore[operator]
        values["redis"] = {"address": there.address, "password": SECRET}
        async with livekit(livekit_server, None, tmp_path, values, port):
            target = of_server(f"ws://127.0.0.1:{port}", KEY, SECRET)
            assert (await only(target, "livekit"))["livekit"].colour == "green"
            there.process.kill()
            async with asyncio.timeout(60):  # its statistics have to grow old
                while (found := await only(target, "livekit"))["livekit"].colour == "green":
                    await asyncio.sleep(0.2)
    assert found["livekit"].cause == "livekit_unwell"


class Page:
    """A page that says of the stack what the test wants."""

    def __init__(self, ready: tuple[int, str], engine: str, livekit: str) -> None:
        self._ready, self._status = ready, {"engine": engine, "livekit": livekit}

    async def __aenter__(self) -> Target:
        app = web.Application()
        app.router.add_get("/readyz", self._readyz)
        app.router.add_get("/api/status", self._state)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        port = free()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        return of_page(f"http://127.0.0.1:{port}")

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _readyz(self, _: web.Request) -> web.Response:
        status, reason = self._ready
        return web.Response(status=status, text=json.dumps({"reason": reason}))

    async def _state(self, _: web.Request) -> web.Response:
        return web.json_response(self._status)


@pytest.mark.parametrize(
    ("ready", "engine", "livekit_state", "cause"),
    [
        ((503, "livekit-server is not reached"), "ready", "down", "no_worker"),
        ((503, "the engine starts"), "restarting", "down", "not_ready"),
        ((403, "another name"), "ready", "ready", "page_refuses"),
        ((404, ""), "ready", "ready", "page_down"),
    ],
)
async def test_what_the_page_says(
    ready: tuple[int, str], engine: str, livekit_state: str, cause: str
) -> None:
    async with Page(ready, engine, livekit_state) as target:
        assert (await only(target, "page"))["page"].cause == cause


async def test_a_page_without_https_gives_no_microphone_elsewhere() -> None:
    found = await only(of_page("http://192.0.2.9:8080"), "microphone")
    assert found["microphone"].cause == "insecure_origin"
    found = await only(of_page("https://192.0.2.9:8443"), "microphone")
    assert found["microphone"].colour == "green"


@dataclass(frozen=True)
class Redis:
    address: str
    process: subprocess.Popen[bytes]


@contextmanager
def redis(folder: Path, password: str) -> Iterator[Redis]:
    """Yielded once it takes connections."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed")
    port = free()
    path = folder / "redis.conf"
    path.write_text(redis_service.render(port, password))
    process = subprocess.Popen([program, str(path)], stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + STARTS_WITHIN_S
        while not _listens(port):
            assert process.poll() is None and time.monotonic() < deadline, "redis does not start"
            time.sleep(0.02)
        yield Redis(f"127.0.0.1:{port}", process)
    finally:
        process.kill()
        process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0
