"""A call on the page, with a scripted agent: states, captions, chat, tools, latency, devices."""

import asyncio
from typing import Any

import pytest

from .agent import ScriptedAgent
from .captions import captions, until
from .conftest import Answer, OpenWindow, Site, Window

LATENCY = {
    "endpointing": 212.0,
    "stt": 96.0,
    "llm_ttft": 40.0,
    "first_clause": 88.0,
    "tts_ttfb": 61.0,
    "voice_to_voice": 318.0,
}


def turn(number: int, reply: str, **more: Any) -> dict[str, Any]:
    record = {
        "turn": number,
        "heard": "",
        "partials": [],
        "tools": [],
        "reply": reply,
        "interrupted": False,
        "latency_ms": LATENCY,
    }
    return {**record, **more}


async def test_a_call_from_click_to_hanging_up(
    site: Site, open_window: OpenWindow, answer: Answer
) -> None:
    window = await open_window(site.url)
    page = window.page
    await page.click("#talk")
    await window.state("connecting")
    agent = await answer(site)
    await window.state("in-call")
    await page.wait_for_selector('body[data-agent-state="listening"]')
    assert await page.inner_text("#state-text") == "Listening"
    for selector in ("#mute", "#hangup", "#meter", "#sound", "#chat-text", "#copy", "#download"):
        assert await page.locator(selector).is_visible(), selector
    for selector in ("#talk", "#ideas", "#open-sound-first", "#failure", "#code-form", "#notice"):
        assert not await page.locator(selector).is_visible(), selector
    for state, text in (("thinking", "Thinking"), ("speaking", "Speaking")):
        await agent.state(state)
        await page.wait_for_selector(f'body[data-agent-state="{state}"]')
        assert await page.inner_text("#state-text") == text
    playing = "(a => !a.paused && a.srcObject.getAudioTracks().length === 1)(document.querySelector('#audio > audio'))"
    await window.true(playing)
    await page.click("#hangup")
    await window.state("ended")
    assert await page.get_attribute("body", "data-ended") == "hangup"
    assert "You hung up" in await page.inner_text("#subtitle")
    assert await page.locator("#audio > audio").count() == 0
    while agent.caller:
        await asyncio.sleep(0.05)
    foreign = {url for url in window.requests if not url.startswith(site.url)}
    assert all(url.startswith("ws://127.0.0.1:") and "/rtc" in url for url in foreign), foreign
    assert window.errors == []


async def test_captions_are_corrected_in_place(talking: tuple[Window, ScriptedAgent]) -> None:
    window, agent = talking
    page = window.page
    await agent.hears("u1", "what time")
    await until(page, [("you", False, "what time")])
    await agent.hears("u1", "What dime is")
    await until(page, [("you", False, "What dime is")])
    await agent.hears("u1", "What time is it?", final=True)
    await until(page, [("you", True, "What time is it?")])
    await agent.hears("u1", "a guess that came late")
    await agent.says("a1", "It is four minutes past three.")
    expected = [
        ("you", True, "What time is it?"),
        ("agent", True, "It is four minutes past three."),
    ]
    await until(page, expected)
    spoken = await page.locator("#spoken p").all_inner_texts()
    assert spoken == ["You: What time is it?", "Earshot: It is four minutes past three."]


async def test_the_agents_words_come_as_they_are_spoken(
    talking: tuple[Window, ScriptedAgent],
) -> None:
    window, agent = talking
    speaking = asyncio.create_task(agent.says("a1", "one two three four five", pause_s=0.3))
    seen = set()
    while not speaking.done():
        seen.update(text for _, final, text in await captions(window.page) if not final)
        await asyncio.sleep(0.05)
    assert {"one", "one two", "one two three"} <= seen
    await until(window.page, [("agent", True, "one two three four five")])


async def test_a_guess_that_was_nothing_goes_away(talking: tuple[Window, ScriptedAgent]) -> None:
    window, agent = talking
    await agent.hears("u1", "mm")
    await until(window.page, [("you", False, "mm")])
    await agent.hears("u1", " ", final=True)
    await until(window.page, [])


