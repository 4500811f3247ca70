"""Joins a room as far as signalling goes, without any audio: what is a caller told?

LiveKit's own protocol over a WebSocket. A library of WebRTC only says that it could not connect;
here every address that livekit-server names can be asked by itself (`paths.py`).
"""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
from livekit.protocol import rtc as pb

from ..errors import CallError

WITHIN_S = 10.0
PROTOCOL = 15


@dataclass(frozen=True)
class Candidate:
    """An address at which livekit-server says that it takes audio."""

    protocol: str
    """udp or tcp"""
    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}/{self.protocol}"


@dataclass(frozen=True)
class Joined:
    """What a caller is told, and what both sides need for connectivity checks."""

    version: str
    """livekit-server's."""
    can_publish: bool
    can_subscribe: bool
    ice_servers: tuple[str, ...]
    """STUN and TURN addresses that callers are told to ask, `turn:10.0.0.5:3478?transport=udp`."""
    candidates: tuple[Candidate, ...]
    their_ufrag: str = field(repr=False)
    their_password: str = field(repr=False)
    our_ufrag: str = field(default_factory=lambda: secrets.token_hex(4), repr=False)
    our_password: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)
    offer: str = field(default="", repr=False)


class Signalling:
    """An open signalling connection. Make it with `join`."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, joined: Joined) -> None:
        self._socket, self.joined = socket, joined

    async def answer(self, own: list[tuple[str, int]]) -> None:
        """Takes the offer, and names our addresses; from now on the other side answers checks."""
        joined = self.joined
        description = pb.SessionDescription(type="answer", sdp=_answer(joined))
        await self._send(pb.SignalRequest(answer=description))
        for number, (host, port) in enumerate(own, 1):
            line = f"candidate:{number} 1 udp {2130706431 - number} {host} {port} typ host"
            init = {"candidate": line, "sdpMid": "0", "sdpMLineIndex": 0}
            trickle = pb.TrickleRequest(candidateInit=json.dumps(init), target=pb.SUBSCRIBER)
            await self._send(pb.SignalRequest(trickle=trickle))

    async def _send(self, message: pb.SignalRequest) -> None:
        await self._socket.send_bytes(message.SerializeToString())


@asynccontextmanager
async def join(url: str, token: str) -> AsyncIterator[Signalling]:
    """Joins and hears what livekit-server has to say; leaves at the end.

    Args:
        url: "ws://127.0.0.1:7880".

    Raises:
        CallError: refused, or not to the end within ten seconds.
    """
    # `auto_subscribe` and the server's offer first: as a listener joins
    address = f"{url.rstrip('/')}/rtc?auto_subscribe=1&protocol={PROTOCOL}&sdk=python"
    async with aiohttp.ClientSession() as http:
        try:
            async with asyncio.timeout(WITHIN_S):
                socket = await http.ws_connect(
                    address, headers={"Authorization": f"Bearer {token}"}, max_msg_size=1 << 20
                )
                joined = await _hear(socket)
        except aiohttp.WSServerHandshakeError as e:
            raise CallError(f"the WebSocket was refused with {e.status}") from e
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as e:
            why = str(e) or f"no answer within {WITHIN_S:.0f} s"
            raise CallError(f"no signalling: {why}") from e
        try:
            yield Signalling(socket, joined)
        finally:
            leave = pb.SignalRequest(leave=pb.LeaveRequest())
            try:
                async with asyncio.timeout(2.0):
                    await socket.send_bytes(leave.SerializeToString())
                    await socket.close()
            except (TimeoutError, aiohttp.ClientError, OSError):
                pass  # it goes with the session


async def _hear(socket: aiohttp.ClientWebSocketResponse) -> Joined:
    """Reads until both the offer and all candidates are there."""
    response, offer = pb.JoinResponse(), ""
    candidates: list[Candidate] = []
    complete = False
    while not (offer and complete):
        message = await socket.receive()
        if message.type is not aiohttp.WSMsgType.BINARY:
            raise ValueError("livekit-server closed the connection")
        signal = pb.SignalResponse.FromString(message.data)
        kind = signal.WhichOneof("message")
        if kind == "join":
            response = signal.join
        elif kind == "leave":
            raise ValueError("livekit-server sent us away")
        elif kind == "offer":
            offer = signal.offer.sdp
            candidates += _candidates(offer.splitlines())
            complete = complete or "a=end-of-candidates" in offer
        elif kind == "trickle" and signal.trickle.target == pb.SUBSCRIBER:
            line = json.loads(signal.trickle.candidateInit).get("candidate", "")
            candidates += _candidates([f"a={line}"])
            complete = signal.trickle.final
    permission = response.participant.permission
    return Joined(
        version=response.server_info.version or response.server_version,
        can_publish=permission.can_publish,
        can_subscribe=permission.can_subscribe,
        ice_servers=tuple(url for server in response.ice_servers for url in server.urls),
        candidates=tuple(dict.fromkeys(candidates)),
        their_ufrag=_value(offer, "ice-ufrag"),
        their_password=_value(offer, "ice-pwd"),
        offer=offer,
    )


def _candidates(lines: list[str]) -> list[Candidate]:
    found = []
    for line in lines:
        fields = line.removeprefix("a=candidate:").split()
        # foundation, component, protocol, priority, address, port, "typ", kind
        if line.startswith("a=candidate:") and len(fields) >= 8 and fields[1] == "1":
            found.append(Candidate(fields[2].lower(), fields[4], int(fields[5])))
    return found


def _value(sdp: str, name: str) -> str:
    prefix = f"a={name}:"
    return next(
        (line.removeprefix(prefix) for line in sdp.splitlines() if line.startswith(prefix)), ""
    )


def _answer(joined: Joined) -> str:
    """To an offer of one data channel. Nobody goes on to encrypt: the fingerprint is any."""
    fingerprint = ":".join(f"{byte:02X}" for byte in secrets.token_bytes(32))
    lines = [
        "v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=-", "t=0 0", "a=group:BUNDLE 0",
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel", "c=IN IP4 0.0.0.0",
        f"a=ice-ufrag:{joined.our_ufrag}", f"a=ice-pwd:{joined.our_password}",
        f"a=fingerprint:sha-256 {fingerprint}", "a=setup:active",
        f"a=mid:{_value(joined.offer, 'mid') or '0'}", "a=sctp-port:5000",
    ]  # fmt: skip
    return "\r\n".join(lines) + "\r\n"
