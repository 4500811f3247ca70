"""Whose word on a caller's address is taken: the proxies' that a setting names, nobody else's."""

import asyncio
import contextlib
import socket
import sys
import threading
from collections.abc import AsyncIterator
from ipaddress import ip_address
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from earshot.errors import SettingsError
from earshot.web import proxies
from earshot.web.hosts import IPAddress
from earshot.web.limits import Limits
from earshot.web.proxies import Proxies, parse_header

from ..livekit_server import free_port
from .conftest import CODE, Site, Start

ROOT = Path(__file__).parents[2]
LIMITS = Limits(burst=2, per_minute=1)
WITHIN_S = 10.0


def header(address: str) -> str:
    return f"PROXY TCP4 {address} 192.0.2.1 50000 8080\r\n"


async def ask(site: Site, head: str = "", more: str = "", code: str = CODE) -> int:
    """A request for a token, on a connection that begins with `head`; 0 = none was answered."""
    request = [
        "POST /api/token HTTP/1.1",
        f"Host: 127.0.0.1:{site.port}",
        f"Origin: http://127.0.0.1:{site.port}",
        "Content-Type: application/json",
        "Content-Length: 2",
        "Connection: close",
        *([f"X-Access-Code: {code}"] if code else []),
        *([more] if more else []),
    ]
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    try:
        writer.write((head + "\r\n".join(request) + "\r\n\r\n{}").encode())
        line = await asyncio.wait_for(reader.readline(), WITHIN_S)
        return int(line.split()[1]) if line else 0
    except ConnectionError:
        return 0
    finally:
        writer.close()


async def test_each_caller_behind_a_proxy_has_a_share_of_its_own(start: Start) -> None:
    site = await start(LIMITS, network={"proxies": "proxy:127.0.0.1"})
    for address in ("198.51.100.1", "198.51.100.2", "198.51.100.3"):
        asked = [await ask(site, header(address)) for _ in range(3)]
        assert asked == [201, 201, 429], address


async def test_a_lockout_hits_the_one_who_guesses(start: Start) -> None:
    site = await start(Limits(wrong_codes_max=2), network={"proxies": "proxy:127.0.0.1"})
    guesser, other = header("198.51.100.1"), header("198.51.100.2")
    assert [await ask(site, guesser, code="wrong-code") for _ in range(2)] == [401, 429]
    assert await ask(site, guesser) == 429
    assert await ask(site, other) == 201


async def test_a_proxied_caller_is_never_this_machines_own_page(start: Start) -> None:
    """Even one whom the proxy calls 127.0.0.1: without the code there is no token."""
    site = await start(network={"proxies": "proxy:127.0.0.1"})
    assert await ask(site, header("127.0.0.1"), code="") == 401
    assert await ask(site, "PROXY UNKNOWN\r\n", code="") == 401
    assert await ask(site, "PROXY UNKNOWN\r\n") == 201


@pytest.mark.parametrize(
    "head",
    [
        "",
        "PROXY\r\n",
        "PROXY TCP4 here there 1 2\r\n",
        "PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n",
        "PROXY TCP4 1.2.3.4 " + "5" * 200 + "\r\n",
        "PROXY TCP4 1.2.3.4 " + "5" * 200,
        "\r\n\r\n\0\r\nQUIT\n",
    ],
)
async def test_a_proxy_without_its_header_is_refused(start: Start, head: str) -> None:
    site = await start(network={"proxies": "proxy:127.0.0.1"})
    assert await ask(site, head) == 0


async def test_a_header_may_come_in_pieces(start: Start) -> None:
    site = await start(network={"proxies": "proxy:127.0.0.1"})
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    for (
        byte
    ) in f"{header('198.51.100.1')}GET /healthz HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n".encode():
        writer.write(bytes([byte]))
        await writer.drain()
    assert (await asyncio.wait_for(reader.readline(), WITHIN_S)).split()[1] == b"200"
    writer.close()


@pytest.mark.parametrize("trusted", ["", "proxy:192.0.2.9", "http:192.0.2.9, ask:192.0.2.9"])
async def test_whoever_is_no_proxy_can_forge_no_address(start: Start, trusted: str) -> None:
    site = await start(LIMITS, network={"proxies": trusted})
    assert await ask(site, header("198.51.100.1")) == 400, "a header that nobody expects"
    forged = [
        await ask(site, more=f"{name}: 198.51.100.{i}")
        for i, name in enumerate(("X-Forwarded-For", "X-Forwarded-For", "X-Real-IP", "Forwarded"))
    ]
    assert forged == [201, 201, 429, 429]


async def test_a_client_behind_a_proxy_can_forge_no_address_in_http(start: Start) -> None:
    site = await start(LIMITS, network={"proxies": "proxy:127.0.0.1"})
    head = header("198.51.100.1")
    forged = [await ask(site, head, f"X-Forwarded-For: 198.51.100.{i}") for i in range(2, 5)]
    assert forged == [201, 201, 429]


async def test_the_last_forwarded_address_counts_the_others_may_be_made_up(start: Start) -> None:
    site = await start(LIMITS, network={"proxies": "http:127.0.0.1"})
    asked = [
        await ask(site, more=f"X-Forwarded-For: 10.0.0.{i}, 198.51.100.1") for i in range(1, 4)
    ]
    assert asked == [201, 201, 429]
    assert await ask(site, more="X-Forwarded-For: 198.51.100.1, 198.51.100.2") == 201
    assert await ask(site, more="X-Forwarded-For: nobody") == 201


