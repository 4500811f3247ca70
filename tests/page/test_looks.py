"""Every main state, in light and dark, on a desk and on a phone: axe finds nothing, nothing scrolls
sideways, and a picture is kept (pytest --basetemp=FOLDER keeps them where you like)."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from earshot.web.limits import Limits

from .conftest import Answer, Livekit, OpenWindow, Site, StartSite, Window, own_address
from .test_call import LATENCY, turn

LOOKS = {
    "light": {"width": 1280, "height": 820},
    "dark": {"width": 1280, "height": 820, "dark": True},
    "phone": {"width": 360, "height": 740, "scale": 2},
    "phone-dark": {"width": 360, "height": 740, "scale": 2, "dark": True},
}


ENDS = ("light", "phone-dark")
"""Where what differs is a card of text: both widths and both colours, once each."""


@pytest.fixture(params=LOOKS)
def look(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def check(window: Window, folder: Path, name: str) -> None:
    """axe, the page's width, and a picture."""
    page = window.page
    await asyncio.sleep(0.4)  # what moves has come to rest
    await page.screenshot(path=folder / f"{name}.png")
    # evaluated as a whole: a script element would be refused by the page's own policy
    await page.evaluate(f"(() => {{ {AXE_SCRIPT} }})()")
    found = await page.evaluate(
        """axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']})
           .then(({violations}) => violations.map((v) =>
             `${v.id}: ${v.help}: ${v.nodes.map((n) => n.html.slice(0, 120) + ' ' + (n.any[0]?.message ?? '')).join(' | ')}`))"""
    )
    assert found == [], f"{name}: " + "\n".join(found)
    wide = await page.evaluate(
        "[document.documentElement.scrollWidth, document.querySelector('main').scrollWidth, innerWidth]"
    )
    assert max(wide[:2]) <= wide[2], f"{name} scrolls sideways: {wide}"


async def test_before_the_call(
    look: str, site: Site, open_window: OpenWindow, tmp_path: Path
) -> None:
    window = await open_window(site.url, **LOOKS[look])
    page = window.page
    await page.wait_for_selector('#status[data-level="ok"]')
    await check(window, tmp_path, f"{look}-idle")
    assert await page.is_hidden("#demonstration")
    site.status["demonstration"] = True
    await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    await page.wait_for_selector("#demonstration", state="visible")
    await check(window, tmp_path, f"{look}-demonstration")
    await page.click("#open-history")
    await check(window, tmp_path, f"{look}-history-empty")
    await page.keyboard.press("Escape")
    await page.click("#open-sound-first")
    await window.true("document.querySelector('#microphone').options.length > 1")
    await check(window, tmp_path, f"{look}-sound")
    await page.keyboard.press("Escape")
    await page.click("#open-check")
    await check(window, tmp_path, f"{look}-check")
    if look in ENDS:
        await page.click("#check-run")
        await page.wait_for_selector('#check-summary[data-result="ok"]', timeout=90_000)
        await check(window, tmp_path, f"{look}-check-done")


