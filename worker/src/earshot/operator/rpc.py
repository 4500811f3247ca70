"""Calling a method of a participant: from the server, or as a participant that joins for it."""

import asyncio

from livekit import api, rtc

from ..errors import MissingError, OperatorError, RefusedError, UnreachableError
from . import rooms
from .connection import Connection
from .server import reach

_MARGIN_S = 5.0
"""What a request may take beside the method itself."""


async def from_server(
    connection: Connection, room: str, identity: str, method: str, payload: str, timeout_s: float
) -> str:
    """The method's answer.

    Raises:
        MissingError: no such room or participant.
        OperatorError: the participant has no such method, or the method failed.
    """
    request = api.PerformRpcRequest(
        room=room,
        destination_identity=identity,
        method=method,
        payload=payload,
        response_timeout_ms=round(timeout_s * 1000),
    )
    async with reach(connection, timeout_s=timeout_s + _MARGIN_S) as server:
        # to nobody the server would wait until it gives up, and not say why
        await rooms.participant(server, room, identity)
        service = server.room
        # livekit-api 1.2 has the messages of PerformRpc, but no method for it
        answer = await service._client.request(
            "RoomService",
            "PerformRpc",
            request,
            service._auth_header(api.VideoGrants(room_admin=True, room=room)),
            api.PerformRpcResponse,
        )
        return answer.payload


async def as_participant(
    connection: Connection,
    caller: str,
    room: str,
    identity: str,
    method: str,
    payload: str,
    timeout_s: float,
) -> str:
    """The same, called by a participant `caller` that joins for it.

    Raises:
        see `from_server`; RefusedError, UnreachableError: it can't join.
    """
    grants = api.VideoGrants(room_join=True, room=room, can_publish=False)
    token = (
        api.AccessToken(connection.api_key, connection.api_secret)
        .with_identity(caller)
        .with_grants(grants)
        .to_jwt()
    )
    joined = rtc.Room()
    try:
        await _join(joined, connection, token)
        if identity not in joined.remote_participants:
            there = ", ".join(joined.remote_participants) or "nobody"
            raise MissingError(f"no {identity!r} in room {room!r}; there: {there}")
        return await joined.local_participant.perform_rpc(
            destination_identity=identity,
            method=method,
            payload=payload,
            response_timeout=timeout_s,
        )
    except rtc.RpcError as e:
        raise OperatorError(failure(e.code, e.message, str(e.data or ""))) from e
    finally:
        await joined.disconnect()


async def _join(room: rtc.Room, connection: Connection, token: str) -> None:
    where = f"livekit-server {connection.url} ({connection.origin})"
    try:
        async with asyncio.timeout(15):
            await room.connect(connection.url, token, rtc.RoomOptions(auto_subscribe=False))
    except TimeoutError as e:
        raise UnreachableError(f"{where}: nobody could join within 15 s") from e
    except rtc.ConnectError as e:
        text = str(e)
        kind = RefusedError if "401" in text or "403" in text else UnreachableError
        raise kind(f"{where}: {text}") from e


def failure(code: int, message: str, data: str) -> str:
    """A method's failure in one line."""
    return f"the method failed: {message} ({code})" + (f": {data}" if data else "")
