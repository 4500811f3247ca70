"""Who gets a token: our page on this machine at once, everybody else with the code."""

import asyncio

import aiohttp
import pytest

from .conftest import CODE, Site, Start, address_of_this_machine


async def test_own_page_on_loopback_gets_one_at_once(site: Site) -> None:
    status, body, _ = await site.token()
    assert status == 201
    assert set(body) == {"server_url", "participant_token", "room_name", "participant_identity"}


@pytest.mark.parametrize("name", ["localhost", "LOCALHOST", "127.0.0.1", "[::1]"])
async def test_every_name_of_loopback_is_our_own(site: Site, name: str) -> None:
    host = f"{name}:{site.port}"
    status, body, _ = await site.token(headers={"Host": host, "Origin": f"http://{host.lower()}"})
    assert status == 201
    livekit = "127.0.0.1" if name == "[::1]" else name.lower()
    assert body["server_url"] == f"ws://{livekit}:7880"


async def test_ipv6_loopback(site: Site) -> None:
    url = f"http://[::1]:{site.port}"
    async with aiohttp.ClientSession() as http:
        answer = await http.post(f"{url}/api/token", json={}, headers={"Origin": url})
        assert answer.status == 201


FOREIGN = [
    {"Origin": "http://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1:1"},
    {"Origin": "http://127.0.0.1.evil.example"},
    {"Origin": "https://127.0.0.1:{port}"},
    {"Origin": "http://localhost:{port}"},  # the host is 127.0.0.1: another origin
    {"Origin": "http://127.0.0.1:{port}/path"},
    {"Origin": "http://user@127.0.0.1:{port}"},
    {"Origin": ""},
    {},  # curl, a native client
    {"Origin": "http://127.0.0.1:{port}", "X-Forwarded-For": "127.0.0.1"},
    {"Origin": "http://127.0.0.1:{port}", "Forwarded": "for=127.0.0.1"},
    {"Origin": "http://127.0.0.1:{port}", "Via": "1.1 proxy"},
]


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
async def test_everybody_else_needs_the_code(site: Site, headers: dict[str, str]) -> None:
    sent = {name: value.format(port=site.port) for name, value in headers.items()}
    status, body, _ = await site.token(headers=sent)
    assert (status, body["error"]) == (401, "code_required")
    status, body, _ = await site.token(headers={**sent, **site.coded()})
    assert status == 201


async def test_two_origins_are_not_one(site: Site) -> None:
    async with site.http.post(
        "/api/token", json={}, headers=[("Origin", site.url), ("Origin", "http://evil.example")]
    ) as r:
        assert r.status == 401


async def test_another_machine_needs_the_code(start: Start) -> None:
    site = await start(network={"listen": "lan"})
    address = address_of_this_machine()
    url = f"http://{address}:{site.port}"
    async with aiohttp.ClientSession(url) as http:
        refused = await http.post("/api/token", json={}, headers={"Origin": url})
        assert refused.status == 401
        given = await http.post("/api/token", json={}, headers={"Origin": url, **site.coded()})
        assert given.status == 201
        assert (await given.json())["server_url"] == f"ws://{address}:7880"
        # from there, the loopback names are a lie
        lie = f"127.0.0.1:{site.port}"
        refused = await http.post(
            "/api/token", json={}, headers={"Host": lie, "Origin": f"http://{lie}"}
        )
        assert refused.status == 401


async def test_somebody_elses_room_is_not_given(start: Start) -> None:
    """Whoever holds the code can't take over a call by guessing its names."""
    site = await start(network={"listen": "lan"})
    kitchen = {"room_name": "kitchen", "participant_identity": "anna"}
    assert (await site.token(kitchen))[0] == 201
    async with aiohttp.ClientSession(f"http://{address_of_this_machine()}:{site.port}") as other:
        answer = await other.post("/api/token", json=kitchen, headers=site.coded())
        assert (answer.status, (await answer.json())["error"]) == (409, "room_taken")
        answer = await other.post("/api/token", json={}, headers=site.coded())
        assert answer.status == 201
        site.clock.now += 3600 + 600
        answer = await other.post("/api/token", json=kitchen, headers=site.coded())
        assert answer.status == 201
    assert (await site.token(kitchen))[0] == 409


