"""The page in a browser whose microphone speaks: what a person would see and hear."""

import asyncio
from pathlib import Path

import numpy as np
import pytest
from earshot.caller import Ear
from playwright.async_api import Browser, Playwright

from .browser import chromium
from .conftest import OpenWindow, Say
from .sound import Listener, microphone

pytestmark = pytest.mark.usefixtures("silent_minute")

GREETED_S = 7.0
"""after which the first question may be asked, counted from the press of the button"""
GREETING = "Hello, how can I help you?"


def heard_words(listener: Listener, agent: Ear) -> set[str]:
    return set(listener.words(agent).split())


async def test_a_greeting_three_turns_and_a_tool(
    playwright: Playwright,
    folder: Path,
    say_it: Say,
    open_window: OpenWindow,
    listener: Listener,
) -> None:
    questions = ["What is your name?", "What is seven times three?", "What can you do?"]
    pauses = [GREETED_S, 7.0, 5.5]
    parts = [p for pair in zip(pauses, map(say_it, questions), strict=True) for p in pair]
    wav = microphone(folder / "three.wav", *parts, 1.0)
    async with chromium(playwright, wav) as browser, open_window(browser) as window:
        await window.shoot("1-idle")
        await window.talk()
        await window.agent("speaking")
        await window.shoot("2-greeting")
        await window.greeted()
        assert await window.said("agent") == [GREETING]
        await window.until("#captions > li[data-who=you]")
        await window.agent("speaking")
        await window.shoot("3-speaking")
        replies = await window.answered(4, 40.0)
        assert await window.said("you") == questions
        assert replies[0] == GREETING
        assert "Earshot" in replies[1]
        assert replies[2] == "The answer is 21."
        assert "search" in replies[3]
        assert await window.page.locator("#captions > li.tool").count() == 1
        assert await window.page.locator("#captions > li.tool[data-tool=calculate]").count() == 1
        assert await window.page.locator("#captions .latency[data-total-ms]").count() == 3
        await window.shoot("4-conversation")
        await window.page.click("#open-history")
        await window.shoot("5-speed")
        await window.page.keyboard.press("Escape")
        recording = await window.recording()
        await window.page.click("#hangup")
        await window.until("body[data-state=ended][data-ended=hangup]")
        await window.shoot("6-ended")
        assert window.errors == []
    heard = await asyncio.to_thread(heard_words, listener, recording.agent)
    # each caption was really said: words that the listener knows well, from every one of them
    assert {"hello", "help"} & heard
    assert {"name", "machine", "runs"} & heard
    assert {"answer", "twenty"} & heard
    assert {"search", "documents", "timers", "arithmetic"} & heard


async def test_two_pages_at_once_get_their_own_answers(
    playwright: Playwright,
    folder: Path,
    say_it: Say,
    open_window: OpenWindow,
    listener: Listener,
) -> None:
    async def one(name: str, question: str, reply: str, words: set[str]) -> None:
        wav = microphone(folder / f"{name}.wav", GREETED_S + 1.0, say_it(question), 1.0)
        async with chromium(playwright, wav) as browser, open_window(browser) as window:
            await window.talk(30.0)
            replies = await window.answered(2, 40.0)
            assert await window.said("you") == [question]
            assert reply in replies[1]
            recording = await window.recording()
            heard = await asyncio.to_thread(heard_words, listener, recording.agent)
            assert words & heard, heard

    await asyncio.gather(
        one("first", "What is twenty times four?", "The answer is 80.", {"answer", "eighty"}),
        one("second", "What is your name?", "Earshot", {"name", "machine", "runs"}),
    )


async def test_barge_in_stops_the_story(
    playwright: Playwright, folder: Path, say_it: Say, open_window: OpenWindow
) -> None:
    story_wanted, time_wanted = say_it("Tell me a story."), say_it("What time is it?")
    once = (story_wanted, 4.0, time_wanted)
    wav = microphone(folder / "barge-in.wav", GREETED_S, *once, 5.0, *once, 1.0)
    async with chromium(playwright, wav) as browser, open_window(browser) as window:
        await window.talk()
        replies = await window.answered(5, 60.0)
        await window.shoot("7-interrupted")
        recording = await window.recording("barge-in")
        _, story, time_told, again, time_told_again = replies
        assert time_told.startswith("It is ") and time_told_again.startswith("It is ")
        assert await window.page.locator("#captions > li[data-interrupted]").count() == 2
    stops = []
    asked = recording.caller.sounds(pause_s=1.5)
    assert len(asked) == 4
    for wish, interruption, told in ((asked[0], asked[1], story), (asked[2], asked[3], again)):
        # in the sound: from the first sound of the interruption to the last of the story
        spoken = [
            s
            for s in recording.agent.sounds(wish.ended_at, pause_s=0.2)
            if wish.ended_at < s.began_at < interruption.began_at
        ]
        stops.append(spoken[-1].ended_at - interruption.began_at)
        # its text ends where it was cut off: as many words as there was sound for
        assert told.startswith("Once upon a time") and "hoped" not in told
        assert 1.5 < len(told.split()) / (spoken[-1].ended_at - spoken[0].began_at) < 4.5
    # 0.22 s on a quiet machine, where `scripts/bench call` holds it to 0.3 s; the stock pipeline takes 0.65 s
    assert min(stops) < 0.5, stops
    assert max(stops) < 1.0, stops


async def test_typed_questions_and_a_reload_in_mid_answer(
    quiet_browser: Browser, open_window: OpenWindow, listener: Listener
) -> None:
    async with open_window(quiet_browser) as window:
        await window.talk()
        await window.greeted()
        await window.write("Tell me a story.")
        await window.agent("speaking")
        await asyncio.sleep(1.0)
        await window.page.reload()
        await window.until("body[data-state=idle]")
        await window.talk()
        await window.greeted()
        await window.write("What is 6 times 7?")
        replies = await window.answered(2)
        assert replies == [GREETING, "The answer is 42."]
        await window.shoot("8-typed")
        recording = await window.recording()
        heard = await asyncio.to_thread(heard_words, listener, recording.agent)
        assert {"answer", "forty"} & heard, heard
        assert await window.said("you") == []
        assert np.abs(recording.caller.between(0)).max() < 1000
