"""`earshot room join`: the parts together."""

import asyncio
import logging
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from livekit import api, rtc

from ..caller.ticket import minted
from ..errors import RefusedError, UnreachableError
from ..operator.connection import Connection
from ..operator.server import reach
from ..talk.wav_file import WavFile
from . import rpc
from .events import Events
from .mixer import Mixer, Sink
from .streams import Streams
from .typed import Typed
from .view import JsonLines, Lines, View
from .voice import Chosen, Voice, publish
from .watch import STATE, Watch

JOIN_S = 15.0
CHAT_TOPIC = "lk.chat"
CHAT_S = 5.0
LEAVE_S = 5.0
POLL_S = 0.05


@dataclass(frozen=True)
class Options:
    """What stood on the command line."""

    room: str
    identity: str
    agent: str | None = None
    """an agent to be called into the room"""
    publish: str | None = None
    """`mic`, `tone` or a path"""
    chat: tuple[str, ...] = ()
    record: Path | None = None
    for_s: float | None = None
    """None: until it is stopped"""
    answers: Mapping[str, str] = field(default_factory=dict)
    """RPC: method -> answer"""
    as_json: bool = False


def join(options: Options, connection: Connection) -> int:
    """Joins, shows, leaves.

    Returns:
        0 if it left by itself, 1 if it was made to leave.

    Raises:
        EarshotError: a file, a device, the server or the room does not take part.
    """
    # what goes wrong is told in one line; the client's own log is about its workings
    logging.getLogger("livekit").setLevel(logging.CRITICAL)
    wav = WavFile(options.record) if options.record else None
    kept = False
    try:
        status = asyncio.run(_Visit(options, connection, wav).run())
        kept = True
        return status
    finally:
        if wav is not None:
            wav.close(keep=kept)


