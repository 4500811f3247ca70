"""The web application on a real socket, with a clock that tests turn."""

import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from earshot.credentials import Credentials
from earshot.settings import Settings, load
from earshot.web.app import build_app
from earshot.web.gate import CODE_HEADER
from earshot.web.limits import Limits
from earshot.web.server import serve

from ..livekit_server import free_port

CODE = "abcd-efgh-jkmn-pqrs"
CREDENTIALS = Credentials(
    api_key="earshot-test", api_secret="s" * 43, access_code=CODE, redis_password="r" * 43
)
READY = {"ready": True, "engine": "ready", "livekit": "ready", "calls": 0, "calls_max": 2}


@dataclass
class Clock:
    """Seconds that pass when a test says so."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Site:
    """A running application and a client that looks like its own page in a browser."""

    url: str
    port: int
    http: aiohttp.ClientSession
    clock: Clock
    state: dict[str, Any] = field(default_factory=lambda: dict(READY))

    @property
    def own(self) -> dict[str, str]:
        """What a browser sends from the page on this machine."""
        return {"Origin": self.url, "Sec-Fetch-Site": "same-origin"}

    async def token(
        self,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> tuple[int, dict[str, Any], Mapping[str, str]]:
        """POST /api/token from the page, or with `headers` instead of the page's."""
        sent = self.own if headers is None else headers
        options: dict[str, Any] = {"json": {} if body is None else body, **more}
        async with self.http.post("/api/token", headers=sent, **options) as r:
            return r.status, await r.json(), r.headers

    def coded(self, code: str = CODE, **headers: str) -> dict[str, str]:
        """What a program with the access code sends."""
        return {CODE_HEADER: code, **headers}


Start = Callable[..., Awaitable[Site]]


def address_of_this_machine() -> str:
    """One that is not loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect(("192.0.2.1", 9))  # sends nothing: asks for the route
        except OSError:
            pytest.skip("no network here")
        address: str = sock.getsockname()[0]
        return address


def settings_of(**overrides: Any) -> Settings:
    network = {"page_port": free_port(), "livekit_port": 7880, **overrides.pop("network", {})}
    return load({"network": network, **overrides})


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """A small page."""
    folder = tmp_path / "static"
    (folder / "js").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>t</title>" + "<p>hello</p>" * 200)
    (folder / "js" / "main.js").write_text("export const answer = 42;\n" * 100)
    (folder / "tiny.css").write_text("p{}")
    (folder / ".hidden").write_text("hidden")
    (tmp_path / "secret.txt").write_text("secret")
    return folder


@pytest.fixture
async def start(page: Path) -> AsyncIterator[Start]:
    """start(limits=…, settings…) -> Site"""
    async with AsyncExitStack() as stack:

        async def started(limits: Limits | None = None, **overrides: Any) -> Site:
            settings = settings_of(**overrides)
            clock = Clock()
            port = settings.network.page_port
            state = dict(READY)

            async def status() -> dict[str, Any]:
                return state

            app = build_app(
                settings, CREDENTIALS, status, static=page, limits=limits or Limits(), clock=clock
            )
            urls = await stack.enter_async_context(serve(app, settings.network))
            assert urls[0] == f"http://127.0.0.1:{port}"
            http = await stack.enter_async_context(aiohttp.ClientSession(urls[0]))
            return Site(urls[0], port, http, clock, state)

        yield started


@pytest.fixture
async def site(start: Start) -> Site:
    return await start()
