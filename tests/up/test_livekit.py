"""The configuration, as the real livekit-server and the real redis read it."""

import asyncio
import shutil
import socket
import stat
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
import yaml
from earshot import credentials
from earshot.credentials import Credentials
from earshot.errors import StackError
from earshot.settings import LivekitSettings, Settings
from earshot.up import address, livekit, plan, probes, redis
from earshot.up.service import Service
from livekit import api

Free = Callable[..., int]


@dataclass
class Server:
    services: dict[str, Service]
    plan: plan.Plan

    @property
    def port(self) -> int:
        return self.plan.endpoints.ports["livekit_port"]

    @property
    def secrets(self) -> Credentials:
        return self.plan.credentials

    def listening(self) -> set[tuple[str, str, str]]:
        """(service, protocol, address) of every socket that waits for others."""
        return {
            (name, "tcp" if c.type == socket.SOCK_STREAM else "udp", c.laddr.ip)
            for name, service in self.services.items()
            for c in psutil.Process(service.status.pid).net_connections("inet")
            if c.status == psutil.CONN_LISTEN or (c.type == socket.SOCK_DGRAM and not c.raddr)
        }


@asynccontextmanager
async def serve(tmp_path: Path, **network: str) -> AsyncIterator[Server]:
    """redis and livekit-server of a plan; nothing else of it."""
    settings = Settings.model_validate({"state_dir": tmp_path, "network": network})
    made = plan.prepare(settings, auto_ports=True)
    services = {
        spec.name: Service(spec, tmp_path / "logs")
        for spec in made.services
        if spec.name in ("redis", "livekit")
    }
    kept = [asyncio.create_task(service.keep()) for service in services.values()]
    try:
        async with asyncio.timeout(30):
            for service in services.values():
                await service.ready.wait()
        yield Server(services, made)
    finally:
        for task in kept:
            task.cancel()
        await asyncio.gather(*kept, return_exceptions=True)
        for service in reversed(services.values()):
            await service.stop()


needs_server = pytest.mark.skipif(
    not (shutil.which("livekit-server") or (livekit.home() / ".tools" / "livekit-server").exists()),
    reason="no livekit-server here",
)


@needs_server
async def test_the_real_servers_take_it_and_stay_on_loopback(tmp_path: Path, mark: str) -> None:
    async with serve(tmp_path) as server:
        assert (await probes.get(server.port))[0] == 200
        listening = server.listening()
        assert {"tcp", "udp"} <= {protocol for name, protocol, _ in listening if name == "livekit"}
        assert {ip for _, _, ip in listening} == {"127.0.0.1"}

        # a token made with our keys is good, one made with others is not
        def token(secret: str) -> str:
            grants = api.VideoGrants(room_join=True, room="r")
            made = api.AccessToken(server.secrets.api_key, secret)
            return made.with_identity("me").with_grants(grants).to_jwt()

        path = "/rtc/validate?access_token="
        good = await probes.get(server.port, path + token(server.secrets.api_secret))
        assert good == (200, b"success")
        assert (await probes.get(server.port, path + token("x" * 43)))[0] == 401

        if "redis" in server.services:
            port = server.plan.endpoints.ports["redis_port"]
            assert "WRONGPASS" in await probes.redis(port, "wrong")()
            assert await probes.redis(port, server.secrets.redis_password)() == ""
            shown = " ".join(psutil.Process(server.services["redis"].status.pid).cmdline())
            assert server.secrets.redis_password not in shown
    for name in ("livekit.yaml", "redis.conf"):
        path_here = tmp_path / "run" / name
        if path_here.exists():
            assert stat.S_IMODE(path_here.stat().st_mode) == 0o600


@needs_server
async def test_on_the_network_it_listens_on_the_callers_address(tmp_path: Path, mark: str) -> None:
    found = address.find(Settings().network.model_copy(update={"listen": "lan"}))
    if found.loopback:
        pytest.skip("this machine has no network")
    async with serve(tmp_path, listen="lan") as server:
        listening = {(p, ip) for name, p, ip in server.listening() if name == "livekit"}
        # livekit-server can't bind its TCP port for audio to an address
        assert listening == {
            ("tcp", "127.0.0.1"),
            ("tcp", found.ip),
            ("tcp", "::"),
            ("udp", found.ip),
        }
        assert {ip for name, _, ip in server.listening() if name == "redis"} <= {"127.0.0.1"}
        assert server.plan.endpoints.livekit == f"ws://{found.ip}:{server.port}"


@needs_server
async def test_an_unknown_key_stops_it(
    tmp_path: Path, mark: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    template = tmp_path / "livekit.yaml"
    template.write_text(livekit.TEMPLATE.read_text() + "\nnonsense: 1\n")
    monkeypatch.setattr(livekit, "TEMPLATE", template)
    made = plan.prepare(
        Settings.model_validate({"state_dir": tmp_path, "livekit": {"redis": "off"}}),
        auto_ports=True,
    )
    service = Service(made.services[0], tmp_path / "logs")
    with pytest.raises(StackError, match=r"livekit ended with exit code \d, given up.*nonsense"):
        await asyncio.wait_for(service.keep(), 30)
    await service.stop()


def test_no_value_breaks_out_of_its_place(tmp_path: Path) -> None:
    odd = tmp_path / 'a folder: "with" #odd ${name}'
    text = livekit.render(
        livekit.Configuration(
            node_ip="10.0.0.5", port=1, rtc_udp_port=2, rtc_tcp_port=3, turn_port=4, key_file=odd,
            redis_address="redis:6379", redis_password='p"\n: #w',
        )
    )  # fmt: skip
    config = yaml.safe_load(text)
    assert config["key_file"] == str(odd)
    assert config["redis"] == {"address": "redis:6379", "password": 'p"\n: #w'}
    # in a container: everywhere, and told to callers as the machine's address
    assert (config["bind_addresses"], config["rtc"]["ips"]["includes"]) == ([""], [])
    assert config["turn"]["bind_addresses"] == ["0.0.0.0"]
    assert config["turn"]["allow_restricted_peer_cidrs"] == ["10.0.0.5/32"]
    assert config["rtc"]["use_external_ip"] is False


def test_the_template_is_one_file() -> None:
    root = livekit.home() / "livekit.yaml"
    assert root.resolve() == livekit.TEMPLATE.resolve()


def test_no_server_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(livekit, "home", lambda: tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StackError, match=r"run scripts/setup.*livekit\.url.*earshot talk --mic"):
        plan.prepare(Settings(state_dir=tmp_path))
    with pytest.raises(StackError, match="apt install redis-server"):
        redis.program(LivekitSettings(redis="on"))
    assert redis.program(LivekitSettings(redis="auto")) == ""


def test_a_foreign_server_needs_its_keys(tmp_path: Path) -> None:
    settings = Settings.model_validate(
        {"state_dir": tmp_path, "livekit": {"url": "ws://livekit:7880"}}
    )
    with pytest.raises(
        credentials.CredentialsError, match=r"keys\.yaml: not there; with livekit\.url"
    ):
        plan.prepare(settings, auto_ports=True)
    keys = tmp_path / "secrets" / "keys.yaml"
    keys.write_text(f"theirs: {'s' * 40}\n")
    keys.chmod(0o600)
    made = plan.prepare(settings, auto_ports=True)
    assert [spec.name for spec in made.services] == ["engine", "worker"]
    assert made.endpoints.livekit == made.endpoints.livekit_internal == "ws://livekit:7880"
