"""Checks of the audio's way: every address that callers are told, the relay, a tone."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Coroutine
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from livekit import rtc

from ..caller.ear import LOUD
from ..caller.speech import RATE_HZ
from ..caller.ticket import Ticket, minted
from ..errors import CallError
from .entry import ROOM
from .finding import Finding, green, grey, red, yellow
from .paths import Outcome, Paths, explore
from .signalling import Candidate, join
from .target import Target

JOIN_S = 15.0
TONE_HZ = 440.0
TONE_WITHIN_S = 6.0
FRAME = RATE_HZ // 100
HEARD_FRAMES = 20
"""0.2 s of the tone are no chance"""


async def audio(target: Target) -> AsyncIterator[Finding]:
    """Can packets reach livekit-server where callers are told to send them?"""
    assert target.ticket is not None
    host = urlsplit(target.livekit).hostname or ""
    try:
        async with join(target.livekit, target.ticket.token) as signalling:
            paths = await explore(signalling, host)
    except CallError as e:
        yield red("audio", "websocket_blocked", str(e))
        return
    # in a container livekit-server has another address than for callers, whom it is told to tell
    expected = target.settings.network.address if target.settings else ""
    behind = bool(target.settings and target.settings.livekit.url)
    yield judge(paths, behind=behind, told=expected)
    yield judge_relay(paths, behind=behind)


def judge(paths: Paths, *, behind: bool = False, told: str = "") -> Finding:
    """What the outcomes mean, worst first.

    Args:
        behind: livekit-server is reached at another address than callers use, and that is meant.
        told: the address that callers should be told.
    """
    listed = ", ".join(f"{c}: {o.value}" for c, o in paths.named.items())
    dead = [c for c, o in paths.named.items() if o is not Outcome.ANSWERED]
    direct = paths.works("udp")
    if direct and not any(c.protocol == "udp" for c in dead):
        return green("audio", listed)
    if direct:
        return yellow("audio", "extra_address", listed)
    hosts = {c.host for c in paths.named}
    if paths.came_from and behind and hosts <= {told}:
        return green(
            "audio",
            f"livekit-server reached us from {paths.came_from[0]}; what callers are told, {told},"
            " is checked from their side: earshot doctor --page",
        )
    other = paths.works("udp", named=False) or paths.works("tcp", named=False)
    over_tcp = paths.works("tcp")
    if other and not over_tcp:
        said = f"{listed}; but livekit-server answers at {other}"
        if paths.came_from:
            return yellow("audio", "node_ip_unlike", said)
        return red("audio", "wrong_node_ip", said)
    if over_tcp:
        return yellow("audio", "udp_blocked", listed)
    return _nothing(paths, listed)


def _nothing(paths: Paths, listed: str) -> Finding:
    """No address that callers are told answers."""
    if paths.heard_from and not paths.came_from:
        listed += "; its packets reach us, ours don't reach it"
    relay = any(o is Outcome.ANSWERED for o in paths.turn.values())
    outcomes = paths.named
    if paths.elsewhere and not paths.came_from and _unlike(paths):
        reached = next(iter(paths.elsewhere)).host
        return red("audio", "wrong_node_ip", f"{listed}; signalling is reached at {reached}")
    if outcomes and all(o is Outcome.REFUSED for c, o in outcomes.items() if c.protocol == "udp"):
        return red("audio", "udp_unpublished", listed)
    if relay:
        return yellow("audio", "udp_blocked_relay", f"{listed}; TURN answers")
    if paths.came_from:
        return yellow("audio", "node_ip_unlike", f"{listed}; livekit-server came to us")
    if not any(c.protocol == "tcp" for c in outcomes):
        return red("audio", "udp_blocked_no_tcp", listed)
    return red("audio", "audio_blocked", listed)


def _unlike(paths: Paths) -> bool:
    """Whether none of the addresses that callers are told is the one of signalling."""
    return bool(paths.elsewhere) and not {c.host for c in paths.named} & {
        c.host for c in paths.elsewhere
    }


def judge_relay(paths: Paths, *, behind: bool = False) -> Finding:
    listed = ", ".join(f"{place}/udp: {outcome.value}" for place, outcome in paths.turn.items())
    if not paths.turn:
        return grey("relay", "no TURN is offered")
    if Outcome.ANSWERED in paths.turn.values():
        return green("relay", listed)
    if behind and paths.came_from:
        return grey("relay", "looked at from callers' side: earshot doctor --page")
    return yellow("relay", "turn_blocked", listed)


# a tone, from one participant to another


async def tone(target: Target) -> AsyncIterator[Finding]:
    """Real WebRTC both ways, without an agent: what one sends, the other hears."""
    room = f"{ROOM}-{secrets.token_hex(5)}"
    key = target.livekit, target.api_key, target.api_secret
    one, two = (
        _Participant(minted(*key, room, identity=name)) for name in ("doctor-one", "doctor-two")
    )
    try:
        try:
            await asyncio.gather(one.join(), two.join())
        except CallError as e:
            yield red("tone", "tone_not_joined", str(e))
            return
        heard = await asyncio.gather(two.hears(), one.hears())
        way = await one.way()
    finally:
        await asyncio.gather(one.leave(), two.leave())
    if all(heard):
        yield green("tone", f"heard both ways{f', over {way}' if way else ''}")
    else:
        missing = "neither way" if not any(heard) else "one way only"
        yield red("tone", "tone_not_sent", f"heard {missing}{f', over {way}' if way else ''}")


class _Participant:
    """Sends a tone, and knows one when it hears it."""

    def __init__(self, ticket: Ticket) -> None:
        self.ticket = ticket
        self._room = rtc.Room()
        self._source = rtc.AudioSource(RATE_HZ, 1)
        self._tasks: set[asyncio.Task[None]] = set()
        self._heard = asyncio.Event()
        self._room.on("track_subscribed", self._on_track)

    async def join(self) -> None:
        try:
            async with asyncio.timeout(JOIN_S):
                await self._room.connect(self.ticket.url, self.ticket.token)
                track = rtc.LocalAudioTrack.create_audio_track("tone", self._source)
                options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
                await self._room.local_participant.publish_track(track, options)
        except (rtc.ConnectError, rtc.participant.PublishTrackError, TimeoutError) as e:
            raise CallError(
                f"{self.ticket.url}: {str(e) or f'not joined in {JOIN_S:.0f} s'}"
            ) from e
        self._spawn(self._send())

    async def hears(self) -> bool:
        try:
            await asyncio.wait_for(self._heard.wait(), TONE_WITHIN_S)
        except TimeoutError:
            return False
        return True

    async def way(self) -> str:
        """The pair of addresses in use: "udp to 10.0.0.5:7882, 0.4 ms"."""
        try:
            stats = await asyncio.wait_for(self._room.get_rtc_stats(), 2.0)
        except (TimeoutError, RuntimeError, rtc.ConnectError):
            return ""
        return _selected(stats)

    async def leave(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._room.disconnect()
        await self._source.aclose()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _send(self) -> None:
        phase = np.arange(FRAME) * 2 * np.pi * TONE_HZ / RATE_HZ  # 440 Hz: whole periods in 50 ms
        step = FRAME * 2 * np.pi * TONE_HZ / RATE_HZ
        at, number = time.monotonic(), 0
        while True:
            samples = (8000 * np.sin(phase + step * number)).astype(np.int16)
            await self._source.capture_frame(
                rtc.AudioFrame(samples.tobytes(), RATE_HZ, 1, len(samples))
            )
            number += 1
            await asyncio.sleep(max(0.0, at + number * 0.01 - time.monotonic()))

    def _on_track(self, track: rtc.Track, *_: object) -> None:
        if track.kind == rtc.TrackKind.KIND_AUDIO:
            self._spawn(self._listen(track))

    async def _listen(self, track: rtc.Track) -> None:
        stream = rtc.AudioStream(track, sample_rate=RATE_HZ, num_channels=1, frame_size_ms=10)
        loud = 0
        try:
            async for event in stream:
                samples = np.frombuffer(event.frame.data, np.int16).astype(np.float32)
                loud += bool(np.sqrt(np.mean(samples**2)) > LOUD)
                if loud >= HEARD_FRAMES:
                    self._heard.set()
                    return
        finally:
            await stream.aclose()


def _selected(stats: rtc.RtcStats) -> str:
    every = [*stats.publisher_stats, *stats.subscriber_stats]
    remote = {s.remote_candidate.rtc.id: s.remote_candidate.candidate
              for s in every if s.WhichOneof("stats") == "remote_candidate"}  # fmt: skip
    pairs = [s.candidate_pair.candidate_pair for s in every
             if s.WhichOneof("stats") == "candidate_pair"]  # fmt: skip
    used = [p for p in pairs if p.nominated and p.remote_candidate_id in remote]
    if not used:
        return ""
    best = max(used, key=lambda p: p.bytes_sent)
    there = remote[best.remote_candidate_id]
    # the address of one that came by itself is not told
    place = Candidate(there.protocol, there.address, there.port) if there.address else "udp"
    rtt_ms = best.current_round_trip_time * 1000  # 0 until it was measured
    return f"{place}, {rtt_ms:.1f} ms" if rtt_ms else str(place)
