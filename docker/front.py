"""The one container that touches a network: passes TCP and UDP on to those that don't.

    front.py tcp:8080=worker:8080 udp:7882=livekit:7882 …
    front.py tcp+proxy:8080=worker:8080                 tells the other side who calls (PROXY)
    front.py tcp:8443=tls:8443 who:8113                 tells who asks: port of ours -> whose it is
    front.py check http://127.0.0.1:8080/healthz        ends with 0 if that is answered with 200

What hears and thinks (livekit-server, redis, worker) sits on an internal network without a way out,
on which Docker publishes no ports. This process stands in both, holds no secret, and understands
nothing of what it passes on. A caller's UDP packets keep one socket towards livekit-server, as
behind any address translation, so that answers find their way; livekit-server takes a caller to be
where the packets come from, which is what ICE is for.

Standard library only. Everything is bounded: connections, callers, what waits to be sent.
"""

import asyncio
import signal
import socket
import sys
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

CONNECTIONS_MAX = 2048
CALLERS_MAX = 4096
IDLE_S = 60.0
"""a caller's packets come many times a second; ICE asks at least every 30 s"""
CONNECT_S = 5.0
PENDING_BYTES_MAX = 256 * 1024
PENDING_PACKETS_MAX = 32
"""kept while a name is looked up; then the oldest packet is the one to lose"""
SOCKET_BUFFER_BYTES = 4 * 1024 * 1024

Address = tuple[str, int]


@dataclass(frozen=True)
class Route:
    """`udp:7882=livekit:7882`."""

    protocol: str
    port: int
    host: str = ""
    host_port: int = 0

    @classmethod
    def parse(cls, text: str) -> "Route":
        try:
            if text.startswith("who:"):
                return cls("who", int(text.removeprefix("who:")))
            source, target = text.split("=")
            protocol, port = source.split(":")
            host, host_port = target.split(":")
            if protocol in ("tcp", "tcp+proxy", "udp"):
                return cls(protocol, int(port), host, int(host_port))
        except ValueError:
            pass
        raise SystemExit(f"front: {text!r}: tcp:PORT=HOST:PORT or udp:PORT=HOST:PORT was expected")


class Pipe(asyncio.Protocol):
    """One direction's end of a TCP connection; what it hears, the other end says."""

    def __init__(self) -> None:
        self.other: Pipe | None = None
        self.transport: asyncio.Transport | None = None
        self.closed: Callable[[], None] = lambda: None
        self._early = bytearray()
        self._ended = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.set_write_buffer_limits(high=PENDING_BYTES_MAX)
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def join(self, other: "Pipe", first: bytes = b"") -> None:
        """From now on the two are one connection; `first` is said before what this side says."""
        self.other, other.other = other, self
        if first and other.transport:
            other.transport.write(first)
        if self._early:
            self.data_received(bytes(self._early))
            self._early.clear()
        if self._ended:
            self.eof_received()
        if self.transport:
            self.transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        if self.other is None:
            # not paused from the start: before Python 3.11.4 that pause is forgotten
            self._early += data
            if self.transport:
                self.transport.pause_reading()
        elif self.other.transport:
            self.other.transport.write(data)

    def eof_received(self) -> bool:
        self._ended = True
        if self.other and self.other.transport:
            self.other.transport.write_eof()
        return True  # the other direction may go on

    def pause_writing(self) -> None:
        if self.other and self.other.transport:
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        if self.other and self.other.transport:
            self.other.transport.resume_reading()

    def connection_lost(self, error: Exception | None) -> None:
        if self.other and self.other.transport:
            self.other.transport.close()
        self.transport = None
        self.closed()


class Tcp:
    """Takes connections on a port."""

    def __init__(self, route: Route, behind: dict[int, str]) -> None:
        self._route, self._behind = route, behind
        self._connections = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        await loop.create_server(self._accept, "0.0.0.0", self._route.port, backlog=256)

    def _accept(self) -> asyncio.Protocol:
        return _Accepted(self)

    def taken(self, pipe: Pipe) -> None:
        assert pipe.transport is not None
        if self._connections >= CONNECTIONS_MAX:
            pipe.transport.abort()
            return
        self._connections += 1
        pipe.closed = self._ended
        task = asyncio.get_running_loop().create_task(self._join(pipe))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _ended(self) -> None:
        self._connections -= 1

    async def _join(self, pipe: Pipe) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_S):
                _, other = await loop.create_connection(
                    Pipe, self._route.host, self._route.host_port, family=socket.AF_INET
                )
        except (OSError, TimeoutError):
            if pipe.transport:
                pipe.transport.abort()
            return
        if pipe.transport is None:  # it did not wait
            if other.transport:
                other.transport.close()
            return
        caller = pipe.transport.get_extra_info("peername")
        port = other.transport.get_extra_info("sockname")[1] if other.transport else 0
        self._behind[port] = caller[0]
        other.closed = lambda: self._behind.pop(port, None)
        pipe.join(other, self._header(pipe.transport))

    def _header(self, transport: asyncio.Transport) -> bytes:
        """https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt, version 1."""
        if self._route.protocol != "tcp+proxy":
            return b""
        source, target = transport.get_extra_info("peername"), transport.get_extra_info("sockname")
        return f"PROXY TCP4 {source[0]} {target[0]} {source[1]} {target[1]}\r\n".encode()


