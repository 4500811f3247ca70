"""The headers as a real browser takes them."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, Page, async_playwright

from .conftest import Site

CHROMIUM = Path("/usr/bin/chromium")
ASK = """async (url) => {
    const json = {method: "POST", headers: {"Content-Type": "application/json"}, body: "{}"};
    const code = {...json, headers: {...json.headers, "X-Access-Code": "x"}};
    const blind = {method: "POST", mode: "no-cors", body: "{}"};
    const answers = [];
    for (const options of [json, code, blind])
        answers.push(await fetch(url + "/api/token", options).then(
            (r) => r.type === "opaque" ? "opaque" : r.status, () => "blocked"));
    return answers;
}"""


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip("no Chromium")
    async with async_playwright() as p:
        started = await p.chromium.launch(
            executable_path=CHROMIUM,
            args=[
                "--no-sandbox",
                "--use-fake-ui-for-media-stream",
                "--use-fake-device-for-media-stream",
            ],
        )
        yield started
        await started.close()


@pytest.fixture
async def foreign() -> AsyncIterator[str]:
    """Another site on this machine."""

    async def page(_: web.Request) -> web.Response:
        return web.Response(text="<p>another site</p>", content_type="text/html")

    app = web.Application()
    app.router.add_get("/", page)
    async with TestServer(app) as server:
        yield str(server.make_url("/"))


async def microphone(page: Page, kind: str) -> str:
    return str(
        await page.evaluate(
            """(kind) => navigator.mediaDevices.getUserMedia({[kind]: true})
                .then(() => "given", (e) => e.name)""",
            kind,
        )
    )


async def test_a_page_of_ours(site: Site, browser: Browser) -> None:
    page = await browser.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    await page.goto(site.url)
    assert said == [], "a header that the browser does not understand"
    assert await page.evaluate(ASK, "") == [201, 201, 415]
    assert await microphone(page, "audio") == "given"
    assert await microphone(page, "video") == "NotAllowedError"
    assert await page.evaluate("new AudioContext().setSinkId('').then(() => 'set')") == "set"
    for refused in (
        f"fetch('http://127.0.0.1:{site.port + 1}/')",
        "fetch('http://192.0.2.1/')",
        "new Promise((y, n) => { const s = new WebSocket('ws://192.0.2.1/'); s.onopen = y; s.onerror = n; })",
        "import('data:text/javascript,1')",
    ):
        assert await page.evaluate(f"{refused}.then(() => 'done', () => 'refused')") == "refused"
    await page.evaluate(
        """() => { const s = document.createElement("script"); s.textContent = "window.ran = 1";
        document.body.append(s); }"""
    )
    assert await page.evaluate("window.ran") is None
    violations = [line for line in said if "Content Security Policy" in line]
    assert len(violations) >= 5


async def test_a_page_of_another_site(site: Site, browser: Browser, foreign: str) -> None:
    page = await browser.new_page()
    await page.goto(foreign)
    for _ in range(15):
        # what is sent blindly is answered, unseen, and not counted
        assert await page.evaluate(ASK, site.url) == ["blocked"] * 3
    await page.evaluate(
        "(url) => new Promise((y) => { const f = document.createElement('iframe'); f.src = url; "
        "f.onload = y; document.body.append(f); })",
        site.url,
    )
    with contextlib.suppress(Exception):  # an error page of the browser's own can't be read
        assert "hello" not in await page.frames[1].content()
    statuses = [(await site.token())[0] for _ in range(30)]
    assert statuses == [201] * 30
