"""A livekit-server with redis, one without, and `earshot` as a person or a script would run it."""

import asyncio
import io
import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from earshot.cli import main
from earshot.operator.connection import Connection
from livekit import api, rtc

from ..livekit_server import free_port, livekit_server

ROOT = Path(__file__).parents[2]
BINARY = ROOT / ".tools" / "livekit-server"
KEY, SECRET = "APIoperator", "an-operator-s-secret-of-sufficient-length"


INGRESS = {"rtmp_base_url": "rtmp://127.0.0.1:1935/x", "whip_base_url": "http://h/w"}


@pytest.fixture(scope="session")
def redis_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    if not shutil.which("redis-server"):
        pytest.skip("no redis-server")
    port = free_port()
    folder = tmp_path_factory.mktemp("redis")
    store = subprocess.Popen(
        ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder],
        stdout=subprocess.DEVNULL,
    )
    try:
        for _ in range(600):
            with socket.socket() as sock:
                if not sock.connect_ex(("127.0.0.1", port)):
                    break
            time.sleep(0.05)
        yield port
    finally:
        store.kill()
        store.wait(10)


@pytest.fixture(scope="session")
def server_url(redis_port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A livekit-server with redis; it serves all tests of this folder, each in rooms of its own."""
    redis = {"address": f"127.0.0.1:{redis_port}"}
    folder = tmp_path_factory.mktemp("operator")
    with livekit_server(folder, {KEY: SECRET}, ingress=INGRESS, redis=redis) as url:
        yield url


@pytest.fixture(scope="session")
def lone_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A livekit-server without redis."""
    with livekit_server(tmp_path_factory.mktemp("lone"), {KEY: SECRET}, ingress=INGRESS) as url:
        yield url


@dataclass(frozen=True)
class Result:
    """What a command did."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Earshot = Callable[..., Awaitable[Result]]


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without projects, a folder without compose, and nothing that runs."""
    for name in ("LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("EARSHOT_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def there(nowhere: Path, server_url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The server of these tests is in the environment."""
    monkeypatch.setenv("LIVEKIT_URL", server_url)
    monkeypatch.setenv("LIVEKIT_API_KEY", KEY)
    monkeypatch.setenv("LIVEKIT_API_SECRET", SECRET)
    return nowhere


def run_here(*args: str, stdin: str = "") -> Result:
    """`earshot ARGS`, in this process."""
    before = sys.argv, sys.stdin, sys.stdout, sys.stderr
    out, err = io.StringIO(), io.StringIO()
    sys.argv = ["earshot", *args]
    sys.stdin = io.TextIOWrapper(io.BytesIO(stdin.encode()), encoding="utf-8")
    sys.stdout, sys.stderr = out, err
    status = 0
    try:
        main()
    except SystemExit as e:
        status = e.code if isinstance(e.code, int) else 1
    finally:
        sys.argv, sys.stdin, sys.stdout, sys.stderr = before
    return Result(status, out.getvalue(), err.getvalue())


@pytest.fixture
def earshot(nowhere: Path) -> Earshot:
    """await earshot("room", "list") -> status, out, err; the test's event loop goes on."""

    async def run(*args: str, stdin: str = "") -> Result:
        return await asyncio.to_thread(run_here, *args, stdin=stdin)

    return run


@pytest.fixture
async def server(server_url: str) -> AsyncIterator[api.LiveKitAPI]:
    """The server, asked without our commands."""
    async with api.LiveKitAPI(server_url, KEY, SECRET) as found:
        yield found


@pytest.fixture
def connection(server_url: str) -> Connection:
    return Connection(server_url, KEY, SECRET, "test")


@asynccontextmanager
async def joined(
    url: str, room: str, identity: str, *, microphone: bool = False, **grants: Any
) -> AsyncIterator[rtc.Room]:
    """A participant."""
    token = (
        api.AccessToken(KEY, SECRET)
        .with_identity(identity)
        .with_grants(api.VideoGrants(room_join=True, room=room, **grants))
    )
    client = rtc.Room()
    await asyncio.wait_for(client.connect(url, token.to_jwt()), 60)
    try:
        if microphone:
            await publish(client)
        yield client
    finally:
        await client.disconnect()


async def publish(client: rtc.Room, name: str = "mic") -> str:
    """A silent microphone; returns its track's sid."""
    track = rtc.LocalAudioTrack.create_audio_track(name, rtc.AudioSource(48000, 1))
    options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
    done = await asyncio.wait_for(client.local_participant.publish_track(track, options), 60)
    return str(done.sid)


async def until(what: Callable[[], Any], seconds: float = 60) -> Any:
    """Waits until something is true, and returns it."""
    async with asyncio.timeout(seconds):
        while True:
            result = what()
            if asyncio.iscoroutine(result):
                result = await result
            if result:
                return result
            await asyncio.sleep(0.05)
