"""Tokens, keys, clocks and proxies that keep a caller out, on a real livekit-server."""

import time
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from earshot.doctor.checks import AUDIO, CLOCK, KEYS, LIVEKIT, SIGNALLING, TOKEN
from earshot.doctor.examination import examine
from earshot.doctor.finding import Finding
from earshot.doctor.target import Target, of_page, of_server
from earshot.doctor.token import Claims, judge

from .conftest import SESSION, doctor
from .network import KEY, SECRET, Here, free

pytestmark = SESSION


async def found(target: Target) -> list[Finding]:
    return [f async for f in examine(target, [LIVEKIT, TOKEN, CLOCK, KEYS, SIGNALLING, AUDIO])]


async def causes(here: Here, token: str) -> dict[str, str]:
    target = of_server(here.url, "", "")
    target.token = token
    return {f.check: f.cause for f in await found(target) if f.cause}


async def test_a_good_token(here: Here) -> None:
    assert await causes(here, here.token()) == {}


@pytest.mark.parametrize(
    ("grants", "cause"),
    [
        ({"can_publish": False}, "grant_publish"),
        ({"can_subscribe": False}, "grant_subscribe"),
        ({"can_publish_sources": ["camera"]}, "grant_microphone"),
        ({"room_join": False}, "grant_join"),
        ({"can_publish_data": False}, "grant_data"),
    ],
)
async def test_a_grant_that_is_missing(here: Here, grants: dict[str, Any], cause: str) -> None:
    assert (await causes(here, here.token(**grants)))["token"] == cause


async def test_a_key_that_livekit_server_does_not_have(here: Here) -> None:
    assert await causes(here, here.token(secret="x" * 43)) == {"keys": "keys_differ"}


async def test_a_server_key_of_another_name(here: Here) -> None:
    target = of_server(here.url, "somebody-else", SECRET)
    assert {f.check: f.cause for f in await found(target) if f.cause} == {"keys": "keys_differ"}


async def test_a_token_of_a_clock_that_is_ahead(here: Here) -> None:
    assert await causes(here, here.token(begins_in_s=600)) == {"token": "clock_skew"}
    # livekit-server says the same to somebody whose own clock is wrong
    target = of_server(here.url, "", "")
    target.token = here.token(begins_in_s=600)
    claims = Claims.of(target.token)
    assert claims is not None
    assert judge(claims, now=time.time() + 700)[0].colour == "green"


async def test_a_token_that_is_over(here: Here) -> None:
    assert await causes(here, here.token(begins_in_s=-3600)) == {"token": "token_expired"}


@pytest.mark.parametrize(("shift_s", "cause"), [(600, "clock_skew"), (-3600, "token_expired")])
async def test_what_livekit_server_says_of_the_clock(
    here: Here, shift_s: float, cause: str
) -> None:
    """Without our own look at the token."""
    target = of_server(here.url, "", "")
    target.token = here.token(begins_in_s=shift_s)
    async for _ in TOKEN.run(target):
        pass
    said = [f async for f in KEYS.run(target)]
    assert [f.cause for f in said] == [cause]
    assert target.token not in said[0].said


async def test_what_is_no_token(here: Here) -> None:
    assert await causes(here, "hello") == {"token": "token_unreadable"}


async def test_the_command_takes_a_token_from_a_file(here: Here, tmp_path: Path) -> None:
    token = here.token(can_publish=False)
    result = await doctor(
        "--json", "--url", here.url, "--token-file", "-", "--no-call", given=f"{token}\n"
    )
    assert result.findings["token"]["cause"] == "grant_publish"
    assert result.status == 1
    assert token not in result.output
    result = await doctor("--url", here.url, "--token-file", str(tmp_path / "none"))
    assert (result.status, result.output) == (2, "")
    assert result.errors.startswith("earshot: --token-file")


class Proxy:
    """Stands before livekit-server, and does what it should not."""

    def __init__(self, url: str, date: str = "", upgrade: bool = True) -> None:
        self._url, self._date, self._upgrade = url.replace("ws", "http", 1), date, upgrade

    async def __aenter__(self) -> str:
        app = web.Application()
        app.router.add_get("/{path:.*}", self._pass)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        port = free()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        return f"ws://127.0.0.1:{port}"

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _pass(self, request: web.Request) -> web.Response:
        import aiohttp

        headers = {"Authorization": request.headers.get("Authorization", "")}
        async with (
            aiohttp.ClientSession() as http,
            http.get(f"{self._url}{request.path_qs}", headers=headers) as answer,
        ):
            text = await answer.text()
        date = self._date or formatdate(usegmt=True)
        return web.Response(status=answer.status, text=text, headers={"Date": date})


async def test_a_proxy_that_passes_no_websocket_on(here: Here) -> None:
    async with Proxy(here.url) as url:
        target = of_server(url, KEY, SECRET)
        assert {f.check: f.cause for f in await found(target) if f.cause} == {
            "signalling": "websocket_blocked"
        }


async def test_a_clock_that_is_wrong(here: Here) -> None:
    async with Proxy(here.url, formatdate(time.time() + 300, usegmt=True)) as url:
        target = of_server(url, KEY, SECRET)
        clock = next(f for f in await found(target) if f.check == "clock")
    assert (clock.cause, clock.colour) == ("clock_skew", "red")
    assert "s ahead of this one" in clock.said


async def test_nobody_there() -> None:
    target = of_server(f"ws://127.0.0.1:{free()}", KEY, SECRET)
    assert {f.check: f.cause for f in await found(target) if f.cause} == {"livekit": "livekit_down"}
    target = of_page(f"http://127.0.0.1:{free()}")
    said = [f async for f in examine(target, [TOKEN])]
    assert [f.cause for f in said] == ["page_down"]
