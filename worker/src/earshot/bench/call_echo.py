"""A participant that says back what it hears: what the way there and back costs by itself.

    python -m earshot.bench.call_echo URL TOKEN

It lives in a process of its own, as an agent does, and sends in frames of 10 ms.
"""

import asyncio
import sys

from livekit import rtc

RATE_HZ = 48_000


async def echo(url: str, token: str) -> None:
    """Echoes one room until it is told to stop."""
    room = rtc.Room()
    source = rtc.AudioSource(RATE_HZ, 1, queue_size_ms=0)
    over = asyncio.Event()
    tasks = set()

    async def forward(track: rtc.Track) -> None:
        async for event in rtc.AudioStream(track, sample_rate=RATE_HZ, frame_size_ms=10):
            await source.capture_frame(event.frame)

    def on_track(track: rtc.Track, *_: object) -> None:
        tasks.add(asyncio.ensure_future(forward(track)))

    room.on("track_subscribed", on_track)
    room.on("disconnected", lambda _: over.set())
    await room.connect(url, token)
    track = rtc.LocalAudioTrack.create_audio_track("echo", source)
    await room.local_participant.publish_track(track)
    await over.wait()


if __name__ == "__main__":
    asyncio.run(echo(sys.argv[1], sys.argv[2]))
