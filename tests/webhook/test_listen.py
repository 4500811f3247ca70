"""`earshot webhook listen`: the real command, told by a real livekit-server and by others."""

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from earshot.errors import StackError, WebhookRefusedError
from earshot.webhook.listen import Listener, event_line
from earshot.webhook.receive import BODY_BYTES_MAX
from earshot.webhook.verify import Verifier
from livekit import api, rtc

from ..livekit_server import free_port
from .conftest import KEY, SECRET, Serve, body_of, signed


@dataclass
class Listening:
    url: str
    head: list[str]
    lines: list[str] = field(default_factory=list)
    status: int | None = None

    async def until(self, count: int) -> list[str]:
        async with asyncio.timeout(60):
            while len(self.lines) < count:
                await asyncio.sleep(0.05)
        return self.lines

    async def post(self, body: bytes, authorization: str) -> int:
        async with (
            aiohttp.ClientSession() as http,
            http.post(self.url, data=body, headers={"Authorization": authorization}) as r,
        ):
            return r.status


@asynccontextmanager
async def listening(tmp_path: Path, *arguments: str) -> AsyncIterator[Listening]:
    """The command, on a free port, for the server that the environment names."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "earshot", "webhook", "listen", "--port", str(port), *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=tmp_path,
        env={
            **os.environ,
            "LIVEKIT_URL": "ws://127.0.0.1:1",
            "LIVEKIT_API_KEY": KEY,
            "LIVEKIT_API_SECRET": SECRET,
            "EARSHOT_STATE_DIR": str(tmp_path / "state"),
        },
    )  # fmt: skip
    assert process.stdout is not None and process.stderr is not None
    told = Listening(f"http://127.0.0.1:{port}", [])

    async def read(stream: asyncio.StreamReader, into: list[str]) -> None:
        async for line in stream:
            into.append(line.decode().rstrip())

    reading = [
        asyncio.create_task(read(process.stdout, told.lines)),
        asyncio.create_task(read(process.stderr, told.head)),
    ]
    try:
        async with asyncio.timeout(60):
            while len(told.head) < 3 and process.returncode is None:
                await asyncio.sleep(0.05)
        yield told
        told.status = process.returncode
    finally:
        if process.returncode is None:
            process.terminate()
        await asyncio.wait_for(process.wait(), 10)
        await asyncio.gather(*reading)


async def test_the_real_server_tells(tmp_path: Path, livekit: Serve) -> None:
    async with listening(tmp_path, "--json") as told:
        assert told.url in told.head[0]
        # the lines that it gives do what they say
        line = re.search(r"webhook: (\{.*\})", told.head[1])
        assert line is not None
        import yaml

        assert yaml.safe_load(line[1]) == {"api_key": KEY, "urls": [told.url]}
        async with livekit(told.url) as url:
            token = (
                api.AccessToken(KEY, SECRET)
                .with_identity("anna")
                .with_name("Anna")
                .with_grants(api.VideoGrants(room_join=True, room="lobby"))
                .to_jwt()
            )
            room = rtc.Room()
            await asyncio.wait_for(room.connect(url, token), 30)
            await room.disconnect()
            async with api.LiveKitAPI(url.replace("ws", "http", 1), KEY, SECRET) as server:
                await server.room.delete_room(api.DeleteRoomRequest(room="lobby"))
            events = [json.loads(text) for text in await told.until(4)]
            assert await told.post(body_of(), signed(body_of(), secret="x" * 43)) == 401
            (refused,) = [json.loads(text) for text in (await told.until(5))[4:]]
    kinds = [event["event"] for event in events]
    assert set(kinds) == {"room_started", "participant_joined", "participant_left", "room_finished"}
    joined = events[kinds.index("participant_joined")]
    assert (joined["room"]["name"], joined["participant"]["name"]) == ("lobby", "Anna")
    assert all(event["refused"] is None for event in events)
    assert refused["refused"] == "the signature is not that of our secret"


async def test_for_people_and_so_many(tmp_path: Path) -> None:
    async with listening(tmp_path, "--count", "3") as told:
        odd = body_of("participant_joined", participant={"sid": "PA_1", "identity": "a\x1b[2Jb\n"})
        assert await told.post(odd, signed(odd)) == 200
        assert await told.post(odd, signed(odd, key="theirs")) == 401
        assert await told.post(b"x" * (BODY_BYTES_MAX + 1), "x") == 413
        lines = await told.until(3)
        async with asyncio.timeout(20):
            while True:
                try:
                    await told.post(odd, "x")
                    await asyncio.sleep(0.05)
                except aiohttp.ClientError:
                    break  # three were enough
    assert "participant_joined" in lines[0] and "room lobby" in lines[0]
    assert r"caller a\x1b[2Jb\n" in lines[0]
    assert (
        "refused" in lines[1] and "signed with another key" in lines[1] and "key theirs" in lines[1]
    )
    assert "more than 256 kB" in lines[2]
    assert len(lines) == 3


async def running(**options: Any) -> tuple[asyncio.Task[None], str, list[str]]:
    said: list[str] = []
    listener = Listener(
        Verifier(KEY, SECRET), said.append, as_json=False, senders="machine", **options
    )
    port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(listener.run("127.0.0.1", 0, port.set_result))
    return task, f"http://127.0.0.1:{await port}", said


async def test_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("earshot.webhook.receive.BURST", 5)
    monkeypatch.setattr("earshot.webhook.receive.PER_S", 0.001)
    monkeypatch.setattr("earshot.webhook.receive.BODY_S", 0.2)
    task, url, said = await running()
    body = body_of()
    try:
        async with aiohttp.ClientSession() as http:
            async with http.get(url) as r:
                assert r.status == 405

            async def slowly() -> Any:
                yield b"{"
                await asyncio.sleep(5)

            async with http.post(url, data=slowly(), headers={"Authorization": "x"}) as r:
                assert r.status == 408
            headers = {"Authorization": signed(body)}
            states = []
            for _ in range(6):
                async with http.post(url, data=body, headers=headers) as r:
                    states.append(r.status)
        assert states == [200] * 4 + [429] * 2
        assert "too slowly" in said[0] and "too many" in said[-1]
        with pytest.raises(StackError, match=r"port \d+ on 127.0.0.1 is taken.*--port"):
            other = Listener(Verifier(KEY, SECRET), said.append, as_json=False, senders="machine")
            await other.run("127.0.0.1", int(url.rpartition(":")[2]), lambda _: None)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def test_a_line_of_every_kind() -> None:
    room = api.Room(name="lobby")
    who = api.ParticipantInfo(
        identity="anna", name="Anna", disconnect_reason=api.DisconnectReason.CLIENT_INITIATED
    )
    left = api.WebhookEvent(event="participant_left", room=room, participant=who, num_dropped=2)
    assert event_line(left).endswith(
        "room lobby  caller anna (Anna)  client initiated  2 before it were dropped"
    )
    over = api.WebhookEvent(event="room_finished", room=room, room_end_reason=2)
    assert event_line(over).endswith("room lobby  idle timeout")
    track = api.WebhookEvent(
        event="track_published", room=room, participant=who, track=api.TrackInfo(sid="TR_1")
    )
    assert event_line(track).endswith("caller anna (Anna)  audio TR_1")
    egress = api.WebhookEvent(event="egress_started", egress_info=api.EgressInfo(egress_id="EG_1"))
    assert event_line(egress).endswith("egress EG_1")
    assert WebhookRefusedError("x").status == 401
