"""State, health, errors, headers and the log."""

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestClient, TestServer
from earshot import log
from earshot.settings import LogSettings
from earshot.web.app import build_app
from earshot.web.limits import Limits
from earshot.web.state import State

from .conftest import CODE, CREDENTIALS, READY, Clock, Site, Start, settings_of


async def test_state_and_health(site: Site) -> None:
    async with site.http.get("/api/status") as r:
        assert (r.status, await r.json()) == (200, READY)
        assert r.headers["Cache-Control"] == "no-store"
    for path in ("/healthz", "/readyz"):
        async with site.http.get(path) as r:
            assert r.status == 200
        async with site.http.head(path) as r:
            assert (r.status, await r.read()) == (200, b"")


@pytest.mark.parametrize(
    ("state", "why"),
    [
        ({"ready": False, "engine": "restarting", "livekit": "ready"}, "The engine is restarting"),
        ({"ready": False, "engine": "ready", "livekit": "down"}, "livekit-server is not reached."),
        ({"ready": False, "engine": "ready", "livekit": "ready"}, "The worker is not connected"),
        ({"ready": False, "engine": "ready", "stopping": True}, "Earshot is being stopped"),
        ({}, "The engine is down"),
    ],
)
async def test_not_ready_says_why(site: Site, state: dict[str, Any], why: str) -> None:
    site.state.clear()
    site.state.update(state)
    async with site.http.get("/readyz") as r:
        body = await r.json()
        assert (r.status, body["error"], r.headers["Retry-After"]) == (503, "unavailable", "2")
        assert body["message"].startswith(why)
    async with site.http.get("/healthz") as r:
        assert r.status == 200


async def test_no_token_without_livekit(site: Site) -> None:
    site.state["livekit"] = "down"
    status, body, headers = await site.token()
    assert (status, body["error"], headers["Retry-After"]) == (503, "unavailable", "5")
    site.state.update(livekit="ready", engine="restarting", ready=False)
    site.clock.now += 1
    assert (await site.token())[0] == 201, "the agent itself says that it needs a moment"


async def test_no_token_while_it_is_stopped(site: Site) -> None:
    site.state.update(stopping=True, ready=False)
    status, body, _ = await site.token()
    assert (status, body["error"]) == (503, "unavailable")
    assert body["message"].startswith("Earshot is being stopped")


async def test_a_state_that_never_comes_is_told_in_time(page: Path) -> None:
    asked = 0

    async def never() -> dict[str, Any]:
        nonlocal asked
        asked += 1
        await asyncio.Event().wait()
        return {}

    app = build_app(settings_of(), CREDENTIALS, never, static=page, limits=Limits(status_s=0.05))
    async with TestClient(TestServer(app)) as http:
        for answer in await asyncio.gather(*(http.get("/api/status") for _ in range(20))):
            assert (answer.status, (await answer.json())["error"]) == (503, "unavailable")
        assert asked == 1
        assert (await http.get("/readyz")).status == 503
        assert (await http.get("/healthz")).status == 200


async def test_the_state_is_asked_once_a_moment_and_failures_are_told() -> None:
    clock = Clock()
    answers: list[dict[str, Any] | Exception] = [{"n": 1}, OSError("socket"), {"n": 3}]

    async def status() -> dict[str, Any]:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    state = State(status, timeout_s=1, age_s=1, clock=clock)
    assert await asyncio.gather(state.get(), state.get(), state.get()) == [{"n": 1}] * 3
    assert await state.get() == {"n": 1}
    clock.now += 1
    assert [await state.get(), await state.get()] == [None, None]
    clock.now += 1
    assert await state.get() == {"n": 3}
    await state.close()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/token", 405),
        ("PUT", "/api/token", 405),
        ("OPTIONS", "/api/token", 405),
        ("POST", "/api/status", 405),
        ("POST", "/healthz", 405),
        ("GET", "/api/nothing", 404),
        ("GET", "/api/", 404),
        ("GET", "/nothing", 404),
        ("POST", "/", 405),
        ("DELETE", "/index.html", 405),
    ],
)
async def test_errors_have_one_form(site: Site, method: str, path: str, status: int) -> None:
    async with site.http.request(method, path) as r:
        text = await r.text()
        assert (r.status, text.count("\n")) == (status, 1)
        if path.startswith(("/api/", "/healthz")):
            assert set(json.loads(text)) == {"error", "message"}
        else:
            assert r.content_type == "text/plain"
            assert text.startswith(f"{status}: ")


