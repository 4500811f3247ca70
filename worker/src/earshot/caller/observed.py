"""What a caller sees of a call: captions, the agent's states and Earshot's own messages.

The topics and attributes are LiveKit's, and those of Earshot that its page reads.
"""

import asyncio
import json
import math
import time
from dataclasses import dataclass, field
from typing import Any, Literal

from livekit import rtc

Speaker = Literal["caller", "agent"]
Kind = Literal["turn", "tool", "notice"]
KINDS: tuple[Kind, ...] = ("turn", "tool", "notice")


@dataclass
class Caption:
    """One segment; its text grows or is replaced while it is spoken."""

    speaker: Speaker
    segment: str
    text: str
    final: bool
    began_at: float
    """monotonic, as all moments here"""
    changed_at: float
    versions: list[tuple[float, str]] = field(default_factory=list)
    """every text that it had, and since when"""


@dataclass(frozen=True)
class State:
    """A change of the agent's state."""

    at: float
    state: str


@dataclass(frozen=True)
class Message:
    """A JSON message on one of Earshot's topics."""

    at: float
    kind: Kind
    content: dict[str, Any]


@dataclass
class Seen:
    """Everything that one call showed to its caller."""

    captions: list[Caption] = field(default_factory=list)
    states: list[State] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    attributes: dict[str, str] = field(default_factory=dict)
    agent_joined_at: float | None = None
    """when an agent was first seen in the room"""

    def said(self, speaker: Speaker, since: float = 0.0, until: float = math.inf) -> str:
        """The captions that began after `since` and before `until`, as one text."""
        found = (c for c in self.captions if c.speaker == speaker and since <= c.began_at < until)
        return " ".join(text for c in found if (text := c.text.strip()))

    def recognised_at(self, since: float, until: float = math.inf) -> float | None:
        """When the caller's words first stood as they are now: the transcript was ready."""
        spoken = [
            c
            for c in self.captions
            if c.speaker == "caller" and c.changed_at >= since and c.began_at < until
        ]
        if not spoken:
            return None
        last = spoken[-1]
        return next((at for at, text in last.versions if text == last.text), None)

    def of(self, kind: Kind, since: float = 0.0) -> list[dict[str, Any]]:
        return [m.content for m in self.messages if m.kind == kind and m.at >= since]

    @property
    def state(self) -> str:
        return self.states[-1].state if self.states else ""


class Watch:
    """Fills a `Seen` from a room's text streams and attributes."""

    def __init__(self, room: rtc.Room, identity: str, seen: Seen) -> None:
        self._identity = identity
        self._seen = seen
        self._readers: set[asyncio.Task[None]] = set()
        room.register_text_stream_handler("lk.transcription", self._on_caption)
        for kind in KINDS:
            room.register_text_stream_handler(f"earshot.{kind}", self._handler(kind))
        room.on("participant_attributes_changed", self._on_attributes)
        room.on("participant_connected", self._on_participant)

    def look(self, room: rtc.Room) -> None:
        """Whoever was there already."""
        for participant in room.remote_participants.values():
            self._on_participant(participant)

    async def aclose(self) -> None:
        for task in self._readers:
            task.cancel()
        await asyncio.gather(*self._readers, return_exceptions=True)

    def _read(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._readers.add(task)
        task.add_done_callback(self._readers.discard)

    def _on_caption(self, reader: rtc.TextStreamReader, identity: str) -> None:
        self._read(self._read_caption(reader, identity))

    async def _read_caption(self, reader: rtc.TextStreamReader, identity: str) -> None:
        attributes = reader.info.attributes or {}
        speaker: Speaker = "caller" if identity == self._identity else "agent"
        segment = attributes.get("lk.segment_id", reader.info.stream_id)
        final = attributes.get("lk.transcription_final") == "true"
        text = ""
        try:
            async for chunk in reader:
                text += chunk
                self._caption(speaker, segment, text, final)
        except ConnectionError:
            return  # the room closed in mid-sentence: what came is kept
        # the agent's captions grow within one stream: its end is their end
        self._caption(speaker, segment, text, final or speaker == "agent")

    def _caption(self, speaker: Speaker, segment: str, text: str, final: bool) -> None:
        now = time.monotonic()
        for caption in reversed(self._seen.captions):
            if (caption.speaker, caption.segment) == (speaker, segment):
                if text and text != caption.text:
                    caption.text = text
                    caption.changed_at = now
                    caption.versions.append((now, text))
                caption.final = caption.final or final
                return
        if text:
            caption = Caption(speaker, segment, text, final, now, now, [(now, text)])
            self._seen.captions.append(caption)

    def _handler(self, kind: Kind) -> Any:
        def handle(reader: rtc.TextStreamReader, _identity: str) -> None:
            self._read(self._read_message(kind, reader))

        return handle

    async def _read_message(self, kind: Kind, reader: rtc.TextStreamReader) -> None:
        at = time.monotonic()
        try:
            content = json.loads(await reader.read_all())
        except (ConnectionError, ValueError):
            return
        if kind == "turn":  # the same number again replaces the record
            self._seen.messages[:] = [
                m
                for m in self._seen.messages
                if m.kind != "turn" or m.content.get("turn") != content.get("turn")
            ]
        self._seen.messages.append(Message(at, kind, content))

    def _on_participant(self, participant: rtc.RemoteParticipant) -> None:
        if participant.kind == rtc.ParticipantKind.PARTICIPANT_KIND_AGENT:
            self._seen.agent_joined_at = self._seen.agent_joined_at or time.monotonic()
        self._on_attributes(dict(participant.attributes), participant)

    def _on_attributes(self, changed: dict[str, str], participant: rtc.Participant) -> None:
        if participant.kind != rtc.ParticipantKind.PARTICIPANT_KIND_AGENT:
            return
        self._seen.attributes = dict(participant.attributes)
        if state := changed.get("lk.agent.state"):
            self._seen.states.append(State(time.monotonic(), state))
