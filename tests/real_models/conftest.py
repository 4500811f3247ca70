"""Published models, as people use them: the profile `mini`, fetched once by scripts/real-models.

`pytest tests/real_models --real-models` runs them (minutes); scripts/test does so by default. Where
the models cannot be had, the tests are skipped and say why.
"""

import asyncio
import inspect
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from earshot.caller import Caller, Speech, from_page
from earshot.caller.stack import Stack
from earshot.models import load_profile

from ..e2e.call.sound import spoken

KEPT = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "earshot/real-models"
PROFILE = "mini"
LIMIT_S = 300
START_S = 180.0

Say = Callable[..., Speech]
OpenCall = Callable[[], AbstractAsyncContextManager[Caller]]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if item.path.parent != here:
            continue
        if inspect.iscoroutinefunction(getattr(item, "function", None)):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)
        item.add_marker(pytest.mark.timeout(LIMIT_S))
        if not config.getoption("--real-models"):
            reason = "takes minutes: pytest tests/real_models --real-models"
            item.add_marker(pytest.mark.skip(reason=reason))
        elif why := lack():
            item.add_marker(pytest.mark.skip(reason=f"no real models: {why}"))


def lack() -> str:
    """Why they are not here; scripts/test knows more than is seen from here."""
    if known := os.environ.get("REAL_MODELS_LACK"):
        return known
    folder = real_models()
    if not (folder / "manifest.toml").is_file() or not load_profile(PROFILE, folder).present:
        return f"{folder} does not hold them: scripts/real-models"
    return ""


def real_models() -> Path:
    """A models folder that holds them."""
    return Path(os.environ.get("REAL_MODELS") or KEPT)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("real")


@pytest.fixture(scope="session")
def real_settings(folder: Path) -> dict[str, str]:
    """The environment of an Earshot on real models that knows one document."""
    documents = folder / "documents"
    documents.mkdir()
    (documents / "visitor_guide.md").write_text(
        "# Parking\n\nVisitors park in the garage behind the building. Its gate opens at 7:30.\n"
    )
    return {
        "EARSHOT_MODELS_DIR": str(real_models()),
        "EARSHOT_PROFILE": PROFILE,
        "EARSHOT_DOCUMENTS__FOLDER": str(documents),
        "EARSHOT_CALLS__MAX": "2",
    }


@pytest.fixture(scope="session")
def say(folder: Path) -> Iterator[Say]:
    """say("text", voice="rms") -> Speech"""

    def speak(text: str, voice: str = "rms") -> Speech:
        return spoken(text, voice, folder)

    yield speak


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stack(folder: Path, real_settings: dict[str, str]) -> AsyncIterator[Stack]:
    """`earshot up` on real models: one for the whole suite."""
    running = Stack(folder / "state", real_settings)
    try:
        await running.start(START_S)
        yield running
    finally:
        await asyncio.shield(running.stop())
        print(f"logs: {folder / 'state' / 'logs'}")


@pytest.fixture
def open_call(stack: Stack) -> OpenCall:
    """`async with open_call() as caller`: greeted, and listened to."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[Caller]:
        async with Caller(await from_page(stack.page)) as caller:
            await caller.agent(60.0)
            await caller.greeting(60.0)
            yield caller

    return opened