async def test_a_name_is_looked_up_when_a_stranger_comes(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits for a name that does not exist, which may take the resolver very long."""
    here, elsewhere = ip_address("127.0.0.1"), ip_address("192.0.2.9")
    never = threading.Event()
    asked: list[str] = []

    def resolve(name: str) -> frozenset[IPAddress]:
        asked.append(name)
        if name == "tls":
            never.wait(WITHIN_S)
            return frozenset()
        return frozenset({here})

    monkeypatch.setattr(proxies, "is_loopback", lambda address: False)
    monkeypatch.setattr(proxies, "_resolve", resolve)
    site = await start(LIMITS, network={"proxies": "proxy:front, http:tls, ask:tls"})
    try:
        assert await ask(site, header("198.51.100.1")) == 201
        asked.clear()
        there = Proxies("proxy:front, http:tls, ask:tls")
        assert not there.settled(here)
        await there.look(here)
        assert there.settled(here)
        assert there.trusts("proxy", here) and not there.trusts("http", here)
        assert not there.settled(elsewhere)
        await there.look(elsewhere)
        assert there.settled(elsewhere), "for a while it is a stranger"
        assert not there.trusts("proxy", elsewhere)
        assert asked.count("tls") == 1, "one question at a time, of each"
    finally:
        never.set()


async def test_a_name_that_means_nobody_is_trusted_by_nobody() -> None:
    assert proxies._resolve("localhost") & {ip_address("127.0.0.1"), ip_address("::1")}
    assert proxies._resolve("nobody..here") == frozenset()


@pytest.mark.parametrize("text", ["front", "tcp:front", "proxy:", "proxy:a, b"])
def test_a_wrong_entry_is_named(text: str) -> None:
    with pytest.raises(SettingsError, match=r"network\.proxies: '"):
        Proxies(text)


def test_headers() -> None:
    assert str(parse_header(b"PROXY TCP4 198.51.100.7 192.0.2.1 1 2")) == "198.51.100.7"
    assert str(parse_header(b"PROXY TCP6 2001:db8::7 2001:db8::1 1 2")) == "2001:db8::7"
    assert parse_header(b"PROXY UNKNOWN ff 1") is None
    for wrong in (b"GET / HTTP/1.1", b"PROXY TCP4 x y 1 2", b"PROXY \xff"):
        with pytest.raises(ValueError):
            parse_header(wrong)


# the chain of the containers: docker/front.py, and behind it a proxy that ends TLS


@contextlib.asynccontextmanager
async def front(*routes: str) -> AsyncIterator[None]:
    command = (sys.executable, "-I", "-S", str(ROOT / "docker" / "front.py"), *routes)
    process = await asyncio.create_subprocess_exec(*command)
    try:
        async with asyncio.timeout(WITHIN_S):
            for route in routes:
                while not _open(int(route.split(":")[1].split("=")[0])):
                    await asyncio.sleep(0.02)
        yield
    finally:
        process.terminate()
        await process.wait()


def _open(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


async def from_address(address: str, site: Site, port: int) -> int:
    """All of 127.0.0.0/8 is this machine: each address is another caller."""
    connector = aiohttp.TCPConnector(local_addr=(address, 0))
    async with aiohttp.ClientSession(connector=connector) as http:
        answer = await http.post(
            f"http://127.0.0.1:{port}/api/token",
            json={},
            headers={"Host": f"127.0.0.1:{site.port}", **site.coded()},
        )
        return answer.status


async def test_the_front_tells_whose_connection_it_is(start: Start) -> None:
    site = await start(LIMITS, network={"proxies": "proxy:127.0.0.1"})
    port = free_port()
    async with front(f"tcp+proxy:{port}=127.0.0.1:{site.port}"):
        for address in ("127.0.0.2", "127.0.0.3"):
            asked = [await from_address(address, site, port) for _ in range(3)]
            assert asked == [201, 201, 429], address


async def test_behind_tls_the_front_is_asked(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    who, outer, inner = free_port(), free_port(), free_port()
    monkeypatch.setattr(proxies, "ASK_PORT", who)
    site = await start(LIMITS, network={"proxies": "http:127.0.0.1, ask:127.0.0.1"})

    async def pass_on(request: web.Request) -> web.Response:
        """As docker/tls/Caddyfile does: it sees the front, and says by which connection."""
        assert request.transport is not None
        peer = request.transport.get_extra_info("peername")
        headers = {"X-Forwarded-For": peer[0], "X-Forwarded-Peer": f"{peer[0]}:{peer[1]}",
                   "Host": request.headers["Host"], **site.coded()}  # fmt: skip
        async with aiohttp.ClientSession() as http:
            answer = await http.post(f"{site.url}/api/token", json={}, headers=headers)
            return web.Response(status=answer.status)

    app = web.Application()
    app.router.add_post("/api/token", pass_on)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", inner).start()
    try:
        async with front(f"tcp:{outer}=127.0.0.1:{inner}", f"who:{who}"):
            for address in ("127.0.0.2", "127.0.0.3"):
                asked = [await from_address(address, site, outer) for _ in range(3)]
                assert asked == [201, 201, 429], address
    finally:
        await runner.cleanup()
