"""Every failure says what it is and what to do."""

import asyncio
import os
import signal
from pathlib import Path

import pytest
from earshot.web.limits import Limits

from .conftest import (
    CODE,
    Answer,
    Livekit,
    OpenWindow,
    Site,
    StartSite,
    free_port,
    own_address,
    start_livekit,
    stop_livekit,
)


async def test_microphone_refused(site: Site, open_window: OpenWindow) -> None:
    window = await open_window(site.url, microphone="denied")
    await window.page.click("#talk")
    text = await window.failure("mic_denied")
    assert "not allowed" in text and "Allow" in text and "Try again" in text
    assert await window.page.get_attribute("body", "data-state") == "failed"


async def test_no_microphone_at_all(site: Site, open_window: OpenWindow) -> None:
    window = await open_window(
        site.url, microphone="none", flags=("--use-fake-ui-for-media-stream",)
    )
    await window.page.click("#talk")
    text = await window.failure("mic_missing")
    assert "No microphone was found" in text and "Plug one in" in text


async def test_microphone_in_use(site: Site, open_window: OpenWindow) -> None:
    window = await open_window(site.url)
    await window.page.evaluate(
        """void (navigator.mediaDevices.getUserMedia = () =>
           Promise.reject(new DOMException('Could not start audio source', 'NotReadableError')))"""
    )
    await window.page.click("#talk")
    text = await window.failure("mic_busy")
    assert "Another program uses it" in text and "Close other programs" in text


async def test_a_browser_without_webrtc(site: Site, open_window: OpenWindow) -> None:
    window = await open_window(site.url)
    await window.page.evaluate("delete window.RTCPeerConnection")
    await window.page.evaluate("delete window.webkitRTCPeerConnection")
    await window.page.click("#talk")
    assert "cannot make the call" in await window.failure("unsupported")


async def test_insecure_origin_and_access_code(
    start_site: StartSite, livekit: Livekit, open_window: OpenWindow, answer: Answer
) -> None:
    address = own_address()
    if address == "127.0.0.1":
        pytest.skip("this machine has no address beyond loopback")
    site = await start_site(livekit.port, host=address)
    window = await open_window(site.url, microphone="none")
    page = window.page
    text = await window.failure("insecure_origin")
    assert f"http://localhost:{site.port}/" in text and "https" in text
    await page.click('#failure-actions [data-action="type"]')
    await page.wait_for_selector("#code-form:not([hidden])")
    await page.fill("#code", "wrong-code")
    await page.press("#code", "Enter")
    await window.true("document.querySelector('#code-error').textContent !== ''")
    assert "not right" in await page.inner_text("#code-error")
    await page.fill("#code", CODE)
    await page.press("#code", "Enter")
    agent = await answer(site)
    await window.state("in-call")
    await page.fill("#chat-text", "Hello")
    await page.press("#chat-text", "Enter")
    assert await asyncio.wait_for(agent.heard_text.get(), 5) == "Hello"
    kept = await page.evaluate(
        "[Object.values({...sessionStorage}), Object.values({...localStorage})]"
    )
    assert CODE in kept[0] and CODE not in kept[1], "the code stays in this tab only"


async def test_too_many_tries_tells_the_wait(
    start_site: StartSite, livekit: Livekit, open_window: OpenWindow
) -> None:
    site = await start_site(livekit.port, limits=Limits(burst=1, per_minute=20, status_age_s=0.1))
    window = await open_window(site.url)
    page = window.page
    await page.click("#talk")
    await window.state("connecting")
    await asyncio.wait_for(site.rooms.get(), 10)
    await page.reload()
    await page.click("#talk")
    text = await window.failure("too_many")
    assert "Too many" in text and "seconds" in text
    button = page.locator('#failure-actions [data-action="again"]')
    assert await button.is_disabled()
    await page.wait_for_selector('#failure-actions [data-action="again"]:enabled')
    assert await button.inner_text() == "Try again"


async def test_the_pages_server_is_gone(site: Site, open_window: OpenWindow) -> None:
    window = await open_window(site.url)
    await site.stop()
    await window.page.click("#talk")
    text = await window.failure("page_unreachable")
    assert "does not answer" in text and "earshot up" in text


async def test_livekit_down_as_the_server_knows(site: Site, open_window: OpenWindow) -> None:
    window = await open_window(site.url)
    site.status.update(livekit="down", ready=False)
    await asyncio.sleep(0.3)
    await window.page.click("#talk")
    text = await window.failure("unavailable")
    assert "takes no calls" in text and "livekit-server" in text
    site.status.update(livekit="ready", ready=True)
    await window.state("idle")  # by itself, once a call would be answered