class _Visit:
    """One stay in a room."""

    def __init__(self, options: Options, connection: Connection, wav: WavFile | None) -> None:
        self._options = options
        self._connection = connection
        self._wav = wav
        self._view: View = JsonLines() if options.as_json else Lines()

    async def run(self) -> int:
        loop = asyncio.get_running_loop()
        self._leave = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._leave.set)
        self._events = Events()
        chosen = Chosen(self._options.publish)
        try:
            return await self._stay(chosen)
        finally:
            chosen.close()
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)

    async def _stay(self, chosen: Chosen) -> int:
        options, room, events = self._options, rtc.Room(), self._events
        watch, streams = Watch(room, events), Streams(room, events)
        mixer = self._mixer(room, chosen)
        gone = asyncio.Event()
        room.on("disconnected", lambda _reason: gone.set())
        typed, voice = Typed(), chosen.voice()
        helpers: list[asyncio.Task[None]] = []
        began = time.monotonic()
        removed = False
        try:
            await self._connect(room)
            watch.look()
            helpers.append(asyncio.create_task(self._show()))
            rpc.answer(room.local_participant, events, options.answers)
            speaking = asyncio.create_task(self._take_part(room, voice))
            helpers.append(speaking)
            typed.start()
            helpers.append(asyncio.create_task(self._chat(room, typed)))
            removed = await self._until_over(gone, speaking)
        finally:
            typed.close()
            for task in helpers:
                task.cancel()
            await asyncio.gather(*helpers, return_exceptions=True)
            if voice is not None:
                await voice.aclose()
            await self._disconnect(room)
            await streams.aclose()
            if mixer is not None:
                await mixer.aclose()
        events.put("left", seconds=round(time.monotonic() - began, 1))
        self._show_rest()
        return int(removed)

    async def _connect(self, room: rtc.Room) -> None:
        """
        Raises:
            RefusedError, UnreachableError: not joined, and why.
        """
        options, server = self._options, self._connection
        where = f"{options.room!r} on {server.url} ({server.origin})"
        await self._check(where)
        ticket = minted(
            server.url, server.api_key, server.api_secret, options.room, options.identity
        )
        try:
            await asyncio.wait_for(room.connect(ticket.url, ticket.token), JOIN_S)
        except TimeoutError as e:
            raise UnreachableError(f"{where}: not joined within {JOIN_S:g} s") from e
        except rtc.ConnectError as e:
            raise UnreachableError(f"{where}: not joined: {e.message}") from e

    async def _check(self, where: str) -> None:
        """Asks the server's API first: the client would try three times, and then speak of its own
        workings and not of a key that is unknown, or of a room that is full."""
        async with reach(self._connection) as server:
            found = await server.room.list_rooms(api.ListRoomsRequest(names=[self._options.room]))
            for room in found.rooms:
                if not room.max_participants:
                    continue
                # its number of participants is some seconds old
                wanted = api.ListParticipantsRequest(room=room.name)
                inside = (await server.room.list_participants(wanted)).participants
                people = sum(p.kind != api.ParticipantInfo.AGENT for p in inside)
                # who has our identity makes room for us
                people -= any(p.identity == self._options.identity for p in inside)
                if people >= room.max_participants:
                    raise RefusedError(
                        f"{where}: not joined: the room takes {room.max_participants}"
                        " (agents not counted), and is full"
                    )

    async def _take_part(self, room: rtc.Room, voice: Voice | None) -> None:
        options = self._options
        if options.agent is not None:
            wanted = api.CreateAgentDispatchRequest(room=options.room, agent_name=options.agent)
            async with reach(self._connection) as server:
                found = await server.agent_dispatch.create_dispatch(wanted)
            self._events.put("dispatched", agent=options.agent, dispatch=found.id)
        if options.chat:
            await _listened_to(room)  # what is written before that, nobody reads
        for text in options.chat:
            await self._write(room, text)
        if voice is not None:
            await publish(voice, room.local_participant)

    async def _until_over(self, gone: asyncio.Event, speaking: asyncio.Task[None]) -> bool:
        """Until it is time to leave; True if there was no choice.

        Raises:
            OperatorError: we could not take part.
        """
        waits = [asyncio.create_task(self._leave.wait()), asyncio.create_task(gone.wait())]
        speaking.add_done_callback(self._spoke)
        try:
            await asyncio.wait(
                waits, timeout=self._options.for_s, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            for task in waits:
                task.cancel()
        if speaking.done():
            speaking.result()
        return gone.is_set()

    def _spoke(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            self._leave.set()

    async def _chat(self, room: rtc.Room, typed: Typed) -> None:
        while True:
            await self._write(room, await typed.lines.get())

    async def _write(self, room: rtc.Room, text: str) -> None:
        try:
            sending = room.local_participant.send_text(text, topic=CHAT_TOPIC)
            await asyncio.wait_for(sending, CHAT_S)
        except Exception as e:  # livekit's own is a bare Exception
            self._events.put("chat_not_sent", text=text, error=str(e) or type(e).__name__)
        else:
            self._events.put("chat_sent", text=text)

    async def _show(self) -> None:
        while True:
            for event in await self._events.next():
                self._view.show(event)

    def _show_rest(self) -> None:
        for event in self._events.take():
            self._view.show(event)

    async def _disconnect(self, room: rtc.Room) -> None:
        try:
            await asyncio.wait_for(room.disconnect(), LEAVE_S)
        except TimeoutError:
            self._events.put("not_left", why=f"no answer within {LEAVE_S:g} s")

    def _mixer(self, room: rtc.Room, chosen: Chosen) -> Mixer | None:
        """What is heard goes into the file, and to the loudspeaker where there is one."""
        sinks: list[Sink] = []
        if self._wav is not None:
            sinks.append(self._wav.write)
        if chosen.devices is not None:
            devices = chosen.devices
            sinks.append(lambda frame: devices.play(bytes(frame.data)))
        if not sinks:
            return None
        mixer = Mixer(sinks)
        mixer.start()
        room.on("track_subscribed", lambda track, _publication, _who: mixer.listen(track))
        return mixer


async def _listened_to(room: rtc.Room) -> None:
    """Until somebody else is in the room, who listens if it is an agent."""
    while not any(
        other.kind != rtc.ParticipantKind.PARTICIPANT_KIND_AGENT
        or other.attributes.get(STATE) in ("listening", "thinking", "speaking")
        for other in room.remote_participants.values()
    ):
        await asyncio.sleep(POLL_S)