@pytest.mark.parametrize(
    "given", [CODE.upper(), CODE.replace("-", ""), f" {CODE} ".replace("-", " ")]
)
async def test_the_code_as_people_type_it(site: Site, given: str) -> None:
    status, _, _ = await site.token(headers=site.coded(given))
    assert status == 201


@pytest.mark.parametrize("given", [CODE[:-1], CODE + "s", "x", "é", "0" * 5000])
async def test_a_wrong_code(site: Site, given: str) -> None:
    status, body, _ = await site.token(headers=site.coded(given))
    assert (status, body["error"]) == (401, "code_wrong")


@pytest.mark.parametrize("given", ["", "-", "   "])
async def test_no_code_is_not_a_wrong_one(site: Site, given: str) -> None:
    for _ in range(10):
        status, body, _ = await site.token(headers=site.coded(given))
        assert (status, body["error"]) == (401, "code_required")


async def test_lockout_recovers_and_grows(site: Site) -> None:
    for _ in range(4):
        status, body, _ = await site.token(headers=site.coded("wrong"))
        assert (status, body["error"]) == (401, "code_wrong")
    status, body, headers = await site.token(headers=site.coded("wrong"))
    assert (status, body["error"], headers["Retry-After"]) == (429, "too_many", "30")
    assert "30 seconds" in body["message"]
    status, _, _ = await site.token(headers=site.coded())
    assert status == 429, "the right code waits too, or guessing would go on"
    status, _, _ = await site.token()
    assert status == 201, "the page on this machine is not touched by who guesses there"
    site.clock.now += 30
    for _ in range(5):
        status, _, headers = await site.token(headers=site.coded("wrong"))
    assert (status, headers["Retry-After"]) == (429, "60")
    site.clock.now += 60
    status, _, _ = await site.token(headers=site.coded())
    assert status == 201
    for _ in range(4):
        status, _, _ = await site.token(headers=site.coded("wrong"))
        assert status == 401, "a right code wipes the slate"


async def test_rate_limit_is_per_address_and_recovers(site: Site) -> None:
    statuses = [(await site.token())[0] for _ in range(31)]
    assert statuses == [201] * 30 + [429]
    status, body, headers = await site.token()
    assert (status, body["error"], headers["Retry-After"]) == (429, "too_many", "2")
    connector = aiohttp.TCPConnector(local_addr=("127.0.0.9", 0))
    async with aiohttp.ClientSession(site.url, connector=connector) as other:
        answer = await other.post("/api/token", json={}, headers=site.own)
        assert answer.status == 201
        # a header can't buy a new address
        forged = {**site.own, "X-Forwarded-For": "10.1.2.3", **site.coded()}
        assert (await site.token(headers=forged))[0] == 429
    site.clock.now += 2
    assert [(await site.token())[0] for _ in range(2)] == [201, 429]


async def test_a_foreign_page_cannot_use_up_the_allowance(site: Site) -> None:
    """What a browser sends blindly for a foreign page is refused uncounted."""
    blind = {"Origin": "http://evil.example", "Content-Type": "text/plain"}
    for _ in range(50):
        async with site.http.post("/api/token", data=b"{}", headers=blind) as r:
            assert r.status == 415
        async with site.http.post(
            "/api/token", json={}, headers={"Origin": site.url, "Sec-Fetch-Site": "cross-site"}
        ) as r:
            assert (r.status, (await r.json())["error"]) == (403, "origin_refused")
    assert (await site.token())[0] == 201


@pytest.mark.parametrize("where", ["cross-site", "same-site", "nonsense"])
async def test_fetch_metadata_of_a_foreign_page(site: Site, where: str) -> None:
    sent = {"Origin": site.url, "Sec-Fetch-Site": where, **site.coded()}
    status, body, _ = await site.token(headers=sent)
    assert (status, body["error"]) == (403, "origin_refused")


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/plain; application/json",
        "",
    ],
)
async def test_only_json(site: Site, kind: str) -> None:
    async with site.http.post(
        "/api/token", data=b"{}", headers={**site.own, "Content-Type": kind}
    ) as r:
        assert (r.status, (await r.json())["error"]) == (415, "not_json")


