"""The page in a real browser, on the real web application and a real livekit-server."""

import asyncio
import json
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from earshot.credentials import Credentials
from earshot.settings import load
from earshot.web.app import build_app
from earshot.web.limits import Limits
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from .agent import ScriptedAgent, join

ROOT = Path(__file__).parents[2]
KEY, SECRET = "earshot-page-test", "s" * 43
CODE = "abcd-efgh-jkmn-pqrs"
CREDENTIALS = Credentials(api_key=KEY, api_secret=SECRET, access_code=CODE, redis_password="r" * 43)
STATUS = {
    "ready": True,
    "agent_name": "",
    "persona": {"name": "Earshot"},
    "calls": 0,
    "calls_max": 2,
    "waiting": 0,
    "engine": "ready",
    "livekit": "ready",
    "version": "0.1.0",
}
CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
MICROPHONE = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]


def free_port(kind: int = socket.SOCK_STREAM) -> int:
    with socket.socket(socket.AF_INET, kind) as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@dataclass
class Livekit:
    """A livekit-server on ports of its own."""

    port: int
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"


def own_address() -> str:
    """An address of this machine beyond loopback, or loopback's; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"
        return str(sock.getsockname()[0])


def start_livekit(folder: Path, node_ip: str = "127.0.0.1", port: int | None = None) -> Livekit:
    """Starts one and waits until it answers."""
    binary = shutil.which("livekit-server") or str(ROOT / ".tools" / "livekit-server")
    if not Path(binary).exists():
        pytest.skip("livekit-server is not built: scripts/setup")
    port = port or free_port()
    config = {
        "port": port,
        "bind_addresses": sorted({"127.0.0.1", own_address()}),
        "keys": {KEY: SECRET},
        "logging": {"level": "warn"},
        "rtc": {
            "tcp_port": free_port(),
            "udp_port": free_port(socket.SOCK_DGRAM),
            "node_ip": node_ip,
            "use_external_ip": False,
            "enable_loopback_candidate": node_ip == "127.0.0.1",
            "ips": {"excludes": ["::/0"]},  # node_ip stands for IPv4 alone
        },
        "turn": {
            "enabled": True,
            "udp_port": free_port(socket.SOCK_DGRAM),
            "allow_restricted_peer_cidrs": [f"{node_ip}/32"],
        },
    }
    with (folder / f"livekit-{port}.log").open("wb") as log:
        process = subprocess.Popen(
            [binary, "--config-body", json.dumps(config)], stdout=log, stderr=log
        )
    for _ in range(100):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=1):
                return Livekit(port, process)
        except OSError:
            time.sleep(0.1)
    process.kill()
    process.wait()
    raise RuntimeError(f"livekit-server did not start: see {folder}")


def stop_livekit(livekit: Livekit) -> None:
    livekit.process.terminate()
    try:
        livekit.process.wait(10)
    except subprocess.TimeoutExpired:
        livekit.process.kill()
        livekit.process.wait()


@pytest.fixture(scope="session")
def livekit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Livekit]:
    server = start_livekit(tmp_path_factory.mktemp("livekit"))
    yield server
    stop_livekit(server)


@dataclass
class Site:
    """The web application, its state as the test wants it, and the rooms it gave tokens for."""

    port: int
    host: str = "127.0.0.1"
    status: dict[str, Any] = field(default_factory=lambda: dict(STATUS))
    rooms: asyncio.Queue[str] = field(default_factory=lambda: asyncio.Queue(100))
    runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}/"

    async def stop(self) -> None:
        if self.runner:
            await self.runner.cleanup()
            self.runner = None


StartSite = Callable[..., Awaitable[Site]]


@pytest.fixture
async def start_site() -> AsyncIterator[StartSite]:
    """start_site(livekit_port, host=…, limits=…) -> Site"""
    sites: list[Site] = []

    async def start(
        livekit_port: int, host: str = "127.0.0.1", limits: Limits | None = None, port: int = 0
    ) -> Site:
        site = Site(port or free_port(), host)

        async def status() -> dict[str, Any]:
            return site.status

        @web.middleware
        async def note_rooms(request: web.Request, handler: Any) -> web.StreamResponse:
            response = await handler(request)
            if request.path == "/api/token" and response.status == 201:
                site.rooms.put_nowait(json.loads(response.text)["room_name"])
            return response

        settings = load(
            {
                "network": {"page_port": site.port, "livekit_port": livekit_port},
            }
        )
        app = build_app(settings, CREDENTIALS, status, limits=limits or Limits(status_age_s=0.1))
        app.middlewares.append(note_rooms)
        site.runner = web.AppRunner(app)
        await site.runner.setup()
        await web.TCPSite(site.runner, host, site.port).start()
        sites.append(site)
        return site

    yield start
    for site in sites:
        await site.stop()


@pytest.fixture
async def site(start_site: StartSite, livekit: Livekit) -> Site:
    return await start_site(livekit.port)


@dataclass
class Window:
    """A page in a browser, with everything it asked for and complained about."""

    page: Page
    context: BrowserContext
    requests: list[str]
    complaints: list[str]

    @property
    def errors(self) -> list[str]:
        """What the page complained of. Chromium does not know every name of our Permissions-Policy."""
        return [text for text in self.complaints if "Permissions-Policy" not in text]

    async def state(self, state: str, timeout_s: float = 20) -> None:
        """Waits until the page is in a state."""
        await self.page.wait_for_selector(
            f'body[data-state="{state}"]', timeout=timeout_s * 1000, state="attached"
        )

    async def true(self, expression: str, timeout_s: float = 20) -> None:
        """Waits until an expression is true. (wait_for_function needs eval, which our page forbids.)"""
        for _ in range(int(timeout_s * 20)):
            if await self.page.evaluate(expression):
                return
            await asyncio.sleep(0.05)
        raise AssertionError(f"never true: {expression}")

    async def failure(self, code: str, timeout_s: float = 30) -> str:
        """Waits for a failure; returns what it says."""
        await self.page.wait_for_selector(
            f'body[data-failure="{code}"]', timeout=timeout_s * 1000, state="attached"
        )
        return await self.page.inner_text("#failure")


OpenWindow = Callable[..., Awaitable[Window]]


@pytest.fixture
async def open_window(tmp_path: Path) -> AsyncIterator[OpenWindow]:
    """open_window(url, microphone="yes" | "denied" | "none", dark=…, width=…, flags=…) -> Window"""
    if not Path(CHROMIUM).exists():
        pytest.skip("no Chromium")
    async with AsyncExitStack() as stack:
        playwright = await stack.enter_async_context(async_playwright())

        async def start(
            url: str,
            microphone: str = "yes",
            dark: bool = False,
            width: int = 1280,
            height: int = 860,
            wav: Path | None = None,
            flags: tuple[str, ...] = (),
            still: bool = False,
            scale: float = 1,
            autoplay: bool = True,
        ) -> Window:
            given = [*FLAGS, *flags]
            if microphone == "yes":
                given += MICROPHONE
            if microphone == "denied":
                given += [MICROPHONE[1]]
            if wav:
                given.append(f"--use-file-for-fake-audio-capture={wav}")
            browser: Browser = await playwright.chromium.launch(
                executable_path=CHROMIUM, args=given
            )
            stack.push_async_callback(browser.close)
            context = await browser.new_context(
                viewport={"width": width, "height": height},
                color_scheme="dark" if dark else "light",
                reduced_motion="reduce" if still else "no-preference",
                device_scale_factor=scale,
                permissions=["microphone"] if microphone == "yes" else [],
            )
            page = await context.new_page()
            window = Window(page, context, [], [])
            page.on("request", lambda request: window.requests.append(request.url))
            page.on("websocket", lambda socket: window.requests.append(socket.url))
            page.on(
                "console",
                lambda message: (
                    window.complaints.append(f"{message.type}: {message.text}")
                    if message.type in ("error", "warning")
                    else None
                ),
            )
            page.on("pageerror", lambda error: window.complaints.append(f"uncaught: {error}"))
            await page.goto(url)
            return window

        yield start


Answer = Callable[[Site], Awaitable[ScriptedAgent]]


@pytest.fixture
async def answer(livekit: Livekit) -> AsyncIterator[Answer]:
    """answer(site): the scripted agent joins the room of the newest token."""
    async with AsyncExitStack() as stack:

        async def answered(site: Site) -> ScriptedAgent:
            room = await asyncio.wait_for(site.rooms.get(), 20)
            while not site.rooms.empty():
                room = site.rooms.get_nowait()
            joining: AbstractAsyncContextManager[ScriptedAgent] = join(
                livekit.url, KEY, SECRET, room
            )
            return await stack.enter_async_context(joining)

        yield answered


@pytest.fixture
async def talking(
    site: Site, open_window: OpenWindow, answer: Answer, say: Callable[..., Path]
) -> tuple[Window, ScriptedAgent]:
    """A call that runs, with a microphone that plays speech."""
    window = await open_window(site.url, wav=say("One two three four five six seven."))
    await window.page.click("#talk")
    agent = await answer(site)
    await window.state("in-call")
    return window, agent
