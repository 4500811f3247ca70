"""The token as the real livekit-server sees it."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from livekit import api, rtc

from ..livekit_server import livekit_server
from .conftest import CREDENTIALS, Site, Start


@pytest.fixture
def livekit(tmp_path: Path) -> Iterator[str]:
    """The address of a livekit-server that has our keys."""
    keys = {CREDENTIALS.api_key: CREDENTIALS.api_secret}
    with livekit_server(tmp_path, keys) as url:
        yield url.replace("ws://", "http://")


@pytest.fixture
async def live(start: Start, livekit: str) -> Site:
    return await start(network={"livekit_port": int(livekit.rpartition(":")[2])})


async def a_token(site: Site, **fields: Any) -> tuple[str, str]:
    """Address and token, as a client gets them."""
    status, body, _ = await site.token(fields)
    assert status == 201, body
    return body["server_url"], body["participant_token"]


@asynccontextmanager
async def joined(url: str, token: str) -> AsyncIterator[rtc.Room]:
    room = rtc.Room()
    await asyncio.wait_for(room.connect(url, token), 20)
    try:
        yield room
    finally:
        await room.disconnect()


async def refused(url: str, token: str) -> str:
    """Why livekit-server does not let a token in."""
    http = url.replace("ws", "http", 1)
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{http}/rtc/validate", params={"access_token": token}) as r,
    ):
        assert r.status != 200
        return await r.text()


async def test_the_server_takes_the_token_and_only_whole(live: Site, livekit: str) -> None:
    url, token = await a_token(live)
    assert url == livekit.replace("http", "ws", 1)
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"{livekit}/rtc/validate", params={"access_token": token}) as r,
    ):
        assert (r.status, await r.text()) == (200, "success")
    head, claims, signature = token.split(".")
    other = (await a_token(live))[1].split(".")[1]
    assert await refused(url, f"{head}.{other}.{signature}")
    assert await refused(url, f"{head}.{claims}.")


async def test_one_room_one_identity(live: Site) -> None:
    url, token = await a_token(live, room_name="A", participant_identity="anna")
    # a client may ask for a room; the token's is what counts
    async with joined(f"{url}/?room=B&room_name=B&identity=berta", token) as room:
        assert room.name == "A"
        assert room.local_participant.identity == "anna"


async def test_a_room_takes_one_caller_and_an_agent(live: Site) -> None:
    url, token = await a_token(live, room_name="A", participant_identity="anna")
    async with joined(url, token) as room:
        _, second = await a_token(live, room_name="A", participant_identity="berta")
        with pytest.raises(rtc.ConnectError):
            await asyncio.wait_for(rtc.Room().connect(url, second), 20)
        agent = (
            api.AccessToken(CREDENTIALS.api_key, CREDENTIALS.api_secret)
            .with_identity("agent-1")
            .with_kind("agent")
            .with_grants(api.VideoGrants(room_join=True, room="A", agent=True))
            .to_jwt()
        )
        async with joined(url, agent) as agents_room:
            assert set(agents_room.remote_participants) == {"anna"}
        # the same caller again, after a reload: the old connection makes room
        async with joined(url, token) as again:
            assert again.local_participant.identity == "anna"
    assert room.name == "A"


async def test_a_microphone_and_data_and_nothing_else(live: Site, livekit: str) -> None:
    url, token = await a_token(live, room_name="A", participant_name="Anna")
    async with (
        joined(url, token) as room,
        api.LiveKitAPI(livekit, CREDENTIALS.api_key, CREDENTIALS.api_secret) as server,
    ):
        me = room.local_participant

        async def publish(track: rtc.Track, source: rtc.TrackSource.ValueType) -> None:
            await me.publish_track(track, rtc.TrackPublishOptions(source=source))

        video = [rtc.LocalVideoTrack.create_video_track("v", rtc.VideoSource(64, 64)) for _ in "ab"]
        audio = [
            rtc.LocalAudioTrack.create_audio_track("a", rtc.AudioSource(48000, 1)) for _ in "ab"
        ]
        sources = rtc.TrackSource
        await asyncio.wait_for(publish(audio[0], sources.SOURCE_MICROPHONE), 20)
        await asyncio.wait_for(me.publish_data(b"hello"), 5)
        forbidden = await asyncio.gather(
            publish(video[0], sources.SOURCE_CAMERA),
            publish(video[1], sources.SOURCE_SCREENSHARE),
            publish(audio[1], sources.SOURCE_SCREENSHARE_AUDIO),
            return_exceptions=True,
        )
        assert all(isinstance(error, Exception) for error in forbidden), forbidden
        # these do not tell whether they worked
        await asyncio.gather(
            me.set_name("Operator"),
            me.set_metadata("{}"),
            me.set_attributes({"lk.agent.state": "speaking"}),
            return_exceptions=True,
        )
        listed = await server.room.list_participants(api.ListParticipantsRequest(room="A"))
        anna = listed.participants[0]
        assert (anna.name, anna.metadata, dict(anna.attributes)) == ("Anna", "", {})
        assert [track.source for track in anna.tracks] == [api.TrackSource.MICROPHONE]


async def test_no_administration(live: Site, livekit: str) -> None:
    _, token = await a_token(live, room_name="A")
    calls = {
        "RoomService/ListRooms": {},
        "RoomService/CreateRoom": {"name": "B"},
        "RoomService/DeleteRoom": {"room": "A"},
        "RoomService/ListParticipants": {"room": "A"},
        "RoomService/RemoveParticipant": {"room": "A", "identity": "x"},
        "RoomService/SendData": {"room": "A", "data": ""},
        "RoomService/UpdateRoomMetadata": {"room": "A", "metadata": "x"},
        "AgentDispatchService/CreateDispatch": {"room": "A", "agent_name": "x"},
        "Egress/StartRoomCompositeEgress": {"room_name": "A"},
        "SIP/ListSIPTrunk": {},
    }
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as http:
        for method, body in calls.items():
            async with http.post(f"{livekit}/twirp/livekit.{method}", json=body) as r:
                assert r.status in (401, 403), (method, await r.text())
        async with http.ws_connect(f"{livekit}/rtc", params={"access_token": token}):
            pass
        with pytest.raises(aiohttp.WSServerHandshakeError) as no_worker:
            await http.ws_connect(f"{livekit}/agent")
        assert no_worker.value.status == 401


async def test_all_that_may_be_said_of_a_participant_arrives(live: Site) -> None:
    url, token = await a_token(
        live,
        participant_name="Анна 👩‍👩‍👧",
        participant_metadata='{"seat": 1}',
        participant_attributes={"language": "日本語"},
    )
    async with joined(url, token) as room:
        me = room.local_participant
        assert (me.name, me.metadata, me.attributes) == (
            "Анна 👩‍👩‍👧",
            '{"seat": 1}',
            {"language": "日本語"},
        )


async def test_the_named_agent_is_called(start: Start, livekit: str) -> None:
    name = f"agent-{secrets.token_hex(4)}"
    port = int(livekit.rpartition(":")[2])
    site = await start(network={"livekit_port": port}, calls={"agent_name": name})
    url, token = await a_token(site, room_name="A")
    async with (
        joined(url, token),
        api.LiveKitAPI(livekit, CREDENTIALS.api_key, CREDENTIALS.api_secret) as server,
    ):
        dispatches = await server.agent_dispatch.list_dispatch("A")
        assert [d.agent_name for d in dispatches] == [name]
        rooms = await server.room.list_rooms(api.ListRoomsRequest())
        assert [(r.name, r.max_participants) for r in rooms.rooms] == [("A", 1)]
