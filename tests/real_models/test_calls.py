"""Calls on published models: by a caller, in a browser, interrupted, and with the engine killed."""

import asyncio
import os
import signal
from pathlib import Path

import pytest
from earshot.caller import Caller
from earshot.caller.stack import Stack
from playwright.async_api import async_playwright

from ..e2e.call.browser import chromium, window
from ..e2e.call.sound import microphone
from .conftest import OpenCall, Say
from .spoken import is_speech, says_84

SUM = "What is twelve times seven?"
LONG = "Please tell me a long story about a lighthouse."


async def answers_a_sum(caller: Caller, say: Say) -> None:
    answer = await caller.ask(say(SUM), 60.0)
    assert "seven" in answer.heard.lower() or "7" in answer.heard
    assert says_84(answer.reply) and is_speech(answer.reply), answer.reply


async def test_a_call_is_answered_in_words(open_call: OpenCall, say: Say) -> None:
    async with open_call() as caller:
        await answers_a_sum(caller, say)
        name = await caller.ask(say("What is your name?"), 60.0)
        assert "earshot" in name.reply.lower().replace(" ", ""), name.reply
        small_talk = [
            await caller.ask(say(text), 60.0)
            for text in ("I like apples and pears.", "It was raining all day yesterday.")
        ]
        assert all(is_speech(answer.reply) for answer in small_talk)
        assert len({answer.reply for answer in small_talk}) == 2
        assert caller.seen.of("tool") == [] or all(
            tool["name"] == "calculate" for tool in caller.seen.of("tool")
        )


async def test_the_caller_may_interrupt(open_call: OpenCall, say: Say) -> None:
    async with open_call() as caller:
        story = caller.say(say(LONG))
        await caller.loud(story.ended_at, 60.0)
        await asyncio.sleep(1.5)
        interruption = caller.say(say(f"Stop. {SUM}"))
        answer = await caller.answer_to(interruption, 60.0)
        assert says_84(answer.reply), answer.reply
        turns = [turn for turn in caller.seen.of("turn") if turn["interrupted"]]
        assert turns, caller.seen.of("turn")


async def test_a_call_in_the_browser(
    stack: Stack, say: Say, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    question = say(SUM)
    # asked again until the agent was there to hear it, however slow the machine is
    wav = microphone(tmp_path / "question.wav", 10.0, question, 15.0, question, 30.0)
    artifacts: Path | None = pytestconfig.getoption("--artifacts")
    async with (
        async_playwright() as playwright,
        chromium(playwright, wav) as browser,
        window(browser, stack.page, artifacts) as page,
    ):
        assert await page.page.is_hidden("#demonstration")  # these models are meant for people
        await page.talk(60.0)
        replies = await page.answered(2, 90.0)
        assert says_84(replies[1]) and is_speech(replies[1]), await page.story()
        await page.shoot("real-models")
        assert (await page.recording("real-models")).agent.sounds()
        assert page.errors == []


async def test_the_engine_dies_in_the_middle_of_an_answer(
    stack: Stack, open_call: OpenCall, say: Say
) -> None:
    async with open_call() as caller:
        story = caller.say(say(LONG))
        await caller.loud(story.ended_at, 60.0)
        os.kill(stack.endpoints.pids["engine"], signal.SIGKILL)

        def told(kind: str) -> bool:
            return any(notice.get("kind") == kind for notice in caller.seen.of("notice"))

        await caller.until(lambda: told("engine_lost"), 30.0, "word of the loss")
        await caller.until(lambda: told("engine_back"), 90.0, "the engine to come back")
        await caller.quiet(60.0)
        await answers_a_sum(caller, say)
