"""Asks every address at which livekit-server says that it takes audio: does a packet come back?

Each is asked as ICE asks (a connectivity check), over UDP and over TCP; the address by which
signalling came is asked too, for an address that callers are told may be wrong. And we listen:
livekit-server makes its own checks of our addresses, which is how calls work where its own can't be
reached. TURN is asked by a plain binding request.
"""

import asyncio
import socket
import struct
import time
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any, cast

import psutil

from . import stun
from .signalling import Candidate, Joined, Signalling

ASK_FOR_S = 4.0
"""livekit-server answers a check at once; a lost packet is asked again"""
EVERY_S = 0.25
CANDIDATES_MAX = 16

Address = tuple[str, int]


class Outcome(Enum):
    ANSWERED = "answered"
    SILENT = "no answer"
    REFUSED = "refused: nothing listens there"
    UNROUTABLE = "no route"


@dataclass(frozen=True)
class Paths:
    """What became of each question."""

    named: dict[Candidate, Outcome]
    """The addresses that callers are told."""
    elsewhere: dict[Candidate, Outcome]
    """The same ports, at the address of signalling, where that is another."""
    came_from: Address | None
    """From where livekit-server reached us by itself, and where it hears us."""
    heard_from: Address | None
    """From where packets of livekit-server came, whether or not it hears us."""
    turn: dict[str, Outcome]
    """By "host:port"."""

    def works(self, protocol: str, named: bool = True) -> Candidate | None:
        """One that answered."""
        asked = self.named if named else self.elsewhere
        return next(
            (c for c, o in asked.items() if o is Outcome.ANSWERED and c.protocol == protocol), None
        )


async def explore(signalling: Signalling, host: str) -> Paths:
    """Asks them all at once; takes some seconds at most.

    Args:
        host: by which livekit-server's signalling is reached.
    """
    joined = signalling.joined
    loop = asyncio.get_running_loop()
    reached = await _resolve(host)
    named = list(joined.candidates[:CANDIDATES_MAX])
    elsewhere = []
    if reached and reached not in {c.host for c in named}:
        elsewhere = list(dict.fromkeys(Candidate(c.protocol, reached, c.port) for c in named))
    transport, listener = await loop.create_datagram_endpoint(
        lambda: _Listener(joined), ("0.0.0.0", 0)
    )
    try:
        port = transport.get_extra_info("sockname")[1]
        await signalling.answer([(ip, port) for ip in _own_addresses()])
        asked = [*named, *elsewhere]
        turn = _turn(joined.ice_servers)
        outcomes = await asyncio.gather(
            *(_ask(candidate, joined) for candidate in asked), *(_ask_turn(a) for a in turn)
        )
    finally:
        transport.close()
    by_candidate = dict(zip(asked, outcomes[: len(asked)], strict=True))
    return Paths(
        {c: by_candidate[c] for c in named},
        {c: by_candidate[c] for c in elsewhere},
        listener.came_from,
        listener.heard_from,
        {f"{h}:{p}": o for (h, p), o in zip(turn, outcomes[len(asked) :], strict=True)},
    )


async def _resolve(host: str) -> str:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, family=socket.AF_INET)
    except OSError:
        return ""
    return str(found[0][4][0])


def _own_addresses() -> list[str]:
    up = {name for name, stats in psutil.net_if_stats().items() if stats.isup}
    found = [
        address.address
        for name, addresses in psutil.net_if_addrs().items()
        for address in addresses
        if name in up and address.family == socket.AF_INET
    ]
    return found[:CANDIDATES_MAX]


def _turn(servers: Iterable[str]) -> list[Address]:
    """Those over UDP: "turn:10.0.0.5:3478?transport=udp"."""
    found = []
    for url in servers:
        scheme, _, rest = url.partition(":")
        place, _, query = rest.partition("?")
        host, _, port = place.partition(":")
        if scheme in ("turn", "stun") and "transport=tcp" not in query:
            found.append((host, int(port or 3478)))
    return list(dict.fromkeys(found))[:4]


def _ask(candidate: Candidate, joined: Joined) -> "asyncio.Future[Outcome]":
    def question() -> bytes:
        name = f"{joined.their_ufrag}:{joined.our_ufrag}"
        return stun.request(name, joined.their_password)

    address = candidate.host, candidate.port
    ask = _udp(address, question) if candidate.protocol == "udp" else _tcp(address, question)
    return asyncio.ensure_future(ask)


def _ask_turn(address: Address) -> "asyncio.Future[Outcome]":
    return asyncio.ensure_future(_udp(address, stun.request))


class _Udp(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

    def datagram_received(self, data: bytes, _address: Any) -> None:
        message = stun.parse(data)
        if message and message.type == stun.BINDING_SUCCESS and not self.outcome.done():
            self.outcome.set_result(Outcome.ANSWERED)

    def error_received(self, error: Exception) -> None:
        if not self.outcome.done():
            refused = isinstance(error, ConnectionRefusedError)
            self.outcome.set_result(Outcome.REFUSED if refused else Outcome.UNROUTABLE)


async def _udp(address: Address, question: Any) -> Outcome:
    loop = asyncio.get_running_loop()
    try:
        transport, protocol = await loop.create_datagram_endpoint(_Udp, remote_addr=address)
    except OSError:
        return Outcome.UNROUTABLE
    deadline = time.monotonic() + ASK_FOR_S
    try:
        while time.monotonic() < deadline:
            transport.sendto(question())
            done, _ = await asyncio.wait({protocol.outcome}, timeout=EVERY_S)
            if done:
                return protocol.outcome.result()
        return Outcome.SILENT
    finally:
        transport.close()


async def _tcp(address: Address, question: Any) -> Outcome:
    writer = None
    try:
        async with asyncio.timeout(ASK_FOR_S):
            reader, writer = await asyncio.open_connection(*address)
            while True:  # the first may come before our answer to the offer is read
                data = question()
                writer.write(struct.pack("!H", len(data)) + data)  # RFC 4571
                try:
                    async with asyncio.timeout(EVERY_S * 2):
                        (size,) = struct.unpack("!H", await reader.readexactly(2))
                        message = stun.parse(await reader.readexactly(size))
                except TimeoutError:
                    continue
                if message and message.type == stun.BINDING_SUCCESS:
                    return Outcome.ANSWERED
    except TimeoutError:
        return Outcome.SILENT
    except (ConnectionRefusedError, ConnectionResetError, asyncio.IncompleteReadError):
        return Outcome.REFUSED
    except OSError:
        return Outcome.UNROUTABLE
    finally:
        if writer is not None:
            writer.close()


class _Listener(asyncio.DatagramProtocol):
    """Answers livekit-server's own checks, and asks back: do our packets reach it?"""

    def __init__(self, joined: Joined) -> None:
        self._joined = joined
        self.came_from: Address | None = None
        self.heard_from: Address | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)  # by its form, before 3.12

    def datagram_received(self, data: bytes, address: Address) -> None:
        message = stun.parse(data)
        joined = self._joined
        if message and message.type == stun.BINDING_REQUEST:
            self.heard_from = self.heard_from or address
            self._transport.sendto(stun.success(message, address, joined.our_password), address)
            name = f"{joined.their_ufrag}:{joined.our_ufrag}"
            self._transport.sendto(stun.request(name, joined.their_password), address)
        elif message and message.type == stun.BINDING_SUCCESS:
            self.came_from = self.came_from or address
