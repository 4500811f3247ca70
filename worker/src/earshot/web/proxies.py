"""Proxies whose word on a caller's address is taken. Everybody else's is that of the connection.

    proxy:front        connections from there begin with a PROXY header (version 1), or are refused
    http:tls           of requests from there the last address in X-Forwarded-For is the caller's…
    ask:tls-front      …and where that is this proxy itself, it knows whose its connection is

Each is an address, a network (10.0.0.0/8), or a name of a container's network. Names are looked up
again when somebody comes who is not known: a container that is started anew has another address.
"""

import asyncio
import contextlib
import socket
import threading
import time
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Literal, get_args

from aiohttp import web

from ..errors import SettingsError
from .hosts import IPAddress, address_of, is_loopback

Kind = Literal["proxy", "http", "ask"]
LOOK_WITHIN_S = 1.0
STRANGER_S = 30.0
"""so long an address that was none of the names is not looked up again"""
STRANGERS_MAX = 1024
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
    _found: dict[str, frozenset[IPAddress]] = field(default_factory=dict)
    _strangers: dict[IPAddress, float] = field(default_factory=dict)
    _asking: dict[str, "asyncio.Future[None]"] = field(default_factory=dict)

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
            or self._known(address)
            or time.monotonic() - self._strangers.get(address, float("-inf")) < STRANGER_S
        )

    async def look(self, address: IPAddress) -> None:
        """Looks the names up, until one is this address, or for a second."""
        deadline = time.monotonic() + LOOK_WITHIN_S
        asked = {self._ask(name) for _, name in self._names}
        while asked and not self._known(address) and (left := deadline - time.monotonic()) > 0:
            _, asked = await asyncio.wait(asked, timeout=left, return_when=asyncio.FIRST_COMPLETED)
        if not self._known(address):
            if len(self._strangers) >= STRANGERS_MAX:
                self._strangers.clear()
            self._strangers[address] = time.monotonic()

    def _known(self, address: IPAddress) -> bool:
        return any(address in found for found in self._found.values())

    def _ask(self, name: str) -> "asyncio.Future[None]":
        """A thread of its own: a name that does not exist takes 10 s, which others would wait."""
        if name in self._asking:
            return self._asking[name]
        loop = asyncio.get_running_loop()
        asking = self._asking[name] = loop.create_future()

        def answer(found: frozenset[IPAddress]) -> None:
            self._found[name] = found
            del self._asking[name]
            asking.set_result(None)

        def ask() -> None:
            found = _resolve(name)
            with contextlib.suppress(RuntimeError):  # the loop is gone
                loop.call_soon_threadsafe(answer, found)

        threading.Thread(target=ask, name=f"look up {name}", daemon=True).start()
        return asking

    def trusts(self, kind: Kind, address: IPAddress | None) -> bool:
        """Whether this is such a proxy."""
        if address is None:
            return False
        listed = any(k == kind and address in n for k, n in self._networks)  # type: ignore[operator]
        named = (self._found.get(name, ()) for k, name in self._names if k == kind)
        return listed or any(address in found for found in named)

    async def client(self, request: web.Request) -> str:
        """The address of whoever sent the request."""
        peer = address_of(request.remote)
        if not self or request.transport is None:
            return str(peer)
        # a proxy that speaks for others in a PROXY header is not believed in HTTP's
        socket_peer = request.transport.get_extra_info("peername")
        real = address_of(str(socket_peer[0])) if socket_peer else None
        if real is not None and not self.settled(real):
            await self.look(real)
        if not self.trusts("http", real):
            return str(peer)
        forwarded = request.headers.getall("X-Forwarded-For", [])
        last = address_of(forwarded[-1].rpartition(",")[2].strip()) if forwarded else None
        if last is None:
            return str(peer)
        if self.trusts("ask", last):
            host, _, port = request.headers.get(PEER_HEADER, "").rpartition(":")
            if address_of(host.strip("[]")) == last and port.isdecimal():
                return str(await _whose(str(last), port) or last)
        return str(last)


def _resolve(name: str) -> frozenset[IPAddress]:
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):  # it does not run, or is no name
        return frozenset()
    addresses = (address_of(str(info[4][0])) for info in found)
    return frozenset(address for address in addresses if address is not None)


async def _whose(host: str, port: str) -> IPAddress | None:
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
