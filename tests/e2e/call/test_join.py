"""`earshot room join` as a person or a script runs it, in real rooms of a real stack."""

import asyncio
import json
import os
import signal
import sys
import wave
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest_asyncio
from earshot.caller.stack import Stack
from earshot.caller.ticket import from_page, minted
from earshot.join.events import Events
from earshot.join.watch import Watch
from livekit import api, rtc

ROOT = Path(__file__).parents[3]
QUESTION = ROOT / "worker" / "src" / "earshot" / "talk" / "question.wav"


class Joined:
    """A running `earshot room join --json`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.events: list[dict[str, Any]] = []
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.events.append(json.loads(line))

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [e for e in self.events if e["event"] == kind]

    async def until(
        self, kind: str, fits: Callable[[dict[str, Any]], Any] = bool
    ) -> dict[str, Any]:
        async with asyncio.timeout(60):
            while not (found := [e for e in self.of(kind) if fits(e)]):
                assert self.process.returncode is None, self.events
                await asyncio.sleep(0.05)
        return found[0]

    async def end(self) -> int:
        async with asyncio.timeout(30):
            status = await self.process.wait()
            await self._reading
        return status

    def write(self, text: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(text.encode())


@pytest_asyncio.fixture(loop_scope="session")
async def join(stack: Stack) -> AsyncIterator[Callable[..., Any]]:
    """`await join("lobby", "--for", "5s")` -> Joined"""
    running: list[asyncio.subprocess.Process] = []

    async def start(*arguments: str | Path) -> Joined:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "earshot", "room", "join", "--json", *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={"PATH": os.environ["PATH"], "EARSHOT_STATE_DIR": str(stack.state_dir)},
        )  # fmt: skip
        running.append(process)
        return Joined(process)

    yield start
    for process in running:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_a_call_with_the_agent(join: Callable[..., Any], tmp_path: Path) -> None:
    heard = tmp_path / "heard.wav"
    me = await join(
        "desk", "--identity", "ann", "--agent", "front-desk", "--publish", QUESTION,
        "--record", heard,
    )  # fmt: skip
    agent = (await me.until("participant_joined", lambda e: e["kind"] == "agent"))["identity"]
    assert me.of("joined")[0]["identity"] == "ann"
    assert (await me.until("dispatched"))["agent"] == "front-desk"
    answer = await me.until("transcript", lambda e: e["final"] and "8" in e["text"])
    assert answer["identity"] == agent
    question = await me.until("transcript", lambda e: e["final"] and e["identity"] == "ann")
    assert question["text"] == "What is five plus three?"
    await me.until("text_stream", lambda e: e["topic"] == "earshot.tool")
    await me.until("agent_state", lambda e: e["state"] == "speaking")
    await me.until("active_speakers", lambda e: agent in e["identities"])
    assert me.of("track_subscribed")[0]["kind"] == "audio"
    me.write("What is your name?\n")
    await me.until("chat_sent")
    await me.until("transcript", lambda e: e["final"] and "Earshot" in e["text"])
    await me.until("connection_quality")
    me.process.send_signal(signal.SIGINT)
    assert await me.end() == 0
    assert [e["event"] for e in me.events][-1] == "left"
    with wave.open(str(heard)) as wav:
        sound = np.frombuffer(wav.readframes(wav.getnframes()), np.int16)
        seconds = wav.getnframes() / wav.getframerate()
    assert seconds > 2 and np.abs(sound).max() > 2000
    assert abs(seconds - me.of("left")[0]["seconds"]) < 5


async def test_everything_that_another_participant_does(
    join: Callable[..., Any], stack: Stack
) -> None:
    url, keys = stack.endpoints.livekit_internal, stack.credentials
    me = await join(
        "lobby", "--identity", "me", "--publish", "tone", "--chat", "good morning",
        "--answer", "colour=blue",
    )  # fmt: skip
    await me.until("joined")
    token = (
        api.AccessToken(keys.api_key, keys.api_secret)
        .with_identity("bob")
        .with_name("Bob")
        .with_grants(api.VideoGrants(room_join=True, room="lobby", can_update_own_metadata=True))
        .to_jwt()
    )
    room, written = rtc.Room(), asyncio.Queue[str]()

    def read(reader: rtc.TextStreamReader, _identity: str) -> None:
        async def rest() -> None:
            written.put_nowait(await reader.read_all())

        reading.append(asyncio.create_task(rest()))

    reading: list[asyncio.Task[None]] = []
    room.register_text_stream_handler("lk.chat", read)
    await asyncio.wait_for(room.connect(url, token), 20)
    try:
        bob = room.local_participant
        await me.until("participant_joined", lambda e: (e["identity"], e["name"]) == ("bob", "Bob"))
        me.write("hello\n")
        await me.until("chat_sent", lambda e: e["text"] == "good morning")
        while await asyncio.wait_for(written.get(), 30) != "hello":
            pass  # the first may have come as well
        source = rtc.AudioSource(48_000, 1)
        track = rtc.LocalAudioTrack.create_audio_track("voice", source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        publication = await bob.publish_track(track, options)
        await me.until("track_subscribed", lambda e: e["name"] == "voice")
        track.mute()
        await me.until("track_muted")
        track.unmute()
        await me.until("track_unmuted")
        await bob.unpublish_track(publication.sid)
        await me.until("track_unpublished")
        await bob.set_attributes({"mood": "good"})
        await me.until("attributes", lambda e: e["changed"] == {"mood": "good"})
        await bob.set_metadata("{}")
        await me.until("metadata", lambda e: e["metadata"] == "{}")
        await bob.set_name("Robert")
        await me.until("name", lambda e: e["name"] == "Robert")
        await bob.publish_data(b"\xff\x00", topic="raw")
        data = await me.until("data")
        assert (data["topic"], data["bytes"], data["hex"]) == ("raw", 2, "ff00")
        await bob.send_text("of any topic", topic="nobody.registered")
        stream = await me.until("text_stream", lambda e: e["topic"] == "nobody.registered")
        assert (stream["text"], stream["whole"], stream["identity"]) == (
            "of any topic",
            True,
            "bob",
        )
        writer = await bob.stream_bytes("a.bin", topic="files")
        await writer.write(b"x" * 50_000)
        await writer.aclose()
        file = await me.until("byte_stream", lambda e: e["topic"] == "files")
        assert (file["name"], file["bytes"], file["whole"]) == ("a.bin", 50_000, True)
        answer = await bob.perform_rpc(
            destination_identity="me", method="colour", payload="?", response_timeout=10
        )
        assert answer == "blue"
        call = await me.until("rpc")
        assert (call["method"], call["payload"], call["answer"]) == ("colour", "?", "blue")
        async with api.LiveKitAPI(
            url.replace("ws", "http"), keys.api_key, keys.api_secret
        ) as server:
            await server.room.update_room_metadata(
                api.UpdateRoomMetadataRequest(room="lobby", metadata="closing soon")
            )
            await me.until("room_metadata", lambda e: e["metadata"] == "closing soon")
            await asyncio.wait_for(room.disconnect(), 10)
            await me.until("participant_left", lambda e: e["identity"] == "bob")
            await server.room.delete_room(api.DeleteRoomRequest(room="lobby"))
        assert await me.end() == 1
        assert me.of("disconnected")[0]["reason"] == "room_deleted"
    finally:
        await room.disconnect()


async def test_a_reconnect_is_shown(stack: Stack) -> None:
    keys = stack.credentials
    ticket = minted(stack.endpoints.livekit_internal, keys.api_key, keys.api_secret, "waves", "me")
    room, events = rtc.Room(), Events()
    Watch(room, events)
    await asyncio.wait_for(room.connect(ticket.url, ticket.token), 20)
    try:
        await room.simulate_scenario(rtc.room.SimulateScenarioKind.SIMULATE_SIGNAL_RECONNECT)
        kinds: list[str] = []
        async with asyncio.timeout(30):
            while "reconnected" not in kinds:
                kinds += [e.kind for e in await events.next()]
        assert "reconnecting" in kinds
    finally:
        await room.disconnect()


async def test_a_room_that_is_full_and_a_key_that_is_none(stack: Stack) -> None:
    ticket = await from_page(stack.page, room="page")
    room = rtc.Room()
    await asyncio.wait_for(room.connect(ticket.url, ticket.token), 20)

    async def joins(**environment: str) -> tuple[int | None, str]:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "earshot", "room", "join", "page",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={"PATH": os.environ["PATH"], "EARSHOT_STATE_DIR": str(stack.state_dir), **environment},
        )  # fmt: skip
        async with asyncio.timeout(60):
            out, err = await process.communicate()
        assert out == b"" and err.count(b"\n") == 1
        return process.returncode, err.decode()

    try:
        (full, why), (wrong, no_key) = await asyncio.gather(
            joins(),
            joins(
                LIVEKIT_URL=stack.endpoints.livekit_internal,
                LIVEKIT_API_KEY="nobody",
                LIVEKIT_API_SECRET="x" * 40,
            ),
        )
        assert full == 4 and "the room takes 1 (agents not counted), and is full" in why
        assert wrong == 4 and "does not take the key 'nobody'" in no_key
    finally:
        await room.disconnect()
