"""The caller: joins, speaks, hears, waits; every wait is bounded."""

import asyncio
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import numpy as np
from livekit import rtc

from ..audio_file import Samples
from ..errors import CallError
from .ear import PAUSE_S, Ear, Sound
from .microphone import Microphone, Spoken
from .observed import Seen, Watch
from .speech import Speech
from .ticket import Ticket

POLL_S = 0.02
JOIN_S = 15.0
QUIET_S = 0.8
"""after this much silence of a listening agent it has said what it had to say"""
LONG_QUIET_S = 4.0


@dataclass(frozen=True)
class Answer:
    """One question and what came back."""

    spoken: Spoken
    latency_s: float
    """from the caller's last voiced sample to the first sound of the answer, at the caller"""
    sound: Sound
    heard: str
    """the caller's words, by the captions"""
    reply: str
    """the agent's words, by the captions"""
    turn: dict[str, Any] | None
    """the agent's own record of the turn; None where an agent keeps none"""


class Caller:
    """A participant in one room.

        async with Caller(ticket) as caller:
            await caller.agent()
            answer = await caller.ask(speech)

    Raises:
        CallError: of every wait: what was waited for did not come.
    """

    def __init__(self, ticket: Ticket) -> None:
        self._ticket = ticket
        self.room = rtc.Room()
        self.seen = Seen()
        self.ears: list[Ear] = []
        self.tracks: list[rtc.Track] = []
        """what the ears listen to"""
        self.microphone = Microphone()
        self.joined_at = 0.0
        self.disconnected: str | None = None
        """why, when the room was left by no wish of ours"""
        self._watch = Watch(self.room, ticket.identity, self.seen)
        self._listening: set[asyncio.Task[None]] = set()
        self.room.on("track_subscribed", self._on_track)
        self.room.on("disconnected", self._on_disconnected)

    async def __aenter__(self) -> "Caller":
        try:
            await asyncio.wait_for(
                self.room.connect(self._ticket.url, self._ticket.token), timeout=JOIN_S
            )
            self._watch.look(self.room)
            self.microphone.start()
            options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
            await asyncio.wait_for(
                self.room.local_participant.publish_track(self.microphone.track, options),
                timeout=JOIN_S,
            )
        except (rtc.ConnectError, TimeoutError) as e:
            await self._leave()
            raise CallError(f"{self._ticket.url}: not joined: {e or 'no answer'}") from e
        except BaseException:
            await self._leave()
            raise
        self.joined_at = time.monotonic()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._leave()

    # what it does

    def say(self, speech: Speech) -> Spoken:
        """Begins to speak now, whoever else is speaking."""
        return self.microphone.say(speech)

    async def ask(self, speech: Speech, timeout_s: float = 20.0) -> Answer:
        """Speaks, and waits for the whole answer."""
        return await self.answer_to(self.say(speech), timeout_s)

    async def answer_to(self, spoken: Spoken, timeout_s: float = 20.0) -> Answer:
        """Waits until an answer has been heard to its end."""
        began = spoken.ended_at
        await self.until(
            lambda: self._first_loud_after(began),
            timeout_s + max(0.0, began - time.monotonic()),
            f"an answer to {spoken.speech.text!r}",
        )
        await self._told(spoken, timeout_s + 30.0)
        sound = next((s for s in self.sounds(began) if s.began_at >= began), None)
        if sound is None:
            raise CallError(f"no answer to {spoken.speech.text!r} was heard")
        turns = self.seen.of("turn", since=spoken.ended_at)
        turns = [t for t in turns if t.get("heard")] or turns
        return Answer(
            spoken,
            sound.began_at - began,
            Sound(sound.began_at, self.last_loud_at or sound.ended_at),
            self.seen.said("caller", since=spoken.began_at),
            self.seen.said("agent", since=began),
            turns[-1] if turns else None,
        )

    async def write(self, text: str) -> None:
        """Types into the conversation."""
        await self.room.local_participant.send_text(text, topic="lk.chat")

    # what it waits for

    async def agent(self, timeout_s: float = 20.0) -> None:
        """Until an agent is there, heard by us and listening to us."""
        await self.until(
            lambda: bool(self.ears) and self.seen.state in ("listening", "speaking", "thinking"),
            timeout_s,
            "an agent to join",
        )

    async def greeting(self, timeout_s: float = 20.0) -> Sound:
        """The first thing that the agent says, to its end."""
        await self.until(lambda: self._first_loud_after(0.0), timeout_s, "a greeting")
        await self.quiet()
        sounds = self.sounds()
        return Sound(sounds[0].began_at, sounds[-1].ended_at)

    async def loud(self, since: float, timeout_s: float = 20.0) -> float:
        """Until a voice is heard that began after `since`; returns when."""
        await self.until(lambda: self._first_loud_after(since), timeout_s, "a voice to be heard")
        at = self._first_loud_after(since)
        assert at is not None
        return at

    async def quiet(self, timeout_s: float = 40.0, quiet_s: float = QUIET_S) -> None:
        """Until nothing has been heard for a while, and the agent does not mean to go on."""

        def over() -> bool:
            last = self.last_loud_at
            still = last is None or time.monotonic() - last > quiet_s
            return still and self.seen.state not in ("speaking", "thinking")

        await self.until(over, timeout_s, "the agent to stop speaking")

    async def until(self, ready: Callable[[], Any], timeout_s: float, what: str) -> None:
        """Until `ready()`; asks 50 times a second."""
        deadline = time.monotonic() + timeout_s
        while not ready():
            if self.disconnected is not None:
                raise CallError(f"waiting for {what}: the call ended ({self.disconnected})")
            if time.monotonic() > deadline:
                raise CallError(f"waited {timeout_s:.0f} s for {what}: it did not come")
            await asyncio.sleep(POLL_S)

    async def _told(self, spoken: Spoken, timeout_s: float) -> None:
        """Until the answer is over: it is quiet, and the record of the turn is there.

        An agent that keeps no records is believed after a short silence, ours after a long one: it
        falls silent in mid-answer when somebody coughs.
        """

        def over() -> bool:
            last = self.last_loud_at or 0.0
            recorded = bool(self.seen.of("turn", since=spoken.ended_at))
            keeps = any(m.kind == "turn" for m in self.seen.messages)
            wait_s = QUIET_S if recorded or not keeps else LONG_QUIET_S
            still = time.monotonic() - last > wait_s
            return still and self.seen.state not in ("speaking", "thinking")

        await self.until(over, timeout_s, "the agent to end its answer")

    # what it heard

    def sounds(self, since: float = 0.0, pause_s: float = PAUSE_S) -> list[Sound]:
        """What was heard, whichever track it came from."""
        found = (s for e in self.ears for s in e.sounds(since, pause_s))
        return sorted(found, key=lambda s: s.began_at)

    def recording(self, began_at: float = 0.0, ended_at: float = float("inf")) -> Samples:
        """What was heard in that time, one track after the other, 48 kHz mono."""
        pieces = [ear.between(began_at, ended_at) for ear in self.ears]
        return np.concatenate(pieces) if pieces else np.zeros(0, np.int16)

    @property
    def last_loud_at(self) -> float | None:
        return max((at for e in self.ears if (at := e.last_loud_at) is not None), default=None)

    def _first_loud_after(self, since: float) -> float | None:
        found = [at for e in self.ears if (at := e.first_loud_after(since)) is not None]
        return min(found, default=None)

    def _on_track(
        self,
        track: rtc.Track,
        _publication: rtc.RemoteTrackPublication,
        _participant: rtc.RemoteParticipant,
    ) -> None:
        if track.kind == rtc.TrackKind.KIND_AUDIO:
            self.ears.append(ear := Ear())
            self.tracks.append(track)
            task = asyncio.ensure_future(ear.listen(track))
            self._listening.add(task)
            task.add_done_callback(self._listening.discard)

    def _on_disconnected(self, reason: Any) -> None:
        self.disconnected = rtc.DisconnectReason.Name(reason).lower()

    async def _leave(self) -> None:
        await self.microphone.aclose()
        await self.room.disconnect()
        for task in list(self._listening):
            task.cancel()
        await asyncio.gather(*self._listening, return_exceptions=True)
        await self._watch.aclose()


def room_name(prefix: str = "call") -> str:
    """One that nobody has used."""
    return f"{prefix}-{uuid.uuid4().hex[:10]}"
