"""The stack of containers on published models, mounted from the site's folder."""

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from earshot.caller import Caller, from_page
from earshot.models import load_profile

from ..e2e.call.sound import spoken
from ..real_models.conftest import PROFILE, lack, real_models
from ..real_models.spoken import is_speech, says_84
from .stack import Containers

pytestmark = pytest.mark.docker
UP = "docker compose up -d --wait worker"


@pytest.fixture
def real_stack(stack: Containers, pytestconfig: pytest.Config) -> Iterator[Containers]:
    """The stack, its worker on published models for the length of a test."""
    if not pytestconfig.getoption("--real-models"):
        pytest.skip("takes minutes more: --real-models")
    if why := lack():
        pytest.skip(f"no real models: {why}")
    there = real_models()
    for file in load_profile(PROFILE, there).files:
        path = stack.folder / "models" / file.path.relative_to(there)
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file.path, path)
        path.chmod(0o644)
    environment = stack.folder / ".env"
    before = environment.read_text()
    try:
        environment.write_text(f"{before}\nEARSHOT_PROFILE={PROFILE}\n")
        stack.shell(UP)
        yield stack
    finally:
        environment.write_text(before)
        stack.shell(UP)


async def test_a_sum_is_answered_in_words(real_stack: Containers, tmp_path: Path) -> None:
    question = spoken("What is twelve times seven?", "rms", tmp_path)
    async with Caller(await from_page(real_stack.page, code=real_stack.code)) as caller:
        await caller.agent(120.0)
        await caller.greeting(60.0)
        answer = await asyncio.wait_for(caller.ask(question, 90.0), 100.0)
    assert says_84(answer.reply) and is_speech(answer.reply), answer.reply
    assert [tool["name"] for tool in caller.seen.of("tool")] == ["calculate"]
