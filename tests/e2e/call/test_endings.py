"""Calls of an agent with a name: who asks for it, and how a call ends that nobody ends."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from earshot.caller import Caller, from_page
from earshot.caller.stack import Stack
from earshot.caller.ticket import minted
from livekit import api

SETTINGS = {
    "EARSHOT_CALLS__AGENT_NAME": "nova",
    "EARSHOT_CALLS__MAX": "2",
    "EARSHOT_CALLS__SILENCE_PROMPT_S": "3",
    "EARSHOT_CALLS__SILENCE_END_S": "3",
    "EARSHOT_CALLS__LENGTH_MAX_S": "14",
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def named(needed: None, folder: Path) -> AsyncIterator[Stack]:
    async with Stack(folder / "named", SETTINGS) as running:
        yield running


def kinds(caller: Caller) -> list[str]:
    return [notice["kind"] for notice in caller.seen.of("notice")]


async def test_long_silence_is_asked_about_and_then_ends_the_call(named: Stack) -> None:
    async with Caller(await from_page(named.page)) as caller:
        await caller.agent()  # called by name in the page's token
        await caller.greeting()
        await caller.until(lambda: caller.disconnected is not None, 20.0, "the goodbye")
        assert kinds(caller) == ["silence", "ending"]
        assert [c.text for c in caller.seen.captions] == [
            "Hello, how can I help you?", "Are you still there?", "Goodbye.",
        ]  # fmt: skip


async def test_called_by_name_and_ended_at_the_longest(named: Stack) -> None:
    keys, url = named.credentials, named.endpoints.livekit_internal
    ticket = minted(url, keys.api_key, keys.api_secret, "by-name")
    async with Caller(ticket) as caller:
        async with api.LiveKitAPI(
            url.replace("ws", "http", 1), keys.api_key, keys.api_secret
        ) as server:
            wanted = api.CreateAgentDispatchRequest(room="by-name", agent_name="nova")
            await server.agent_dispatch.create_dispatch(wanted)
        await caller.agent()
        await caller.greeting()
        for _ in range(6):  # somebody who types is there
            if caller.disconnected is None:
                await caller.write("What is two plus two?")
                await asyncio.sleep(2.0)
        await caller.until(lambda: caller.disconnected is not None, 15.0, "the end")
        assert kinds(caller) == ["ending"]
        replies = [c.text for c in caller.seen.captions if c.speaker == "agent"]
        assert "The answer is 4." in replies and replies[-1] == "Goodbye."