async def test_words_of_others_are_text_never_markup(
    talking: tuple[Window, ScriptedAgent],
) -> None:
    window, agent = talking
    words = "<img src=x onerror=alert(1)> & <b>bold</b>"
    await agent.says("a1", words)
    await until(window.page, [("agent", True, words)])
    assert await window.page.locator("#captions img, #captions b").count() == 0


async def test_tools_are_shown_quietly(talking: tuple[Window, ScriptedAgent]) -> None:
    window, agent = talking
    page = window.page
    call = {"name": "calculate", "arguments": {"expression": "7 * 8"}, "result": {"result": 56}}
    await agent.tells("tool", {"turn": 1, **call})
    tool = page.locator('#captions > li.tool[data-tool="calculate"]')
    await tool.wait_for()
    assert "Calculated 7 * 8" in await tool.inner_text()
    await tool.locator("summary").click()
    assert '{"result":56}' in await tool.locator("pre").inner_text()


async def test_a_turn_has_its_latency_and_the_drawer_its_history(
    talking: tuple[Window, ScriptedAgent],
) -> None:
    window, agent = talking
    page = window.page
    await agent.hears("u1", "What time is it?", final=True)
    await agent.says("a1", "It is three.")
    await agent.tells("turn", turn(1, "It is three."))
    bar = page.locator('#captions > li[data-segment="a1"] .latency[data-turn="1"]')
    await bar.wait_for()
    total = float(await bar.get_attribute("data-total-ms") or 0)
    waits = await bar.locator("i").evaluate_all(
        "all => all.map((i) => [i.dataset.stage, Number(i.style.flexGrow)])"
    )
    waited = dict(waits)
    assert waited["endpointing"] == 212
    assert waited["tts"] == 61
    assert waited["llm"] == 45, "what is left of the first clause outside the other waits"
    assert sum(waited.values()) == pytest.approx(total, abs=1)
    words = await bar.get_attribute("aria-label") or ""
    for part in ("Endpointing 212 ms", "STT 96 ms", "LLM 88 ms", "TTS 61 ms", "Network", "overlap"):
        assert part in words
    # the same number again replaces the turn
    await agent.tells(
        "turn", turn(1, "It is three.", latency_ms={**LATENCY, "voice_to_voice": 400})
    )
    await window.true("Number(document.querySelector('.latency').dataset.totalMs) >= 400")
    assert await page.locator(".latency").count() == 1

    # typed: nothing was spoken, so the clause and the voice are all there is to wait for
    await agent.says("a2", "A second answer.")
    typed = {"first_clause": 50.0, "tts_ttfb": 40.0, "endpointing": None, "voice_to_voice": None}
    await agent.tells("turn", turn(2, "A second answer.", latency_ms=typed))
    second = page.locator('#captions > li[data-segment="a2"] .latency')
    assert 90 <= float(await second.get_attribute("data-total-ms") or 0) < 190
    # not measured at all: no bar
    await agent.says("a3", "A third answer.")
    await agent.tells("turn", turn(3, "A third answer.", latency_ms={"llm_ttft": 20.0}))
    await bar.click()
    drawer = page.locator("#history")
    await drawer.wait_for()
    await window.true("document.querySelectorAll('#history tbody tr').length === 3")
    assert await page.locator(".latency").count() == 2
    assert "2, typed" in await drawer.locator("tbody").inner_text()
    assert await drawer.locator("svg.plot rect").count() >= 3
    assert "Round trip" in await drawer.inner_text()
    assert "Network" in await drawer.locator("thead").inner_text()
    await page.keyboard.press("Escape")
    assert not await drawer.is_visible()


