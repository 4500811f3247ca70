"""docker/front.py: what it takes it passes on, both ways, over TCP and UDP."""

import asyncio
import contextlib
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pytest

WITHIN_S = 10.0


class Echo(asyncio.DatagramProtocol):
    """Sends everything back, and remembers who sent."""

    def __init__(self) -> None:
        self.senders: list[tuple[str, int]] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        self.senders.append(address)
        self.transport.sendto(data, address)


class Heard(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.packets: asyncio.Queue[bytes] = asyncio.Queue()

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        self.packets.put_nowait(data)


@contextlib.asynccontextmanager
async def front(root: Path, *routes: str) -> AsyncIterator[None]:
    command = (sys.executable, "-I", "-S", str(root / "docker" / "front.py"), *routes)
    process = await asyncio.create_subprocess_exec(*command)
    try:
        for route in routes:
            if route.startswith("tcp"):
                await listening(int(route.split(":")[1].split("=")[0]))
        yield
    finally:
        process.terminate()
        assert await asyncio.wait_for(process.wait(), WITHIN_S) == 0


async def listening(port: int) -> None:
    async with asyncio.timeout(WITHIN_S):
        while True:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                return
            await asyncio.sleep(0.02)


def free(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    with socket.socket(socket.AF_INET, kind) as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@contextlib.asynccontextmanager
async def echo_server() -> AsyncIterator[int]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.write(b"bye")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def test_tcp_passes_both_ways_whole_and_keeps_a_half_closed_connection(root: Path) -> None:
    async with echo_server() as target:
        port = free()
        async with front(root, f"tcp:{port}=127.0.0.1:{target}"):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            sent = bytes(range(256)) * 8192  # more than any buffer between

            async def say() -> None:
                writer.write(sent)
                await writer.drain()
                writer.write_eof()

            async with asyncio.timeout(WITHIN_S):
                _, heard = await asyncio.gather(say(), reader.read(-1))
            writer.close()
            assert heard == sent + b"bye"


async def test_a_connection_that_leads_nowhere_ends_at_once(root: Path) -> None:
    port = free()
    with socket.socket() as nobody:  # has the port and does not listen
        nobody.bind(("127.0.0.1", 0))
        async with front(root, f"tcp:{port}=127.0.0.1:{nobody.getsockname()[1]}"):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            with contextlib.suppress(ConnectionError):
                assert await asyncio.wait_for(reader.read(), WITHIN_S) == b""
            writer.close()


async def test_each_udp_caller_has_a_socket_of_its_own_and_gets_its_own_answers(root: Path) -> None:
    loop = asyncio.get_running_loop()
    transport, echo = await loop.create_datagram_endpoint(Echo, ("127.0.0.1", 0))
    target = transport.get_extra_info("sockname")[1]
    port, ready = free(socket.SOCK_DGRAM), free()
    async with front(root, f"udp:{port}=127.0.0.1:{target}", f"tcp:{ready}=127.0.0.1:{target}"):
        callers = []
        for name in (b"one", b"two"):
            out, heard = await loop.create_datagram_endpoint(Heard, remote_addr=("127.0.0.1", port))
            for i in range(3):
                out.sendto(name + bytes([i]))
            callers.append((out, heard, name))
        for out, heard, name in callers:
            async with asyncio.timeout(WITHIN_S):
                got = [await heard.packets.get() for _ in range(3)]
            assert got == [name + bytes([i]) for i in range(3)]
            out.close()
    assert len(set(echo.senders)) == 2
    transport.close()


@pytest.mark.parametrize("argument", ["tcp:80", "sctp:1=a:2", "udp:x=a:2"])
async def test_a_wrong_route_is_one_line(root: Path, argument: str) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-I", "-S", str(root / "docker" / "front.py"), argument,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _, errors = await process.communicate()
    assert process.returncode == 1
    assert errors.decode().splitlines() == [
        f"front: {argument!r}: tcp:PORT=HOST:PORT or udp:PORT=HOST:PORT was expected"
    ]


async def test_check_asks_over_http(root: Path) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await reader.readline()).split()[1]
        writer.write(b"HTTP/1.0 200 OK\r\n\r\n" if path == b"/ok" else b"HTTP/1.0 503 No\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        for path, status in (("ok", 0), ("other", 1)):
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-I", "-S", str(root / "docker" / "front.py"), "check",
                f"http://127.0.0.1:{port}/{path}",
            )  # fmt: skip
            assert await asyncio.wait_for(process.wait(), WITHIN_S) == status
