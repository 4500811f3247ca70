"""Parts of the stack are killed while a page is in a call: the call goes on, or is taken up again."""

import asyncio
import os
import signal

from earshot.caller.stack import Stack
from playwright.async_api import Browser

from .browser import Window
from .conftest import OpenWindow
from .sound import Listener

QUESTION, REPLY = "What is 6 times 7?", "The answer is 42."


def kill(stack: Stack, service: str) -> None:
    os.kill(stack.endpoints.pids[service], signal.SIGKILL)


async def still_answers(window: Window, listener: Listener) -> None:
    """By words that are really heard."""
    before = len(await window.said("agent"))
    await window.write(QUESTION)
    replies = await window.answered(before + 1, 30.0)
    assert replies[-1] == REPLY, await window.story()
    recording = await window.recording()
    last = recording.agent.sounds(pause_s=0.8)[-1]
    heard = await asyncio.to_thread(
        listener.hear, recording.agent.between(last.began_at - 0.1, last.ended_at + 0.1)
    )
    assert {"answer", "forty"} & set(heard.split()), heard


async def test_the_engine_dies_in_mid_answer_and_while_nobody_speaks(
    stack: Stack, quiet_browser: Browser, open_window: OpenWindow, listener: Listener
) -> None:
    await stack.answers()
    async with open_window(quiet_browser) as window:
        await window.talk()
        await window.greeted()
        await window.write("Tell me a story.")
        await window.agent("speaking")
        await asyncio.sleep(1.0)
        kill(stack, "engine")
        await window.until("#notice[data-kind=engine_lost]")
        await window.shoot("9-engine-lost")
        await window.until("#notice[data-kind=engine_back]", 40.0)
        await window.agent("listening", 40.0)  # an apology or the rest of the story
        before = len(await window.said("agent"))
        await window.write(QUESTION)
        assert (await window.answered(before + 1, 30.0))[-1] == REPLY
        kill(stack, "engine")
        await window.until("#notice[data-kind=engine_lost]")
        await window.until("#notice[data-kind=engine_back]", 40.0)
        assert await window.page.get_attribute("body", "data-state") == "in-call"
        await still_answers(window, listener)


async def test_the_worker_dies_and_the_call_is_taken_up_again(
    stack: Stack, quiet_browser: Browser, open_window: OpenWindow, listener: Listener
) -> None:
    await stack.answers()
    async with open_window(quiet_browser) as window:
        await window.talk()
        await window.greeted()
        before = await window.agents()
        kill(stack, "worker")
        await window.without(before)
        await window.shoot("10-worker-lost")
        await window.with_another(before, 60.0)
        await window.answered(2, 30.0)  # greeted again
        await still_answers(window, listener)


async def test_livekit_server_dies_and_the_page_calls_again(
    stack: Stack, quiet_browser: Browser, open_window: OpenWindow, listener: Listener
) -> None:
    await stack.answers()
    async with open_window(quiet_browser) as window:
        await window.talk()
        await window.greeted()
        before = await window.agents()
        kill(stack, "livekit")
        await window.until("body[data-network=reconnecting], body:not([data-state=in-call])")
        await window.shoot("11-livekit-lost")
        await window.with_another(before, 60.0)
        await window.until("body[data-state=in-call][data-network=connected]", 60.0)
        await window.answered(2, 30.0)  # greeted again
        await still_answers(window, listener)
