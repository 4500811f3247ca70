"""One running stack for all tests of a call, its callers and its browsers."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from earshot.caller import Caller, Seen, Speech, from_page
from earshot.caller.stack import Stack
from playwright.async_api import Browser, Playwright, async_playwright

from .browser import Window, chromium, window
from .sound import Listener, noise, spoken

ROOT = Path(__file__).parents[3]
SILENCE_S = 60.0

Say = Callable[..., Speech]
OpenCall = Callable[..., AbstractAsyncContextManager[Caller]]
OpenWindow = Callable[[Browser], AbstractAsyncContextManager[Window]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All tests here share one event loop: the stack, the browsers and the silent call live in it."""
    here = Path(__file__).parent
    for item in items:
        if item.path.parent == here:
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("call")


@pytest.fixture(scope="session")
def needed() -> None:
    """What cannot be had everywhere."""
    built = ROOT / ".tools" / "livekit-server"
    if not (shutil.which("livekit-server") or built.exists()):
        pytest.skip("livekit-server is not built: scripts/setup")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stack(needed: None, folder: Path) -> AsyncIterator[Stack]:
    """`earshot up`, ready."""
    async with Stack(folder / "state", {"EARSHOT_CALLS__MAX": "6"}) as running:
        yield running
        print(f"logs: {folder / 'state' / 'logs'}")  # shown where a test failed


@pytest.fixture(scope="session")
def say_it(folder: Path) -> Say:
    """say_it("text", voice="slt") -> Speech"""

    def say(text: str, voice: str = "slt") -> Speech:
        return spoken(text, voice, folder)

    return say


@pytest.fixture(scope="session")
def open_call(stack: Stack) -> OpenCall:
    """`async with open_call() as caller`: greeted, and listened to."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[Caller]:
        async with Caller(await from_page(stack.page)) as caller:
            await caller.agent()
            await caller.greeting()
            yield caller

    return opened


@pytest.fixture(scope="session")
def listener() -> Listener:
    return Listener()


@pytest.fixture(scope="session")
def artifacts(request: pytest.FixtureRequest) -> Path | None:
    chosen: Path | None = request.config.getoption("--artifacts")
    if chosen is not None:
        chosen.mkdir(parents=True, exist_ok=True)
    return chosen


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def playwright() -> AsyncIterator[Playwright]:
    async with async_playwright() as running:
        yield running


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def quiet_browser(playwright: Playwright, folder: Path) -> AsyncIterator[Browser]:
    """Nobody speaks into its microphone."""
    from .sound import microphone

    async with chromium(playwright, microphone(folder / "quiet.wav", 5.0)) as browser:
        yield browser


@pytest.fixture
def open_window(stack: Stack, artifacts: Path | None) -> OpenWindow:
    """`async with open_window(browser) as page`"""

    def opened(browser: Browser) -> AbstractAsyncContextManager[Window]:
        return window(browser, stack.page, artifacts)

    return opened


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def silent_minute(stack: Stack) -> AsyncIterator["asyncio.Task[Seen]"]:
    """A call in which nobody says anything for a minute; it goes on beside the other tests."""

    async def sit() -> Seen:
        async with Caller(await from_page(stack.page)) as caller:
            await caller.agent()
            await caller.greeting()
            caller.say(Speech.of(noise(SILENCE_S, 12.0), "(a quiet room)"))
            await asyncio.sleep(SILENCE_S)
            return caller.seen

    task = asyncio.create_task(sit())
    yield task
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
