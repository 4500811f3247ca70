"""Text and byte streams, of whichever topic they are."""

import asyncio
import time
from collections.abc import Coroutine
from typing import Any

from livekit import rtc

from .events import TEXT_MAX, Events

TRANSCRIPTION = "lk.transcription"
READERS_MAX = 64
"""streams that are read at the same time; others are told of, and not read"""
PARTIAL_EVERY_S = 0.25


class Every(dict[str, Any]):
    """One handler for all topics.

    LiveKit's client looks a topic up in a dict and drops the streams that nobody registered for; it
    has no way to ask for all of them.
    """

    def __init__(self, handler: Any) -> None:
        super().__init__()
        self._handler = handler

    def get(self, key: str, default: Any = None) -> Any:
        return self._handler


class Streams:
    """Reads every stream of a room; close with `aclose`."""

    def __init__(self, room: rtc.Room, events: Events) -> None:
        self._put = events.put
        self._reading: set[asyncio.Task[None]] = set()
        room._text_stream_handlers = Every(self._on_text)
        room._byte_stream_handlers = Every(self._on_bytes)

    async def aclose(self) -> None:
        for task in self._reading:
            task.cancel()
        await asyncio.gather(*self._reading, return_exceptions=True)

    def _on_text(self, reader: rtc.TextStreamReader, identity: str) -> None:
        if not self._read(self._text(reader, identity)):
            reader.close()
            self._put("stream_not_read", topic=reader.info.topic, identity=identity)

    def _on_bytes(self, reader: rtc.ByteStreamReader, identity: str) -> None:
        if not self._read(self._bytes(reader, identity)):
            reader.close()
            self._put("stream_not_read", topic=reader.info.topic, identity=identity)

    def _read(self, work: Coroutine[Any, Any, None]) -> bool:
        if len(self._reading) >= READERS_MAX:
            work.close()
            return False
        task = asyncio.create_task(work)
        self._reading.add(task)
        task.add_done_callback(self._reading.discard)
        return True

    async def _text(self, reader: rtc.TextStreamReader, identity: str) -> None:
        info = reader.info
        attributes = dict(info.attributes or {})
        spoken = info.topic == TRANSCRIPTION
        text, length, told_at = "", 0, 0.0
        whole = True
        try:
            async for chunk in reader:
                length += len(chunk)
                text = (text + chunk)[:TEXT_MAX]
                if spoken and time.monotonic() - told_at > PARTIAL_EVERY_S:
                    told_at = time.monotonic()
                    self._transcript(identity, attributes, text, final=False)
        except ConnectionError:
            whole = False  # the sender or the room went away in the middle
        if spoken:
            # the words of a person come as a stream for each guess, and the last one says so; an
            # agent's grow in one stream, which tells at its end that they stand
            attributes = dict(info.attributes or {})
            final = attributes.get("lk.transcription_final", "true") != "false"
            self._transcript(identity, attributes, text, final=final and whole)
            return
        self._put(
            "text_stream",
            identity=identity,
            topic=info.topic,
            text=text,
            characters=length,
            whole=whole,
            attributes=attributes,
        )

    def _transcript(
        self, identity: str, attributes: dict[str, str], text: str, final: bool
    ) -> None:
        self._put(
            "transcript",
            identity=identity,
            segment=attributes.get("lk.segment_id", ""),
            track=attributes.get("lk.transcribed_track_id", ""),
            text=text,
            final=final,
        )

    async def _bytes(self, reader: rtc.ByteStreamReader, identity: str) -> None:
        info = reader.info
        count, whole = 0, True
        try:
            async for chunk in reader:
                count += len(chunk)
        except ConnectionError:
            whole = False
        self._put(
            "byte_stream",
            identity=identity,
            topic=info.topic,
            name=info.name,
            mime_type=info.mime_type,
            bytes=count,
            whole=whole,
            attributes=dict(info.attributes or {}),
        )