async def test_livekit_unreachable(start_site: StartSite, open_window: OpenWindow) -> None:
    port = free_port()
    site = await start_site(port)
    window = await open_window(site.url)
    await window.page.click("#talk")
    text = await window.failure("livekit_unreachable")
    assert f"ws://127.0.0.1:{port}" in text and "network.address" in text and "firewall" in text


async def test_ice_failed_names_the_addresses_tried(
    start_site: StartSite, open_window: OpenWindow, tmp_path: Path
) -> None:
    livekit = start_livekit(tmp_path, node_ip="198.51.100.7")  # nobody has it: TEST-NET-2
    try:
        site = await start_site(livekit.port)
        window = await open_window(site.url)
        # on one machine the server itself finds a way to the browser: leave it only a relay that is not there
        await window.page.evaluate(
            """void (window.RTCPeerConnection = class extends RTCPeerConnection {
                 constructor(config) { super({ ...config, iceServers: [], iceTransportPolicy: 'relay' }); }
                 setConfiguration() {}
               })"""
        )
        await window.page.click("#talk")
        text = await window.failure("ice_failed", timeout_s=60)
        assert "198.51.100.7" in text and "UDP 7882" in text
    finally:
        stop_livekit(livekit)


async def test_agent_absent_then_there(site: Site, open_window: OpenWindow, answer: Answer) -> None:
    window = await open_window(site.url)
    await window.page.click("#talk")
    text = await window.failure("worker_absent")
    assert "has not joined" in text and "earshot status" in text
    await answer(site)
    await window.state("in-call")
    assert await window.page.get_attribute("body", "data-failure") == ""


async def test_agent_lost_for_good(site: Site, open_window: OpenWindow, answer: Answer) -> None:
    window = await open_window(site.url)
    await window.page.click("#talk")
    agent = await answer(site)
    await window.state("in-call")
    await agent.leave()
    text = await window.failure("worker_absent")
    assert "Call again" in text
    await window.page.click('#failure-actions [data-action="hangup"]')
    await window.state("ended")


async def test_connection_lost_and_regained(
    start_site: StartSite, open_window: OpenWindow, tmp_path: Path
) -> None:
    livekit = start_livekit(tmp_path)
    try:
        site = await start_site(livekit.port)
        window = await open_window(site.url)
        await window.page.click("#talk")
        await asyncio.wait_for(site.rooms.get(), 10)
        await window.page.wait_for_selector('body[data-network="connected"]')
        os.kill(livekit.process.pid, signal.SIGKILL)
        livekit.process.wait()
        await window.page.wait_for_selector('body[data-network="reconnecting"]')
        assert "Reconnecting" in await window.page.inner_text("#notice")
        livekit = start_livekit(tmp_path, port=livekit.port)
        await window.page.wait_for_selector('body[data-network="connected"]', timeout=60_000)
    finally:
        stop_livekit(livekit)


async def test_browser_that_holds_the_sound_back(
    site: Site, open_window: OpenWindow, answer: Answer
) -> None:
    window = await open_window(site.url)
    page = window.page
    await page.evaluate(
        """(() => {
          const play = HTMLMediaElement.prototype.play;
          window.allow = () => void (HTMLMediaElement.prototype.play = play);
          HTMLMediaElement.prototype.play = () =>
            Promise.reject(new DOMException('blocked', 'NotAllowedError'));
        })()"""
    )
    await page.click("#talk")
    await answer(site)
    await page.wait_for_selector('#notice[data-kind="playback_blocked"]')
    # at once: what the browser lets through now takes the notice away by itself
    await page.evaluate("allow(); document.querySelector('#notice button').click()")
    await page.wait_for_selector('#notice[data-kind=""]', state="attached")


async def test_check_my_connection(site: Site, open_window: OpenWindow) -> None:
    window = await open_window(site.url)
    page = window.page
    await page.click("#open-check")
    await page.click("#check-run")
    await page.wait_for_selector('#check-summary[data-result="ok"]', timeout=60_000)
    results = dict(
        await page.evaluate(
            """[...document.querySelectorAll('#check-list > li')]
               .map((li) => [li.dataset.check, li.dataset.result])"""
        )
    )
    assert results.pop("relay") in ("ok", "warning")
    assert set(results) == {
        "secure",
        "server",
        "access",
        "signal",
        "media",
        "microphone",
        "reconnect",
    }
    assert set(results.values()) == {"ok"}, await page.inner_text("#check-list")


async def test_check_says_which_step_failed(start_site: StartSite, open_window: OpenWindow) -> None:
    site = await start_site(free_port())
    window = await open_window(site.url)
    page = window.page
    await page.click("#open-check")
    await page.click("#check-run")
    await page.wait_for_selector('#check-summary[data-result="failed"]', timeout=60_000)
    signal_step = page.locator('#check-list > [data-check="signal"]')
    assert await signal_step.get_attribute("data-result") == "failed"
    assert "network.address" in await signal_step.inner_text()
