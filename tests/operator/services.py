"""A stand-in for the egress, ingress and SIP services: it takes what livekit-server asks of them.

It speaks their protocol (psrpc over redis) and records, pulls and calls nothing: with it, the real
livekit-server's own part of each request is tested to the end. It is not a test of those services.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from livekit import api

STRING, BYTES, FLOAT, INT64 = 9, 12, 2, 3
_MESSAGES = {
    "Msg": {"type_url": (1, STRING), "value": (2, BYTES)},
    "Request": {
        "request_id": (1, STRING), "client_id": (2, STRING), "sent_at": (3, INT64),
        "expiry": (4, INT64), "raw_request": (8, BYTES),
    },
    "Response": {
        "request_id": (1, STRING), "server_id": (2, STRING), "sent_at": (3, INT64),
        "error": (5, STRING), "code": (6, STRING), "raw_response": (7, BYTES),
    },
    "ClaimRequest": {"request_id": (1, STRING), "server_id": (2, STRING), "affinity": (3, FLOAT)},
    # what livekit-server asks; the requests inside are LiveKit's public ones
    "StartEgress": {
        "egress_id": (1, STRING), "room_id": (3, STRING), "room_composite": (5, BYTES),
        "track_composite": (6, BYTES), "track": (7, BYTES), "web": (11, BYTES),
        "participant": (13, BYTES), "egress": (16, BYTES),
    },
    "StartIngress": {"info": (1, BYTES)},
    "CreateParticipant": {"participant_id": (1, STRING), "participant_identity": (2, STRING)},
}  # fmt: skip


def _types() -> dict[str, Any]:
    file = descriptor_pb2.FileDescriptorProto(
        name="standin.proto", package="internal", syntax="proto3"
    )
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, (number, kind) in fields.items():
            message.field.add(name=field, number=number, type=kind, label=1)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    find = pool.FindMessageTypeByName
    return {name: message_factory.GetMessageClass(find(f"internal.{name}")) for name in _MESSAGES}


TYPES = _types()
NAME = "standin"


class Services:
    """What was asked, by the names of the methods."""

    def __init__(self, port: int) -> None:
        self.asked: list[tuple[str, Any]] = []
        self.refuse: tuple[str, str] | None = None
        """A psrpc code and words to refuse the next call with."""
        self._port = port
        self._claimed: dict[str, list[tuple[str, bytes]]] = {}
        self._running: dict[str, api.EgressInfo] = {}
        self._methods: dict[str, Callable[[bytes], bytes]] = {
            "EgressInternal|StartEgress": self._start_egress,
            "EgressHandler|StopEgress": self._stop_egress,
            "EgressHandler|UpdateStream": self._update_stream,
            "IngressInternal|StartIngress": self._start_ingress,
            "SIPInternal|CreateSIPParticipant": self._call,
            "SIPInternal|TransferSIPParticipant": self._transfer,
        }

    async def serve(self, ready: asyncio.Event) -> None:
        reader, self._out = await asyncio.open_connection("127.0.0.1", self._port)
        send = (await asyncio.open_connection("127.0.0.1", self._port))[1]
        patterns = [f"{method}*{end}" for method in self._methods for end in ("REQ", "RCLAIM")]
        self._out.write(_command("PSUBSCRIBE", *patterns))
        try:
            while True:
                kind, *rest = await _reply(reader)
                if kind == b"psubscribe" and rest[-1] == len(patterns):
                    ready.set()
                if kind == b"pmessage":
                    for channel, data in self._answer(rest[1].decode(), rest[2]):
                        send.write(_command("PUBLISH", channel, data))
        finally:
            for writer in (self._out, send):
                writer.close()

    def _answer(self, channel: str, data: bytes) -> list[tuple[str, bytes]]:
        """To a request: that it could be taken. To the word that it is ours: what came of it."""
        service, method = channel.split("|")[:2]
        value = TYPES["Msg"].FromString(data).value
        if channel.endswith("RCLAIM"):
            chosen = TYPES["ClaimRequest"].FromString(value)
            return self._claimed.pop(chosen.request_id, []) if chosen.server_id == NAME else []
        request = TYPES["Request"].FromString(value)
        claim = TYPES["ClaimRequest"](request_id=request.request_id, server_id=NAME, affinity=1)
        answer = TYPES["Response"](
            request_id=request.request_id, server_id=NAME, sent_at=time.time_ns()
        )
        if self.refuse:
            answer.code, answer.error = self.refuse
            self.refuse = None
        else:
            answer.raw_response = self._methods[f"{service}|{method}"](request.raw_request)
        client = request.client_id
        self._claimed[request.request_id] = [
            (f"{service}|{client}|RES", _packed("Response", answer))
        ]
        return [(f"{service}|{client}|CLAIM", _packed("ClaimRequest", claim))]

    def _start_egress(self, raw: bytes) -> bytes:
        asked = TYPES["StartEgress"].FromString(raw)
        info = api.EgressInfo(
            egress_id=asked.egress_id,
            room_id=asked.room_id,
            status=api.EgressStatus.EGRESS_ACTIVE,
            started_at=time.time_ns(),
        )
        for name in ("room_composite", "track_composite", "track", "web", "participant", "egress"):
            if value := getattr(asked, name):
                getattr(info, name).ParseFromString(value)
                info.room_name = getattr(getattr(info, name), "room_name", "")
                self.asked.append((name, getattr(info, name)))
        self._running[info.egress_id] = info
        return info.SerializeToString()

    def _stop_egress(self, raw: bytes) -> bytes:
        request = api.StopEgressRequest.FromString(raw)
        self.asked.append(("stop", request))
        info = self._running[request.egress_id]
        info.status = api.EgressStatus.EGRESS_ENDING
        return info.SerializeToString()

    def _update_stream(self, raw: bytes) -> bytes:
        request = api.UpdateStreamRequest.FromString(raw)
        self.asked.append(("stream", request))
        return self._running[request.egress_id].SerializeToString()

    def _start_ingress(self, raw: bytes) -> bytes:
        info = api.IngressInfo.FromString(TYPES["StartIngress"].FromString(raw).info)
        self.asked.append(("ingress", info))
        info.state.status = api.IngressState.ENDPOINT_BUFFERING
        return info.SerializeToString()

    def _call(self, raw: bytes) -> bytes:
        self.asked.append(("call", raw))
        made = TYPES["CreateParticipant"](participant_id="PA_x", participant_identity="sip_+2")
        return bytes(made.SerializeToString())

    def _transfer(self, raw: bytes) -> bytes:
        self.asked.append(("transfer", raw))
        return b""


@asynccontextmanager
async def services(port: int) -> AsyncIterator[Services]:
    """They answer inside the block."""
    found, ready = Services(port), asyncio.Event()
    task = asyncio.create_task(found.serve(ready))
    try:
        await asyncio.wait_for(ready.wait(), 30)
        yield found
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def _packed(name: str, message: Any) -> bytes:
    url = f"type.googleapis.com/internal.{name}"
    return bytes(TYPES["Msg"](type_url=url, value=message.SerializeToString()).SerializeToString())


def _command(*parts: str | bytes) -> bytes:
    """A command in redis' own protocol."""
    raw = [part.encode() if isinstance(part, str) else part for part in parts]
    return b"*%d\r\n" % len(raw) + b"".join(b"$%d\r\n%b\r\n" % (len(p), p) for p in raw)


async def _reply(reader: asyncio.StreamReader) -> Any:
    line = (await reader.readline()).rstrip()
    if not line:
        raise ConnectionError("redis is gone")
    kind, rest = line[:1], line[1:]
    if kind == b"*":
        return [await _reply(reader) for _ in range(int(rest))]
    if kind == b"$":
        return (await reader.readexactly(int(rest) + 2))[:-2]
    return int(rest) if kind == b":" else rest
