"""A scripted agent: what the page would get from the real one, when a test says so.

It is a participant of kind agent in a real room, with a real audio track. It knows nothing of
models; the tests of whole calls use the real agent instead.
"""

import asyncio
import contextlib
import json
import math
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
from livekit import api, rtc

RATE = 24_000


class ScriptedAgent:
    """In the room as `agent`; hears nothing, and does what it is told."""

    def __init__(self, room: rtc.Room, source: rtc.AudioSource) -> None:
        self._room = room
        self._source = source
        self._loud = asyncio.Event()
        self.heard_text: asyncio.Queue[str] = asyncio.Queue(100)
        """What the page sent by lk.chat."""
        self.microphone_muted: asyncio.Queue[bool] = asyncio.Queue(100)
        self.loudness = 0.0
        """Of the caller's microphone, RMS of the last 20 ms, 0..1."""
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def caller(self) -> rtc.RemoteParticipant | None:
        return next(iter(self._room.remote_participants.values()), None)

    async def state(self, state: str, busy: bool = False) -> None:
        self._loud.set() if state == "speaking" else self._loud.clear()
        await self._room.local_participant.set_attributes(
            {"lk.agent.state": state, "earshot.state": "busy" if busy else ""}
        )

    async def hears(self, segment: str, text: str, final: bool = False) -> None:
        """A guess of what the caller said, or the final words: a stream of its own."""
        assert self.caller
        writer = await self._room.local_participant.stream_text(
            topic="lk.transcription",
            sender_identity=self.caller.identity,
            attributes={
                "lk.segment_id": segment,
                "lk.transcription_final": "true" if final else "false",
            },
        )
        await writer.write(text)
        await writer.aclose()

    async def says(
        self, segment: str, text: str, pause_s: float = 0.05, stop_after: int = 0
    ) -> None:
        """Word by word, in one stream; `stop_after` words it is interrupted."""
        writer = await self._room.local_participant.stream_text(
            topic="lk.transcription",
            attributes={"lk.segment_id": segment, "lk.transcription_final": "false"},
        )
        words = text.split(" ")
        for i, word in enumerate(words[: stop_after or None]):
            await writer.write(word if i == 0 else " " + word)
            await asyncio.sleep(pause_s)
        await writer.aclose(attributes={"lk.transcription_final": "true"})

    async def tells(self, kind: str, record: dict[str, Any]) -> None:
        """A message on earshot.turn, earshot.tool or earshot.notice."""
        await self._room.local_participant.send_text(json.dumps(record), topic=f"earshot.{kind}")

    async def leave(self) -> None:
        """Goes without a word, as a killed process does."""
        await self._room.disconnect()

    async def play(self) -> None:
        """A tone while the state is speaking, silence otherwise."""
        step = RATE // 50
        phase = 0
        while True:
            t = (phase + np.arange(step)) / RATE
            swell = 0.3 + 0.2 * math.sin(phase / RATE * 9)
            tone = np.sin(2 * np.pi * 220 * t) * swell if self._loud.is_set() else np.zeros(step)
            frame = rtc.AudioFrame((tone * 32767).astype(np.int16).tobytes(), RATE, 1, step)
            await self._source.capture_frame(frame)
            phase += step

    def subscribed(self, track: rtc.Track) -> None:
        if track.kind == rtc.TrackKind.KIND_AUDIO:
            self._spawn(self._listen(track))

    def text(self, reader: rtc.TextStreamReader, identity: str) -> None:
        async def read() -> None:
            self.heard_text.put_nowait(await reader.read_all())

        self._spawn(read())

    async def _listen(self, track: rtc.Track) -> None:
        stream = rtc.AudioStream(track, sample_rate=RATE, num_channels=1, frame_size_ms=20)
        try:
            async for event in stream:
                samples = np.frombuffer(event.frame.data, np.int16).astype(np.float32) / 32768
                self.loudness = float(np.sqrt(np.mean(samples**2)))
        finally:
            await stream.aclose()

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def aclose(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@asynccontextmanager
async def join(url: str, key: str, secret: str, room_name: str) -> AsyncIterator[ScriptedAgent]:
    """The agent, joined to a room and listening."""
    token = (
        api.AccessToken(key, secret)
        .with_identity(f"agent-{time.monotonic_ns()}")
        .with_kind("agent")
        .with_grants(
            api.VideoGrants(
                room_join=True, room=room_name, agent=True, can_update_own_metadata=True
            )
        )
        .to_jwt()
    )
    room = rtc.Room()
    source = rtc.AudioSource(RATE, 1, queue_size_ms=100)
    agent = ScriptedAgent(room, source)
    room.on("track_subscribed", lambda track, *_: agent.subscribed(track))
    room.on("track_muted", lambda *_: agent.microphone_muted.put_nowait(True))
    room.on("track_unmuted", lambda *_: agent.microphone_muted.put_nowait(False))
    room.register_text_stream_handler("lk.chat", agent.text)
    await room.connect(url, token)
    playing = asyncio.create_task(agent.play())
    try:
        track = rtc.LocalAudioTrack.create_audio_track("voice", source)
        await room.local_participant.publish_track(
            track, rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        )
        await agent.state("listening")
        yield agent
    finally:
        playing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await playing
        await agent.aclose()
        await room.disconnect()
        await source.aclose()
