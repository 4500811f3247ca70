"""A stack with one line: who calls over it waits and is let in; then it is told to stop."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest
import pytest_asyncio
from earshot.caller import Caller, from_page
from earshot.caller.stack import Stack
from earshot.errors import CallError

from .conftest import Say
from .sound import Listener

BUSY = "All lines are busy. Please wait a moment."


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def one_line(needed: None, folder: Path) -> AsyncIterator[Stack]:
    async with Stack(folder / "one-line", {"EARSHOT_CALLS__MAX": "1"}) as running:
        yield running


async def test_a_caller_over_the_limit_is_told_and_let_in(
    one_line: Stack, say_it: Say, listener: Listener
) -> None:
    async with Caller(await from_page(one_line.page)) as first:
        await first.agent()
        await first.greeting()
        async with Caller(await from_page(one_line.page)) as second:
            await second.loud(0.0, 15.0)
            notice = second.seen.of("notice")[0]
            assert notice == {"kind": "busy", "message": BUSY, "position": 1}
            assert second.seen.attributes["earshot.state"] == "busy"
            await asyncio.sleep(4.0)
            heard = await asyncio.to_thread(listener.hear, second.recording())
            assert {"lines", "busy", "wait", "please"} & set(heard.split()), heard
            # the first one's call is not disturbed
            assert (await first.ask(say_it("What is your name?"))).turn is not None
            hung_up = time.monotonic()
            await first.room.disconnect()
            await second.until(lambda: "admitted" in kinds(second), 20.0, "to be let in")
            await second.loud(time.monotonic(), 15.0)  # the greeting
            await second.quiet()
            assert second.seen.attributes.get("earshot.state", "") == ""
            assert second.seen.said("agent", hung_up) == "Hello, how can I help you?"
            answer = await second.ask(say_it("What is five plus three?"))
            assert answer.reply == "The answer is 8."


def kinds(caller: Caller) -> list[str]:
    return [notice["kind"] for notice in caller.seen.of("notice")]


async def test_told_to_stop_it_lets_a_call_end_its_sentence(one_line: Stack, say_it: Say) -> None:
    async with Caller(await from_page(one_line.page)) as caller:
        await caller.agent()
        await caller.greeting()
        processes = [psutil.Process(pid) for pid in one_line.endpoints.pids.values()]
        processes += [child for p in processes for child in p.children(recursive=True)]
        page = one_line.page
        spoken = caller.say(say_it("What is your name?"))
        await caller.loud(spoken.ended_at)
        began = time.monotonic()
        stopping = asyncio.create_task(one_line.stop())
        await asyncio.sleep(1.5)
        with pytest.raises(CallError):
            await from_page(page)
        assert await stopping == 0
        assert time.monotonic() - began < 15.0
        said = caller.seen.said("agent", spoken.ended_at)
        assert said.endswith("runs on this machine."), said
        sound = [s for s in caller.sounds() if s.began_at > spoken.ended_at]
        assert sum(s.duration_s for s in sound) > 3.0
    _, alive = psutil.wait_procs([p for p in processes if p.pid != os.getpid()], timeout=2.0)
    assert alive == []
