"""A small server that shows webhooks as they come, those that it refuses too.

Used by `earshot webhook listen`. Serves until it is cancelled, or has shown enough.
"""

import asyncio
import errno
import functools
import json
import time
from collections.abc import Callable
from typing import Any

from aiohttp import web
from livekit import api

from ..errors import StackError, WebhookRefusedError
from ..operator.tables import plain, printable
from ..web.connection import KEEPALIVE_S, Connection, Doorkeeper
from .receive import BODY_BYTES_MAX, Receiver, Senders
from .verify import Verifier

CONNECTIONS_MAX = 64
_TIME = "%H:%M:%S"


def event_line(event: api.WebhookEvent) -> str:
    """An event for people: when, what, where, who, and why."""
    who, track = event.participant, event.track
    parts = [time.strftime(_TIME, time.localtime(event.created_at)), f"{event.event:<20}"]
    if event.room.name:
        parts.append(f"room {event.room.name}")
    if who.identity:
        name = f" ({who.name})" if who.name else ""
        parts.append(f"{_kind(who)} {who.identity}{name}")
    if event.event == "participant_left" and who.disconnect_reason:
        parts.append(_word(api.DisconnectReason, who.disconnect_reason))
    if event.event == "room_finished" and event.room_end_reason:
        parts.append(_word(api.RoomEndReason, event.room_end_reason, "room_end_"))
    if track.sid:
        parts.append(f"{_word(api.TrackType, track.type)} {track.sid}")
    if event.egress_info.egress_id:
        parts.append(f"egress {event.egress_info.egress_id}")
    if event.ingress_info.ingress_id:
        parts.append(f"ingress {event.ingress_info.ingress_id}")
    if event.num_dropped:
        parts.append(f"{event.num_dropped} before it were dropped")
    return printable("  ".join(parts))


def event_json(event: api.WebhookEvent) -> str:
    """The same as one line of JSON, with all that the server told."""
    return json.dumps({"refused": None, **_told(plain(event))}, ensure_ascii=False)


def _told(event: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in event.items() if value not in (None, {}, [])}


def refused_line(reason: str) -> str:
    return printable(f"{time.strftime(_TIME)}  refused               {reason}")


def refused_json(reason: str) -> str:
    return json.dumps({"refused": reason, "created_at": int(time.time())}, ensure_ascii=False)


def _kind(who: api.ParticipantInfo) -> str:
    kind = _word(api.ParticipantInfo.Kind, who.kind)
    return {"standard": "caller", "sip": "telephone"}.get(kind, kind)


def _word(enum: Any, value: int, prefix: str = "") -> str:
    try:
        return str(enum.Name(value)).lower().removeprefix(prefix).replace("_", " ")
    except ValueError:  # of a newer server
        return str(value)


class Listener:
    """Shows webhooks.

    Args:
        say: gets each line.
        count: how many, refused ones included, until it is enough; 0 = without end.
    """

    def __init__(
        self,
        verifier: Verifier,
        say: Callable[[str], None],
        *,
        as_json: bool,
        senders: Senders,
        count: int = 0,
    ) -> None:
        self._receiver = Receiver(verifier, time.monotonic, senders)
        self._say = say
        self._event = event_json if as_json else event_line
        self._refused = refused_json if as_json else refused_line
        self._left = count
        self._enough = asyncio.Event()

    async def run(self, address: str, port: int, ready: Callable[[int], None]) -> None:
        """Serves until enough was shown.

        Args:
            ready: told the port when it listens.

        Raises:
            StackError: the port is taken, or this address is not ours.
        """
        app = web.Application(client_max_size=BODY_BYTES_MAX)
        app.router.add_route("*", "/{path:.*}", self._take)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        assert runner.server is not None
        loop, door = asyncio.get_running_loop(), Doorkeeper(CONNECTIONS_MAX, CONNECTIONS_MAX)
        connection = functools.partial(
            Connection, runner.server, door, loop=loop, keepalive_timeout=KEEPALIVE_S
        )
        try:
            try:
                listener = await loop.create_server(connection, address, port)
            except OSError as e:
                raise StackError(_explain(e, address, port)) from e
            try:
                ready(int(listener.sockets[0].getsockname()[1]))
                await self._enough.wait()
            finally:
                listener.close()
        finally:
            await runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        if request.method != "POST":
            return web.Response(status=405, text="webhooks are sent here by POST\n")
        try:
            event = await self._receiver.receive(request)
        except WebhookRefusedError as e:
            claimed = f" ({e.claimed})" if e.claimed else ""
            self._tell(self._refused(f"{e}{claimed}"))
            response = web.Response(status=e.status, text=f"{e}\n")
            if e.status in (408, 413):
                response.force_close()
            return response
        self._tell(self._event(event))
        return web.Response(text="ok\n")

    def _tell(self, line: str) -> None:
        if self._enough.is_set():
            return
        self._say(line)
        if self._left:
            self._left -= 1
            if not self._left:
                self._enough.set()


def _explain(error: OSError, address: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} on {address} is taken by another program; give another --port"
    if error.errno == errno.EACCES:
        return f"port {port} is not allowed to this user; give a --port from 1024"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"--address {address}: not an address of this machine"
    return f"{address}:{port}: {error.strerror or error}"
