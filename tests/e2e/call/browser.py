"""A call in headless Chromium: the page as a person uses it."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Browser, Page, Playwright

from .sound import Recording

RECORDER = Path(__file__).with_name("recorder.js")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
]


@asynccontextmanager
async def chromium(playwright: Playwright, microphone: Path) -> AsyncIterator[Browser]:
    """A browser whose microphone plays that WAV once, from each time that it is opened."""
    browser = await playwright.chromium.launch(
        executable_path="/usr/bin/chromium",
        args=[*FLAGS, f"--use-file-for-fake-audio-capture={microphone}%noloop"],
    )
    try:
        yield browser
    finally:
        await browser.close()


@dataclass
class Window:
    """One page."""

    page: Page
    artifacts: Path | None
    errors: list[str]

    async def talk(self, timeout_s: float = 20.0) -> None:
        """Presses the one button, and waits until the agent is in the call."""
        await self.page.click("#talk")
        await self.until("body[data-state=in-call]", timeout_s)

    async def until(self, selector: str, timeout_s: float = 20.0) -> None:
        await self.page.wait_for_selector(selector, timeout=timeout_s * 1000, state="attached")

    async def agent(self, state: str, timeout_s: float = 20.0) -> None:
        """Until the agent is speaking, listening, …"""
        await self.until(f"body[data-agent-state={state}]", timeout_s)

    async def greeted(self) -> None:
        """Until the greeting has been said."""
        await self.until("#captions > li[data-who=agent][data-final=true]")
        await self.agent("listening")

    async def write(self, text: str) -> None:
        await self.page.fill("#chat-text", text)
        await self.page.click("#chat-send")

    async def said(self, who: str) -> list[str]:
        """The captions of one side: you or agent; typed ones are not spoken."""
        texts = await self.page.eval_on_selector_all(
            f"#captions > li[data-who={who}]:not([data-typed]) .text",
            "found => found.map(e => e.textContent.trim())",
        )
        return [str(text) for text in texts]

    async def answered(self, count: int, timeout_s: float = 20.0) -> list[str]:
        """Until the agent has said that many things to their end, its greeting included."""
        deadline = time.monotonic() + timeout_s
        finished = "#captions > li[data-who=agent][data-final=true]"
        while await self.page.locator(finished).count() < count:
            if time.monotonic() > deadline:
                raise AssertionError(f"{count} answers expected, came: {await self.story()}")
            await asyncio.sleep(0.1)
        await self.agent("listening")
        return await self.said("agent")

    async def story(self) -> str:
        """What the page shows, for whoever has to find out what went wrong."""
        state = await self.page.evaluate("JSON.stringify({...document.body.dataset})")
        text = await self.page.evaluate("window.earshot?.transcript() ?? ''")
        notice = await self.page.text_content("#notice")
        return f"{state} notice={notice!r} errors={self.errors}\n{text}"

    async def agents(self) -> list[str]:
        """Identities of the agents in the call."""
        found = await self.page.evaluate(
            "[...(window.earshot.room?.remoteParticipants.keys() ?? [])]"
        )
        return [str(identity) for identity in found]

    async def without(self, before: list[str], timeout_s: float = 30.0) -> None:
        """Until those agents are gone."""
        await self._agents(lambda now: not set(before) & set(now), timeout_s)

    async def with_another(self, before: list[str], timeout_s: float) -> None:
        """Until an agent is there who is none of those."""
        await self._agents(lambda now: bool(set(now) - set(before)), timeout_s)

    async def _agents(self, wanted: Callable[[list[str]], bool], timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        while not wanted(now := await self.agents()):
            if time.monotonic() > deadline:
                raise AssertionError(f"agents in the call: {now}; {await self.story()}")
            await asyncio.sleep(0.1)

    async def recording(self, name: str = "recording") -> Recording:
        """What was said into the page and what it played, since it was opened."""
        recording = Recording.of(await self.page.evaluate("window.recorded()"))
        if self.artifacts is not None:
            recording.keep(self.artifacts / f"{name}.wav")
        return recording

    async def shoot(self, name: str) -> None:
        """A screenshot, where --artifacts names a folder for them."""
        if self.artifacts is not None:
            await self.page.screenshot(path=str(self.artifacts / f"{name}.png"))


@asynccontextmanager
async def window(browser: Browser, url: str, artifacts: Path | None) -> AsyncIterator[Window]:
    """The page, opened; what goes wrong in its scripts is collected."""
    # still pictures: without a graphics card the animation would take the cores from the call
    context = await browser.new_context(
        viewport={"width": 1280, "height": 800}, reduced_motion="reduce"
    )
    try:
        page = await context.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        await page.add_init_script(path=RECORDER)
        await page.goto(url)
        await page.wait_for_selector("body[data-state=idle]", state="attached")
        yield Window(page, artifacts, errors)
    finally:
        await context.close()
