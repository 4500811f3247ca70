"""Two agents that talk to each other: what one says is what the other hears, at the speed of life."""

import asyncio
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from livekit import rtc
from livekit.agents import AgentSession, ConversationItemAddedEvent
from livekit.agents.llm import ChatMessage
from livekit.agents.voice import io

from ..agent import Assistant
from ..models import Profile
from ..session import Voice, build_session, load_voice, stay_local
from ..settings import Settings
from ..talk.speaker import PacedSpeaker
from .wer import Score

RATE_HZ = 16000
FRAME = RATE_HZ // 50
GIVE_UP_S = 20.0
"""without a new turn"""
NAMES = ("Anna", "Robert")
OPENING = "Hello, what time is it?"


class Line(io.AudioInput):
    """A microphone that hears what is fed into it, and silence otherwise."""

    def __init__(self) -> None:
        super().__init__(label="line")
        self._waiting = bytearray()
        self._resampler: rtc.AudioResampler | None = None
        self._next_at = time.monotonic()

    def feed(self, frame: rtc.AudioFrame) -> None:
        frames = [frame]
        if frame.sample_rate != RATE_HZ:
            self._resampler = self._resampler or rtc.AudioResampler(frame.sample_rate, RATE_HZ)
            frames = self._resampler.push(frame)
        for piece in frames:
            self._waiting += bytes(piece.data)

    async def __anext__(self) -> rtc.AudioFrame:
        now = time.monotonic()
        if now - self._next_at > 0.5:
            self._next_at = now  # the machine stood still: go on from here, without a rush
        await asyncio.sleep(self._next_at - now)
        self._next_at += FRAME / RATE_HZ
        data = bytes(self._waiting[: FRAME * 2])
        del self._waiting[: FRAME * 2]
        padded = data + bytes(FRAME * 2 - len(data))
        return rtc.AudioFrame(padded, RATE_HZ, 1, FRAME)


@dataclass
class Party:
    """One of the two."""

    session: AgentSession[None]
    agent: Assistant
    line: Line
    said: list[str] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)

    def on_item(self, event: ConversationItemAddedEvent) -> None:
        if isinstance(event.item, ChatMessage) and (text := event.item.text_content):
            (self.said if event.item.role == "assistant" else self.heard).append(text)


def hold(profile: Profile, folder: Path, turns: int = 20) -> dict[str, Any]:
    """{"turns", "of", "heard_wer", "said", "heard"}: how many turns the two had, at most `turns`, and how well they heard each other."""
    stay_local()
    settings = Settings(state_dir=folder / "state")
    voice, models = load_voice(settings, profile)

    async def run() -> dict[str, Any]:
        try:
            return await _hold(settings, voice, turns)
        finally:
            await models.aclose()

    return asyncio.run(run())


async def _hold(settings: Settings, voice: Voice, turns: int) -> dict[str, Any]:
    parties = [_party(settings, voice, name) for name in NAMES]
    for party, other in (parties, parties[::-1]):
        party.session.input.audio = party.line
        party.session.output.audio = PacedSpeaker(other.line.feed)
        party.session.on("conversation_item_added", party.on_item)
        await party.session.start(party.agent, record=False)
    try:
        parties[0].session.say(OPENING)
        count, since = 0, time.monotonic()
        while count < turns and time.monotonic() - since < GIVE_UP_S:
            await asyncio.sleep(0.05)
            said = sum(len(p.said) for p in parties)
            if said > count:
                count, since = said, time.monotonic()
    finally:
        for party in parties:
            await party.session.aclose()
    heard = Score()
    for party, other in (parties, parties[::-1]):
        for text, by_other in zip(party.said, other.heard, strict=False):
            heard.add(text, by_other)
    return {
        "turns": sum(len(p.said) for p in parties),
        "of": turns,
        "heard_wer": round(heard.rate, 4),
        "said": {name: p.said for name, p in zip(NAMES, parties, strict=True)},
        "heard": {name: p.heard for name, p in zip(NAMES, parties, strict=True)},
    }


def _party(settings: Settings, voice: Voice, name: str) -> Party:
    persona = settings.persona.model_copy(update={"greeting": "", "name": name})
    return Party(build_session(settings, voice), Assistant(persona, None), Line())
