"""Proxies whose word on a caller's address is taken. Everybody else's is that of the connection.

    proxy:front        connections from there begin with a PROXY header (version 1), or are refused
    http:tls           of requests from there the last address in X-Forwarded-For is the caller's…
    ask:tls-front      …and where that is this proxy itself, it knows whose its connection is

Each is an address, a network (10.0.0.0/8), or a name of a container's network. A name is looked up
again when somebody comes who is not known: a container that is started anew has another address.
"""

import asyncio
import socket
import time
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Literal, get_args

from aiohttp import web

from ..errors import SettingsError
from .hosts import IPAddress, address_of, is_loopback

Kind = Literal["proxy", "http", "ask"]
LOOK_WITHIN_S = 2.0
LOOK_AGAIN_S = 1.0
ASK_PORT = 8113
ASK_WITHIN_S = 1.0
PEER_HEADER = "X-Forwarded-Peer"
"""address:port of the connection that an http proxy took, as it saw it"""
HEADER_MOST = 107
"""bytes of a PROXY header of version 1, by its specification"""


@dataclass
class Proxies:
    """Those of the setting `network.proxies`.

    Raises:
        SettingsError: an entry is not of the form KIND:WHERE.
    """

    text: str = ""
    _networks: list[tuple[str, object]] = field(default_factory=list)
    _names: list[tuple[str, str]] = field(default_factory=list)
    _found: set[tuple[str, IPAddress]] = field(default_factory=set)
    _looked_at: float = float("-inf")
    _looking: "asyncio.Task[None] | None" = None

    def __post_init__(self) -> None:
        for entry in filter(None, (part.strip() for part in self.text.split(","))):
            kind, _, where = entry.partition(":")
            if kind not in get_args(Kind) or not where:
                raise SettingsError(
                    f"network.proxies: {entry!r}: proxy:WHERE, http:WHERE or ask:WHERE expected"
                )
            try:
                self._networks.append((kind, ip_network(where)))
            except ValueError:
                self._names.append((kind, where))

    def __bool__(self) -> bool:
        return bool(self._networks or self._names)

    def settled(self, address: IPAddress | None) -> bool:
        """Whether it is known already what this address is."""
        return (
            not self._names
            or address is None
            or is_loopback(address)
            or any(a == address for _, a in self._found)
            or time.monotonic() - self._looked_at < LOOK_AGAIN_S
        )

    async def look(self) -> None:
        """Looks the names up, once for all who wait for it."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        await asyncio.shield(self._looking)

    def trusts(self, kind: Kind, address: IPAddress | None) -> bool:
        """Whether this is such a proxy."""
        if address is None:
            return False
        listed = any(k == kind and address in n for k, n in self._networks)  # type: ignore[operator]
        return listed or (kind, address) in self._found

    async def client(self, request: web.Request) -> str:
        """The address of whoever sent the request."""
        peer = address_of(request.remote)
        if not self or request.transport is None:
            return str(peer)
        # a proxy that speaks for others in a PROXY header is not believed in HTTP's
        socket_peer = request.transport.get_extra_info("peername")
        real = address_of(str(socket_peer[0])) if socket_peer else None
        if not self.settled(real):
            await self.look()
        if not self.trusts("http", real):
            return str(peer)
        forwarded = request.headers.getall("X-Forwarded-For", [])
        last = address_of(forwarded[-1].rpartition(",")[2].strip()) if forwarded else None
        if last is None:
            return str(peer)
        if self.trusts("ask", last):
            host, _, port = request.headers.get(PEER_HEADER, "").rpartition(":")
            if address_of(host.strip("[]")) == last and port.isdecimal():
                return str(await _ask(str(last), port) or last)
        return str(last)

    async def _look(self) -> None:
        loop = asyncio.get_running_loop()

        async def one(kind: str, name: str) -> set[tuple[str, IPAddress]]:
            try:
                async with asyncio.timeout(LOOK_WITHIN_S):
                    found = await loop.getaddrinfo(name, None, type=socket.SOCK_STREAM)
            except (OSError, TimeoutError):  # it does not run
                return set()
            addresses = (address_of(str(info[4][0])) for info in found)
            return {(kind, address) for address in addresses if address is not None}

        found = await asyncio.gather(*(one(kind, name) for kind, name in self._names))
        self._found = set().union(*found)
        self._looked_at = time.monotonic()


async def _ask(host: str, port: str) -> IPAddress | None:
    """Whose the proxy's connection from that port is (docker/front.py, `who:`)."""
    try:
        async with asyncio.timeout(ASK_WITHIN_S):
            reader, writer = await asyncio.open_connection(host, ASK_PORT)
            try:
                writer.write(f"{port}\n".encode())
                return address_of((await reader.read(64)).decode("ascii", "replace").strip())
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return None


def parse_header(line: bytes) -> IPAddress | None:
    """The caller's address in a PROXY header without its line end; None where it names nobody.

    Raises:
        ValueError: it is none.
    """
    fields = line.decode("ascii").split(" ")
    if fields[0] != "PROXY":
        raise ValueError("no PROXY header")
    if fields[1:2] == ["UNKNOWN"]:
        return None
    if len(fields) != 6 or fields[1] not in ("TCP4", "TCP6"):
        raise ValueError("not a PROXY header of version 1")
    address = address_of(fields[2])
    if address is None:
        raise ValueError("no address in the PROXY header")
    return address