async def test_an_interrupted_answer_is_cut_to_what_was_heard(
    talking: tuple[Window, ScriptedAgent],
) -> None:
    window, agent = talking
    page = window.page
    await agent.says("a1", "Once upon a time there was a fox", stop_after=6)
    await agent.tells("turn", turn(1, "Once upon a time there", interrupted=True))
    await page.wait_for_selector('#captions > li[data-segment="a1"][data-interrupted="true"]')
    await until(page, [("agent", True, "Once upon a time there")])
    assert "interrupted" in await page.inner_text("#captions")


async def test_busy_then_admitted(site: Site, open_window: OpenWindow, answer: Answer) -> None:
    window = await open_window(site.url)
    page = window.page
    await page.click("#talk")
    agent = await answer(site)
    await agent.state("listening", busy=True)
    await window.state("waiting")  # what is sent to a page that is not yet connected is lost
    await agent.tells("notice", {"kind": "busy", "message": "All lines are busy.", "position": 2})
    await window.true("document.querySelector('#subtitle').textContent.includes('number 2')")
    assert await page.inner_text("#title") == "All lines are busy"
    await agent.tells("notice", {"kind": "busy", "message": "All lines are busy.", "position": 1})
    await window.true("document.querySelector('#subtitle').textContent.includes('number 1')")
    await agent.state("listening")
    await agent.tells("notice", {"kind": "admitted", "message": "You are through."})
    await window.state("in-call")
    assert await page.inner_text("#notice") == "You are through."


async def test_notices_of_the_engine_and_the_end(talking: tuple[Window, ScriptedAgent]) -> None:
    window, agent = talking
    page = window.page
    await agent.tells("notice", {"kind": "engine_lost", "message": "One moment."})
    await page.wait_for_selector('#notice[data-kind="engine_lost"]')
    assert await page.inner_text("#notice") == "One moment."
    await agent.tells("notice", {"kind": "engine_back", "message": "Go on."})
    await page.wait_for_selector('#notice[data-kind="engine_back"][data-level="good"]')
    await agent.tells("notice", {"kind": "ending", "message": "The call reached its longest time."})
    await page.wait_for_selector('#notice[data-kind="ending"]')
    await agent.leave()
    await window.state("ended")
    assert await page.get_attribute("body", "data-ended") == "agent"
    assert "longest time" in await page.inner_text("#subtitle")


async def test_reload_in_the_middle_of_a_call(
    talking: tuple[Window, ScriptedAgent], site: Site, answer: Answer
) -> None:
    window, agent = talking
    await agent.says("a1", "Once upon a time")
    await window.page.reload()
    for _ in range(100):
        if agent.caller is None:
            break
        await asyncio.sleep(0.05)
    assert agent.caller is None, "the old room was not left"
    await window.state("idle")
    await window.page.click("#talk")
    again = await answer(site)
    await window.state("in-call")
    await again.says("a1", "Hello again.")
    await until(window.page, [("agent", True, "Hello again.")])


async def test_talking_again_keeps_what_was_said(
    talking: tuple[Window, ScriptedAgent], site: Site, answer: Answer
) -> None:
    window, agent = talking
    await agent.says("a1", "Hello.")
    await until(window.page, [("agent", True, "Hello.")])
    await window.page.click("#hangup")
    await window.state("ended")
    await window.page.click("#talk")
    again = await answer(site)
    await window.state("in-call")
    await again.says("a1", "Hello once more.")
    await until(window.page, [("agent", True, "Hello."), ("agent", True, "Hello once more.")])
    assert await window.page.locator("#captions .divider").count() == 1


async def test_another_agent_takes_over_when_the_first_drops_out(
    talking: tuple[Window, ScriptedAgent], site: Site, answer: Answer
) -> None:
    window, agent = talking
    await agent.says("a1", "Hello.")
    await agent.leave()
    await window.page.wait_for_selector('#notice[data-kind="agent_lost"]')
    again = await answer(site)
    await window.state("in-call")
    await again.says("b1", "Here again.")
    await until(window.page, [("agent", True, "Hello."), ("agent", True, "Here again.")])