async def test_cors_is_closed(site: Site) -> None:
    preflight = {
        "Origin": "http://evil.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type,x-access-code",
        "Access-Control-Request-Private-Network": "true",
    }
    async with site.http.options("/api/token", headers=preflight) as r:
        assert r.status == 405
        assert r.headers["Allow"] == "POST"
        assert not [name for name in r.headers if name.lower().startswith("access-control")]
    for path in ("/", "/api/status", "/healthz"):
        async with site.http.get(path, headers={"Origin": "http://evil.example"}) as r:
            assert not [name for name in r.headers if name.lower().startswith("access-control")]


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:{port}",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "10.9.8.7:{port}",
        "[fe80::1]",
        "0.0.0.0:{port}",
        "localhost:{port}@evil.example",
        "local host",
        "localhost:99999999",
        "ｌｏｃａｌｈｏｓｔ",
    ],
)
@pytest.mark.parametrize("path", ["/api/token", "/", "/api/status", "/healthz"])
async def test_dns_rebinding(site: Site, host: str, path: str) -> None:
    sent = host.format(port=site.port)
    method = "POST" if path == "/api/token" else "GET"
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    body = b"{}" if method == "POST" else b""
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: {sent}\r\nOrigin: http://{sent}\r\n"
        f"X-Access-Code: {CODE}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    writer.write(head.encode() + body)
    answer = await reader.read()
    writer.close()
    assert answer.startswith((b"HTTP/1.1 403 ", b"HTTP/1.1 400 ", b"HTTP/1.0 400 ")), answer
    assert sent.encode() not in answer, "a foreign name is not repeated"


async def test_two_hosts_and_none(site: Site) -> None:
    for lines in (b"Host: localhost\r\nHost: evil.example\r\n", b""):
        reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
        writer.write(b"GET /healthz HTTP/1.1\r\n" + lines + b"Connection: close\r\n\r\n")
        answer = await reader.read()
        writer.close()
        assert answer.startswith((b"HTTP/1.1 403 ", b"HTTP/1.1 400 ", b"HTTP/1.0 400 ")), answer


async def test_names_that_settings_give(start: Start) -> None:
    site = await start(
        network={"address": "192.0.2.77"}, livekit={"public_url": "wss://talk.example.org/lk"}
    )
    for host in ("192.0.2.77", "talk.example.org"):
        sent = {"Host": host, "Origin": f"https://{host}", **site.coded()}
        status, body, _ = await site.token(headers=sent)
        assert status == 201
        assert body["server_url"] == "wss://talk.example.org/lk"
        assert (await site.token(headers={"Host": host, "Origin": f"https://{host}"}))[0] == 401


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("ws://127.0.0.1:17880", "ws://127.0.0.1:17880"),
        ("ws://livekit:7999", "ws://127.0.0.1:7999"),  # a service among containers
        ("ws://livekit", "ws://127.0.0.1:80"),
        ("wss://livekit.example.org/", "wss://livekit.example.org"),
        ("ws://192.0.2.40:7880", "ws://192.0.2.40:7880"),
    ],
)
async def test_a_livekit_server_that_is_not_ours(start: Start, url: str, expected: str) -> None:
    site = await start(livekit={"url": url})
    assert (await site.token())[1]["server_url"] == expected
    async with site.http.get("/") as r:
        assert expected in r.headers["Content-Security-Policy"].split("connect-src")[1]


async def test_behind_a_tls_proxy_livekit_is_on_the_pages_origin(start: Start) -> None:
    site = await start(network={"address": "192.0.2.77"})
    sent = {"Host": "192.0.2.77", "Origin": "https://192.0.2.77", **site.coded()}
    assert (await site.token(headers=sent))[1]["server_url"] == "wss://192.0.2.77"
    sent = {"Host": "192.0.2.77:8443", "X-Forwarded-Proto": "https", **site.coded()}
    assert (await site.token(headers=sent))[1]["server_url"] == "wss://192.0.2.77:8443"
    sent = {"Host": "192.0.2.77", "Origin": "https://evil.example", **site.coded()}
    assert (await site.token(headers=sent))[1]["server_url"] == "ws://192.0.2.77:7880"