async def test_in_the_call(
    look: str,
    site: Site,
    open_window: OpenWindow,
    answer: Answer,
    say: Callable[..., Path],
    tmp_path: Path,
) -> None:
    wav = say("One two three four five six seven eight nine ten.")
    window = await open_window(site.url, wav=wav, **LOOKS[look])
    page = window.page
    await page.click("#talk")
    if await page.get_attribute("body", "data-state") == "connecting":  # it does not last
        await page.screenshot(path=tmp_path / f"{look}-connecting.png")
    agent = await answer(site)
    await window.state("in-call")
    await check(window, tmp_path, f"{look}-call-begins")
    await agent.state("speaking")
    await agent.says("a1", "Hello, how can I help you?")
    await agent.state("listening")
    await agent.hears("u1", "What time is it?", final=True)
    await agent.tells("tool", {"turn": 1, "name": "get_current_time", "arguments": {}})
    await agent.says("a2", "It is four minutes past three.")
    await agent.tells("turn", turn(1, "It is four minutes past three."))
    await agent.hears("u2", "Tell me a story.", final=True)
    story = "Once upon a time there was a small fox who lived at the edge of a quiet wood"
    await agent.says("a3", story, stop_after=14)
    slow = {**LATENCY, "stt": 290.0, "first_clause": 120.0, "voice_to_voice": 471.0}
    heard = " ".join(story.split(" ")[:14])
    await agent.tells("turn", turn(2, heard, interrupted=True, latency_ms=slow))
    await agent.hears("u3", "What is seven times eight?", final=True)
    call = {"name": "calculate", "arguments": {"expression": "7 * 8"}, "result": {"result": 56}}
    await agent.tells("tool", {"turn": 3, **call})
    await agent.state("thinking")
    await check(window, tmp_path, f"{look}-thinking")
    await agent.state("speaking")
    await agent.says("a4", "Seven times eight is fifty-six.")
    quick = {**LATENCY, "stt": 80.0, "first_clause": 60.0, "voice_to_voice": 286.0}
    await agent.tells("turn", turn(3, "Seven times eight is fifty-six.", latency_ms=quick))
    await check(window, tmp_path, f"{look}-speaking")
    await agent.state("listening")
    await agent.hears("u4", "set a timer for")
    await check(window, tmp_path, f"{look}-listening")
    await page.locator(".latency").last.click()
    await check(window, tmp_path, f"{look}-history")
    await page.keyboard.press("Escape")
    await agent.tells("notice", {"kind": "engine_lost", "message": ""})
    await page.click("#mute")
    await check(window, tmp_path, f"{look}-muted-engine-lost")
    await page.click("#hangup")
    await window.state("ended")
    await check(window, tmp_path, f"{look}-ended")


@pytest.mark.parametrize("look", ENDS)
async def test_waiting(
    look: str, site: Site, open_window: OpenWindow, answer: Answer, tmp_path: Path
) -> None:
    window = await open_window(site.url, **LOOKS[look])
    await window.page.click("#talk")
    agent = await answer(site)
    await agent.state("listening", busy=True)
    await agent.tells("notice", {"kind": "busy", "message": "", "position": 2})
    await window.state("waiting")
    await check(window, tmp_path, f"{look}-waiting")


@pytest.mark.parametrize("look", ENDS)
async def test_failures(
    look: str, start_site: StartSite, livekit: Livekit, open_window: OpenWindow, tmp_path: Path
) -> None:
    site = await start_site(livekit.port, limits=Limits(burst=1, per_minute=6))
    window = await open_window(site.url, microphone="denied", **LOOKS[look])
    page = window.page
    await page.click("#talk")
    await window.failure("mic_denied")
    await check(window, tmp_path, f"{look}-mic-denied")
    await page.click('#failure-actions [data-action="again"]')
    await window.failure("too_many")
    await check(window, tmp_path, f"{look}-too-many")


@pytest.mark.parametrize("look", ENDS)
async def test_failures_in_the_call(
    look: str, site: Site, open_window: OpenWindow, tmp_path: Path
) -> None:
    window = await open_window(site.url, **LOOKS[look])
    await window.page.click("#talk")
    await window.failure("worker_absent")
    await check(window, tmp_path, f"{look}-worker-absent")


@pytest.mark.parametrize("look", ENDS)
async def test_insecure_and_code(
    look: str, start_site: StartSite, livekit: Livekit, open_window: OpenWindow, tmp_path: Path
) -> None:
    address = own_address()
    if address == "127.0.0.1":
        pytest.skip("this machine has no address beyond loopback")
    site = await start_site(livekit.port, host=address)
    window = await open_window(site.url, microphone="none", **LOOKS[look])
    await window.failure("insecure_origin")
    await check(window, tmp_path, f"{look}-insecure")
    await window.page.click('#failure-actions [data-action="type"]')
    await window.page.wait_for_selector("#code-form:not([hidden])")
    await check(window, tmp_path, f"{look}-code")