class _Accepted(Pipe):
    def __init__(self, tcp: Tcp) -> None:
        super().__init__()
        self._tcp = tcp

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._tcp.taken(self)


class Udp(asyncio.DatagramProtocol):
    """Takes packets on a port; a socket per caller towards the other side."""

    def __init__(self, route: Route) -> None:
        self._route = route
        self._callers: OrderedDict[Address, Caller] = OrderedDict()
        self.transport: asyncio.DatagramTransport | None = None

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: self, ("0.0.0.0", self._route.port))
        self._forgetting = loop.create_task(self._forget_idle())

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)  # by its form, before 3.12
        _widen(self.transport)

    def datagram_received(self, data: bytes, address: Address) -> None:
        caller = self._callers.get(address)
        if caller is None:
            if len(self._callers) >= CALLERS_MAX:
                self.drop(next(iter(self._callers)))
            caller = self._callers[address] = Caller(self, address, self._route)
        self._callers.move_to_end(address)
        caller.send(data)

    def drop(self, address: Address) -> None:
        caller = self._callers.pop(address, None)
        if caller:
            caller.close()

    async def _forget_idle(self) -> None:
        while True:
            await asyncio.sleep(IDLE_S / 4)
            before = time.monotonic() - IDLE_S
            for address, caller in list(self._callers.items()):
                if caller.used_at < before:
                    self.drop(address)


class Caller(asyncio.DatagramProtocol):
    """One caller's socket towards the other side."""

    def __init__(self, udp: Udp, address: Address, route: Route) -> None:
        self._udp, self._address, self._route = udp, address, route
        self._transport: asyncio.DatagramTransport | None = None
        self._waiting: list[bytes] = []
        self.used_at = time.monotonic()
        self._opening = asyncio.get_running_loop().create_task(self._open())

    async def _open(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_S):
                await loop.create_datagram_endpoint(
                    lambda: self,
                    remote_addr=(self._route.host, self._route.host_port),
                    family=socket.AF_INET,
                )
        except (OSError, TimeoutError):  # not there now: the next packet tries again
            self._udp.drop(self._address)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)
        for data in self._waiting:
            self._transport.sendto(data)
        self._waiting.clear()

    def send(self, data: bytes) -> None:
        self.used_at = time.monotonic()
        if self._transport is None:
            self._waiting = [*self._waiting[1 - PENDING_PACKETS_MAX :], data]
        elif _keeps_up(self._transport):
            self._transport.sendto(data)

    def datagram_received(self, data: bytes, address: Any) -> None:
        out = self._udp.transport
        if out and _keeps_up(out):
            out.sendto(data, self._address)

    def error_received(self, error: Exception) -> None:
        # nobody listens there any more: livekit-server may come back with another address
        self._udp.drop(self._address)

    def close(self) -> None:
        if self._transport:
            self._transport.close()
        else:
            self._opening.cancel()


def _keeps_up(transport: asyncio.DatagramTransport) -> bool:
    size: int = transport.get_write_buffer_size()  # type: ignore[attr-defined]  # typeshed
    return size < PENDING_BYTES_MAX


def _widen(transport: asyncio.DatagramTransport) -> None:
    sock = transport.get_extra_info("socket")
    for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):  # as far as the kernel lets us
        sock.setsockopt(socket.SOL_SOCKET, option, SOCKET_BUFFER_BYTES)


async def serve(routes: list[Route]) -> None:
    """Until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    behind: dict[int, str] = {}  # our port towards the other side -> the caller's address
    for route in routes:
        if route.protocol == "who":
            await asyncio.start_server(_answerer(behind), "0.0.0.0", route.port, limit=16)
        elif route.protocol == "udp":
            await Udp(route).start()
        else:
            await Tcp(route, behind).start()
    await stop.wait()


def _answerer(behind: dict[int, str]) -> Callable[..., Any]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(CONNECT_S):
                port = (await reader.readline()).strip()
            writer.write(f"{behind.get(int(port), '')}\n".encode())
            await writer.drain()
        except (OSError, TimeoutError, ValueError):
            pass  # no question
        finally:
            writer.close()

    return answer


async def answers(url: str) -> bool:
    """Whether a GET is answered with 200, in time."""
    host, _, path = url.removeprefix("http://").partition("/")
    name, _, port = host.partition(":")
    try:
        async with asyncio.timeout(CONNECT_S):
            reader, writer = await asyncio.open_connection(name, int(port))
            writer.write(f"GET /{path} HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
            status = await reader.readline()
            writer.close()
    except (OSError, TimeoutError, ValueError):
        return False
    return status.split()[1:2] == [b"200"]


def main() -> None:
    if sys.argv[1:2] == ["check"] and len(sys.argv) == 3:
        raise SystemExit(0 if asyncio.run(answers(sys.argv[2])) else 1)
    routes = [Route.parse(text) for text in sys.argv[1:]]
    if not routes:
        raise SystemExit(f"front: what to pass on? {__doc__}")
    asyncio.run(serve(routes))


if __name__ == "__main__":
    main()