async def test_a_bug_is_told_without_a_trace(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> str:
        raise RuntimeError(f"with {CODE} inside")

    monkeypatch.setattr("earshot.web.app.mint", broken)
    status, body, _ = await site.token()
    assert (status, body["error"]) == (500, "internal")
    assert CODE not in str(body)


async def test_headers_on_every_answer(site: Site) -> None:
    answers = [
        await site.http.get("/"),
        await site.http.get("/js/main.js"),
        await site.http.get("/nothing"),
        await site.http.get("/api/status"),
        await site.http.get("/healthz"),
        await site.http.post("/api/token", json={}, headers=site.own),
        await site.http.post("/api/token", json={}),
        await site.http.options("/api/token"),
        await site.http.get("/", headers={"Host": "evil.example"}),
        await site.http.get("/", headers={"X-Long": "x" * 9000}),
    ]
    assert [r.status for r in answers] == [200, 200, 404, 200, 200, 201, 401, 405, 403, 400]
    for r in answers:
        assert r.headers["X-Content-Type-Options"] == "nosniff"
        assert r.headers["Referrer-Policy"] == "no-referrer"
        assert r.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert r.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "microphone=(self)" in r.headers["Permissions-Policy"]
        assert "camera=()" in r.headers["Permissions-Policy"]
        assert r.headers["Server"] == "earshot"
        assert "Strict-Transport-Security" not in r.headers
        assert "Set-Cookie" not in r.headers
        assert r.headers["Cache-Control"] in ("no-cache", "no-store")
        csp = dict(part.split(" ", 1) for part in r.headers["Content-Security-Policy"].split("; "))
        for name in ("default-src", "frame-ancestors", "base-uri", "form-action"):
            assert csp[name] == "'none'"
        for name in ("script-src", "style-src", "font-src"):
            assert csp[name] == "'self'"
        assert "unsafe" not in r.headers["Content-Security-Policy"]
        r.release()


@pytest.mark.parametrize(
    ("host", "livekit", "sources"),
    [
        ("127.0.0.1:{port}", "", ["ws://127.0.0.1:7880", "http://127.0.0.1:7880"]),
        ("[::1]:{port}", "", ["ws://127.0.0.1:7880", "http://127.0.0.1:7880"]),
        ("localhost", "", ["ws://localhost:7880", "http://localhost:7880", "wss://localhost"]),
        ("127.0.0.1:{port}", "wss://a.example/lk", ["wss://a.example", "https://a.example"]),
    ],
)
async def test_the_page_may_reach_livekit_and_nothing_else(
    start: Start, host: str, livekit: str, sources: list[str]
) -> None:
    site = await start(livekit={"public_url": livekit})
    async with site.http.get("/", headers={"Host": host.format(port=site.port)}) as r:
        csp = dict(part.split(" ", 1) for part in r.headers["Content-Security-Policy"].split("; "))
        assert csp["connect-src"].split() == ["'self'", *sources]


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """What is logged, at the chattiest level, by everything."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    log.configure(LogSettings(level="debug", format="json"))
    stream = io.StringIO()
    handler = root.handlers[0]
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(stream)
    try:
        yield stream
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)


async def test_no_secret_is_logged(
    start: Start, logged: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = await start()
    _, body, _ = await site.token(
        headers=site.coded(), **{"params": {"access_token": "qqqq-token"}}
    )
    token = body["participant_token"]
    await site.token({"participant_name": "Mallory\nforged", "room_name": "my-room"})
    await site.http.get(f"/{CODE}", headers={"X-Access-Code": CODE, "Authorization": token})
    await site.http.get("/", params={"code": CODE, "token": token})
    await site.http.request(CODE.replace("-", "").upper(), "/")
    for _ in range(6):
        await site.token(headers=site.coded("guess-guess"))
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write(f"{CODE} {token}\r\n\r\n".encode())
    await reader.read()
    writer.close()

    def broken(*_: object) -> str:
        raise RuntimeError(f"{token} {CODE}")

    monkeypatch.setattr("earshot.web.app.mint", broken)
    await site.token()
    text = logged.getvalue()
    for secret in (
        CODE,
        CODE.replace("-", ""),
        CODE.replace("-", "").upper(),
        token,
        CREDENTIALS.api_secret,
        CREDENTIALS.redis_password,
        "qqqq-token",
        "guess-guess",
        "Mallory",
        "my-room",
    ):
        assert secret not in text
    records = [json.loads(line) for line in text.splitlines()]
    lines = [record for record in records if record["event"] == "request"]
    assert {"method", "path", "status", "ms", "address"} <= set(lines[0])
    assert {line["path"] for line in lines} == {"/", "/api/token", "other"}
    warned = [record for record in records if record["event"] == "too many wrong access codes"]
    assert [(r["level"], r["address"], r["locked_s"]) for r in warned] == [
        ("warning", "127.0.0.1", 30)
    ]
    failed = [record for record in records if record["event"] == "a request failed"]
    assert failed[0]["error"] == "RuntimeError"
    assert "test_app.py" in failed[0]["stack"][-1]


async def test_two_applications_share_nothing(start: Start) -> None:
    one, two = await start(), await start()
    for _ in range(31):
        status, _, _ = await one.token()
    assert status == 429
    assert (await two.token())[0] == 201


async def test_a_client_that_goes_away_ends_its_request(page: Path) -> None:
    async def slow() -> dict[str, Any]:
        await asyncio.sleep(0.1)
        return READY

    app = build_app(settings_of(), CREDENTIALS, slow, static=page)
    async with TestClient(TestServer(app)) as http:
        with pytest.raises(asyncio.TimeoutError):
            await http.get("/api/status", timeout=aiohttp.ClientTimeout(total=0.01))
        assert (await http.get("/api/status")).status == 200
