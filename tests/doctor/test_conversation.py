"""A call that goes wrong, at each of its steps: the doctor says which."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from earshot.caller import minted
from earshot.doctor import conversation
from earshot.doctor.finding import Finding
from earshot.doctor.target import of_server
from livekit import rtc

from ..page.agent import RATE, join
from .conftest import SESSION
from .network import KEY, SECRET, Here

pytestmark = SESSION


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in (("AGENT_S", 4.0), ("GREETING_S", 0.5), ("ANSWER_S", 3.0)):
        monkeypatch.setattr(conversation, name, seconds)


async def call(here: Here, room: str) -> list[Finding]:
    target = of_server(here.url, KEY, SECRET)
    target.ticket = minted(here.url, KEY, SECRET, room)
    return [finding async for finding in conversation.conversation(target)]


async def test_nobody_comes(here: Here) -> None:
    assert [f.cause for f in await call(here, "doctor-alone")] == ["agent_absent"]


async def test_all_lines_are_busy(here: Here) -> None:
    async with join(here.url, KEY, SECRET, "doctor-busy") as agent:
        await agent.state("initializing", busy=True)

        async def say() -> None:
            while True:
                await agent.tells("notice", {"kind": "busy", "message": "All lines are busy."})
                await asyncio.sleep(0.5)

        saying = asyncio.create_task(say())
        try:
            found = await call(here, "doctor-busy")
        finally:
            saying.cancel()
    assert [f.cause for f in found] == ["agent_busy"]


async def test_the_agent_does_not_listen(here: Here) -> None:
    async with deaf(here, "doctor-deaf"):
        found = await call(here, "doctor-deaf")
    assert [(f.check, f.cause) for f in found] == [("agent", ""), ("hearing", "agent_deaf")]


async def test_the_agent_understands_nothing(here: Here) -> None:
    async with join(here.url, KEY, SECRET, "doctor-numb") as agent:
        await agent.state("listening")
        found = await call(here, "doctor-numb")
    assert [(f.check, f.cause) for f in found] == [("agent", ""), ("hearing", "not_understood")]


async def test_the_agent_has_no_voice(here: Here) -> None:
    async with join(here.url, KEY, SECRET, "doctor-mute") as agent:
        await agent.state("listening")

        async def write_down() -> None:
            number = 0
            while True:
                await asyncio.sleep(0.5)
                if agent.caller and agent.loudness > 0.01:
                    number += 1
                    await agent.hears(f"s{number}", "What is five plus three?", final=True)

        writing = asyncio.create_task(write_down())
        try:
            found = await call(here, "doctor-mute")
        finally:
            writing.cancel()
    assert [(f.check, f.cause) for f in found] == [
        ("agent", ""), ("hearing", ""), ("answer", "agent_silent"),
    ]  # fmt: skip
    assert "five" not in " ".join(f.said for f in found[:2])


async def test_a_call_that_is_ended_by_the_server(here: Here) -> None:
    from livekit import api

    async with join(here.url, KEY, SECRET, "doctor-cut") as agent:
        await agent.state("listening")
        running = asyncio.create_task(call(here, "doctor-cut"))
        while agent.caller is None:
            await asyncio.sleep(0.05)
        url = here.url.replace("ws", "http", 1)
        async with api.LiveKitAPI(url, KEY, SECRET) as server:
            await server.room.delete_room(api.DeleteRoomRequest(room="doctor-cut"))
        found = await running
    assert found[-1].cause == "call_broken"


@contextlib.asynccontextmanager
async def deaf(here: Here, name: str) -> AsyncIterator[None]:
    """An agent that takes nobody's microphone."""
    from livekit import api

    grants = api.VideoGrants(room_join=True, room=name, agent=True, can_update_own_metadata=True)
    token = api.AccessToken(KEY, SECRET).with_identity("agent").with_kind("agent")
    room, source = rtc.Room(), rtc.AudioSource(RATE, 1)
    await room.connect(
        here.url, token.with_grants(grants).to_jwt(), rtc.RoomOptions(auto_subscribe=False)
    )
    try:
        track = rtc.LocalAudioTrack.create_audio_track("voice", source)
        await room.local_participant.publish_track(track)
        await room.local_participant.set_attributes({"lk.agent.state": "listening"})
        yield
    finally:
        await room.disconnect()
        await source.aclose()
