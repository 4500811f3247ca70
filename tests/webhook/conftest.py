"""Webhooks signed as livekit-server signs them, and a real livekit-server that sends some."""

import asyncio
import base64
import datetime
import hashlib
import json
import shutil
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from livekit import api

ROOT = Path(__file__).parents[2]
KEY, SECRET = "earshot-test", "s" * 43


def signed(
    body: bytes,
    key: str = KEY,
    secret: str = SECRET,
    ttl_s: float = 300,
    sha256: str | None = None,
) -> str:
    """The header Authorization of a webhook."""
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    token = api.AccessToken(key, secret).with_ttl(datetime.timedelta(seconds=ttl_s))
    return token.with_sha256(digest if sha256 is None else sha256).to_jwt()


def body_of(event: str = "room_started", **fields: Any) -> bytes:
    room = {"sid": "RM_1", "name": "lobby", "creationTimeMs": "1700000000000"}
    told = {"event": event, "id": "EV_1", "createdAt": "1700000000", "room": room, **fields}
    return json.dumps(told).encode()


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


Serve = Callable[[str], AbstractAsyncContextManager[str]]


@pytest.fixture
def livekit(tmp_path: Path) -> Serve:
    """`async with livekit(webhook_url) as url`: a livekit-server that tells that address."""
    built = ROOT / ".tools" / "livekit-server"
    binary = str(built) if built.exists() else shutil.which("livekit-server")
    if binary is None:
        pytest.skip("no livekit-server; scripts/setup builds it")

    @asynccontextmanager
    async def serve(webhook: str) -> AsyncIterator[str]:
        port = free_port()
        config = {
            "port": port,
            "bind_addresses": ["127.0.0.1"],
            "rtc": {
                "tcp_port": free_port(),
                "udp_port": free_port(),
                "use_external_ip": False,
                "node_ip": "127.0.0.1",
                "enable_loopback_candidate": True,
            },
            "turn": {"enabled": True, "udp_port": free_port()},
            "keys": {KEY: SECRET},
            "webhook": {"api_key": KEY, "urls": [webhook]},
            "logging": {"level": "warn"},
        }
        path = tmp_path / "livekit.yaml"
        path.touch(mode=0o600)
        path.write_text(yaml.safe_dump(config))
        with (tmp_path / "livekit.log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                binary, "--config", path, stdout=log, stderr=log
            )
        try:
            async with aiohttp.ClientSession() as http:
                for _ in range(600):
                    try:
                        async with http.get(f"http://127.0.0.1:{port}") as r:
                            if r.status == 200:
                                break
                    except aiohttp.ClientError:
                        await asyncio.sleep(0.05)
                else:
                    pytest.fail((tmp_path / "livekit.log").read_text())
            yield f"ws://127.0.0.1:{port}"
        finally:
            process.kill()
            await asyncio.wait_for(process.wait(), 10)

    return serve
