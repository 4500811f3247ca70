"""The page before a call: what it loads, says and remembers."""

import hashlib
import re
from collections.abc import Callable
from pathlib import Path

import earshot.web

from .conftest import OpenWindow, Site

STATIC = Path(earshot.web.__file__).parent / "static"


def test_vendored_files_are_those_named() -> None:
    rows = re.findall(
        r"^\| (\S+) \|.*\| (\d+\.\d+\.\d+) \| ([0-9a-f]{64}) \|$",
        (STATIC / "vendor" / "README.md").read_text(),
        re.MULTILINE,
    )
    named = {name: sha256 for name, _, sha256 in rows}
    there = {path.name for path in (STATIC / "vendor").iterdir()} - {"README.md"}
    assert set(named) == there
    for name, sha256 in named.items():
        assert hashlib.sha256((STATIC / "vendor" / name).read_bytes()).hexdigest() == sha256, name
    library = (STATIC / "vendor" / "livekit-client.umd.js").read_text()
    assert rows[0][1] in library, "the version named is not the one that the file knows"


def test_no_file_names_an_address_elsewhere() -> None:
    for path in STATIC.rglob("*"):
        if path.is_file() and "vendor" not in path.parts:
            for address in re.findall(r"(?:https?|wss?):\/\/[^\s\"'`)]+", path.read_text()):
                assert address.startswith(("http://www.w3.org/2000/svg", "http://localhost")), (
                    f"{path.name}: {address}"
                )


def test_no_style_and_no_script_inside_the_document() -> None:
    html = (STATIC / "index.html").read_text()
    assert "<style" not in html and " style=" not in html
    assert not re.search(r"\son\w+=", html)
    assert not re.search(r"<script(?![^>]*\bsrc=)", html)


async def test_loads_from_its_own_server_alone_and_complains_about_nothing(
    site: Site, open_window: OpenWindow
) -> None:
    window = await open_window(site.url)
    await window.page.wait_for_selector('#status[data-level="ok"]')
    assert {url for url in window.requests if not url.startswith(site.url)} == set()
    assert window.errors == []
    assert await window.page.inner_text("h1") == "Talk to Earshot"
    words = await window.page.inner_text("#subtitle")
    assert "runs on this machine" in words and "Nothing you say leaves it" in words
    assert await window.page.locator("#ideas li").count() == 4


async def test_calls_the_agent_by_its_name(site: Site, open_window: OpenWindow) -> None:
    site.status["persona"] = {"name": "Ada"}
    window = await open_window(site.url)
    await window.true("document.querySelector('h1').textContent.includes('Ada')")


async def test_says_when_the_agent_is_not_ready(site: Site, open_window: OpenWindow) -> None:
    site.status.update(ready=False, engine="restarting")
    window = await open_window(site.url)
    await window.page.wait_for_selector('#status[data-level="warn"]')
    assert await window.page.inner_text("#status") == "The engine is restarting"


async def test_colours_are_the_systems_until_chosen(site: Site, open_window: OpenWindow) -> None:
    window = await open_window(site.url, dark=True)
    page = window.page
    theme = "document.documentElement.dataset.theme"
    assert await page.evaluate(theme) == "dark"
    await page.click("#theme")
    assert await page.evaluate(theme) == "light"
    assert await page.get_attribute("#theme", "aria-label") == "Colours: light"
    await page.reload()
    assert await page.evaluate(theme) == "light", "the choice was forgotten"


async def test_sound_can_be_tried_before_a_call(
    site: Site, open_window: OpenWindow, say: Callable[..., Path]
) -> None:
    window = await open_window(site.url, wav=say("One two three four five six seven eight."))
    page = window.page
    await page.click("#open-sound-first")
    await window.true("document.querySelector('#microphone').options.length > 1")
    names = await page.locator("#microphone option").all_inner_texts()
    assert any("Fake" in name for name in names)
    assert await page.locator("#speaker option").count() >= 1
    scale = (
        "new DOMMatrix(getComputedStyle(document.querySelector('#sound-meter span')).transform).a"
    )
    await window.true(f"{scale} > 0.2")
    await page.keyboard.press("Escape")
    assert not await page.locator("#sound-panel").is_visible()


async def test_no_sideways_scrolling_on_a_phone(site: Site, open_window: OpenWindow) -> None:
    window = await open_window(site.url, width=320, height=640)
    wide = "document.documentElement.scrollWidth <= innerWidth"
    assert await window.page.evaluate(wide)
