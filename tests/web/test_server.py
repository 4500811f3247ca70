"""Ports, connections and time."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from earshot.errors import StackError
from earshot.settings import NetworkSettings
from earshot.web import connection
from earshot.web.app import build_app
from earshot.web.connection import Doorkeeper
from earshot.web.limits import Limits
from earshot.web.server import listen, serve

from .conftest import (
    CREDENTIALS,
    READY,
    Site,
    Start,
    address_of_this_machine,
    free_port,
    settings_of,
)


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.close()


def head(site: Site, length: int) -> bytes:
    return (
        f"POST /api/token HTTP/1.1\r\nHost: 127.0.0.1:{site.port}\r\nOrigin: {site.url}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    ).encode()


async def answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    """Status and body of an answer after which the server closes."""
    top, _, body = (await reader.read()).partition(b"\r\n\r\n")
    return int(top.split()[1]), json.loads(body)


@pytest.mark.parametrize("where", ["loopback", "lan"])
def test_a_taken_port_is_one_clear_line(where: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(StackError, match=f"port {port} .* taken .* network.page_port"):
            listen(NetworkSettings(listen=where, page_port=port))


def test_a_port_taken_on_ipv6_alone_leaves_nothing_open() -> None:
    with socket.socket(socket.AF_INET6) as taken:
        try:
            port = free_port()  # on 127.0.0.1; one that is free on ::1 alone may be taken there
            taken.bind(("::1", port))
        except OSError:
            pytest.skip("no IPv6 here")
        taken.listen()
        with pytest.raises(StackError, match="::1"):
            listen(NetworkSettings(page_port=port))
        with socket.socket() as free:
            free.bind(("127.0.0.1", port))


def test_loopback_means_loopback() -> None:
    ours = address_of_this_machine()
    for where, address, expected in (
        ("loopback", "", {"127.0.0.1", "::1"}),
        ("loopback", ours, {"127.0.0.1", "::1"}),
        ("lan", "127.0.0.1", {"127.0.0.1", "::1"}),
        ("lan", ours, {"127.0.0.1", "::1", ours}),
        ("lan", "", {"0.0.0.0", "::1"}),
        ("lan", "203.0.113.9", {"0.0.0.0", "::1"}),  # passed on by somebody
    ):
        sockets = listen(NetworkSettings(listen=where, address=address, page_port=free_port()))
        try:
            assert {sock.getsockname()[0] for sock in sockets} | {"::1"} == expected
        finally:
            for sock in sockets:
                sock.close()


async def test_it_stops_and_starts_at_once_on_the_same_port(page: Path) -> None:
    settings = settings_of()

    async def status() -> dict[str, object]:
        return READY

    for _ in range(3):
        app = build_app(settings, CREDENTIALS, status, static=page)
        async with serve(app, settings.network) as urls, aiohttp.ClientSession(urls[0]) as http:
            assert (await http.get("/healthz")).status == 200
            idle = await asyncio.open_connection("127.0.0.1", settings.network.page_port)
        assert await asyncio.wait_for(idle[0].read(), 5) == b""
        idle[1].close()


async def test_what_runs_may_end_and_what_hangs_may_not_hold_up_the_end(page: Path) -> None:
    for seconds, status_code in ((0.3, 200), (60.0, None)):
        settings = settings_of()

        async def status(seconds: float = seconds) -> dict[str, object]:
            await asyncio.sleep(seconds)
            return READY

        app = build_app(
            settings, CREDENTIALS, status, static=page, limits=Limits(status_s=50, handler_s=50)
        )
        async with serve(app, settings.network) as urls:
            http = aiohttp.ClientSession(urls[0])
            asking = asyncio.create_task(http.get("/api/status"))
            await asyncio.sleep(0.1)
        async with http:
            if status_code is None:
                with pytest.raises(aiohttp.ClientError):
                    await asyncio.wait_for(asking, 5)
            else:
                assert (await asyncio.wait_for(asking, 5)).status == status_code


@pytest.mark.parametrize("length", [16 * 1024 + 1, 10**12])
async def test_too_large_by_its_own_word(site: Site, length: int) -> None:
    async with connected(site.port) as (reader, writer):
        writer.write(head(site, length))
        status, body = await asyncio.wait_for(answer(reader), 10)
        assert (status, body["error"]) == (413, "too_large")
        assert "16384 bytes" in body["message"]


async def test_too_large_without_a_word(site: Site) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(64):
            yield b" " * 1024

    async with site.http.post(
        "/api/token", data=endless(), headers={**site.own, "Content-Type": "application/json"}
    ) as r:
        assert (r.status, (await r.json())["error"]) == (413, "too_large")


async def test_as_large_as_may_be(site: Site) -> None:
    async with site.http.post(
        "/api/token",
        data=b"{}".ljust(16 * 1024),
        headers={**site.own, "Content-Type": "application/json"},
    ) as r:
        assert r.status == 201


async def test_a_compressed_body_is_not_unpacked(site: Site) -> None:
    async with site.http.post(
        "/api/token",
        data=b"x",
        headers={**site.own, "Content-Type": "application/json", "Content-Encoding": "gzip"},
    ) as r:
        assert r.status == 415


async def test_a_body_that_trickles_is_not_waited_for(start: Start) -> None:
    site = await start(limits=Limits(body_s=0.3))
    async with connected(site.port) as (reader, writer):
        writer.write(head(site, 1000))

        async def trickle() -> None:
            while True:
                writer.write(b" ")
                await asyncio.sleep(0.05)

        trickling = asyncio.create_task(trickle())
        try:
            status, body = await asyncio.wait_for(answer(reader), 10)
        finally:
            trickling.cancel()
        assert (status, body["error"]) == (408, "too_slow")
    assert (await site.token())[0] == 201


async def test_heads_that_trickle_and_silence_are_cut_off(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("earshot.web.server.KEEPALIVE_S", 0.3)
    site = await start()
    for sent in (b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\nX-A: b\r\n"):
        async with connected(site.port) as (reader, writer):
            writer.write(sent)
            assert await asyncio.wait_for(reader.read(), 10) == b""


async def test_a_reader_that_does_not_read_is_cut_off(page: Path) -> None:
    (page / "big.txt").write_bytes(bytes(range(256)) * 100_000)
    settings = settings_of()

    async def status() -> dict[str, object]:
        return READY

    app = build_app(settings, CREDENTIALS, status, static=page)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connection.Connection.__init__, "__kwdefaults__", {"stall_s": 0.3})
        async with serve(app, settings.network):
            port = settings.network.page_port
            with socket.create_connection(("127.0.0.1", port)) as sock:
                sock.setblocking(False)
                sock.send(f"GET /big.txt HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
                await asyncio.sleep(1.0)
                received = 0
                with pytest.raises(ConnectionResetError):
                    while data := await asyncio.get_running_loop().sock_recv(sock, 1 << 20):
                        received += len(data)
                    raise ConnectionResetError  # closed, not reset: cut off as well
                assert received < 25_600_000


async def test_connections_are_bounded_per_address(start: Start) -> None:
    site = await start()
    open_ones = [
        await asyncio.open_connection("127.0.0.1", site.port)
        for _ in range(connection.CONNECTIONS_PER_ADDRESS_MAX)
    ]
    async with connected(site.port) as (reader, _):
        refused = await asyncio.wait_for(reader.read(), 5)
        assert refused.startswith(b"HTTP/1.1 503 ")
        assert b"Retry-After: 5\r\n" in refused
        assert b"X-Content-Type-Options: nosniff\r\n" in refused
        assert refused.endswith(b"503: Too many connections. Try again in a moment.\n")
    connector = aiohttp.TCPConnector(local_addr=("127.0.0.9", 0))
    async with aiohttp.ClientSession(site.url, connector=connector) as other:
        assert (await other.get("/healthz")).status == 200
    for _, writer in open_ones:
        writer.close()
        await writer.wait_closed()
    await asyncio.sleep(0.05)
    async with site.http.get("/healthz") as r:
        assert r.status == 200


def test_doorkeeper_forgets_who_left() -> None:
    door = Doorkeeper(most=3, per_address=2)
    assert [door.enter(a) for a in ("a", "a", "a", "b", "c")] == [True, True, False, True, False]
    assert len(door) == 3
    for address in ("a", "a", "b"):
        door.leave(address)
    for i in range(1000):
        assert door.enter(str(i))
        door.leave(str(i))
    assert len(door) == 0
    assert not door._by_address


@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/1.1\r\nHost : x\r\n\r\n",
        b"GET /" + b"a" * 10_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 200 + b"\r\n",
        b"POST /api/token HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST /api/token HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
    ],
    ids=lambda sent: repr(sent[:24]),
)
async def test_what_is_not_http(site: Site, sent: bytes) -> None:
    async with connected(site.port) as (reader, writer):
        writer.write(sent)
        status, body = await asyncio.wait_for(answer(reader), 10)
        assert (status, body["error"]) == (400, "bad_request")
    assert (await site.token())[0] == 201
