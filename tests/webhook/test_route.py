"""The worker's side: webhooks come in on the page's port, and only livekit-server's."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import structlog
import yaml
from earshot.credentials import Credentials
from earshot.settings import WEBHOOK_PATH, Settings
from earshot.up import plan
from earshot.web.app import build_app
from earshot.web.server import serve
from earshot.webhook import receive
from livekit import api

from ..livekit_server import free_port
from .conftest import KEY, SECRET, body_of, signed

CREDENTIALS = Credentials(
    api_key=KEY, api_secret=SECRET, access_code="abcd-efgh-jkmn-pqrs", redis_password="r" * 43
)
BODY = body_of()
Post = Callable[..., Any]


@asynccontextmanager
async def site(
    tmp_path: Path, *, take: bool = True, **settings: Any
) -> AsyncIterator[tuple[Post, list[str]]]:
    """`post(body, authorization, **headers)` -> status, body; and the events that were taken."""
    (tmp_path / "index.html").write_text("<p>hello</p>")
    made = Settings.model_validate({"network": {"page_port": free_port()}, **settings})
    got: list[str] = []

    def tell(event: api.WebhookEvent) -> None:
        got.append(event.event)

    async def status() -> dict[str, Any]:
        return {}

    app = build_app(made, CREDENTIALS, status, static=tmp_path, on_webhook=tell if take else None)
    async with serve(app, made.network) as urls, aiohttp.ClientSession(urls[0]) as http:

        async def post(body: bytes, authorization: str = "", **headers: str) -> tuple[int, Any]:
            sent = {
                "Authorization": authorization,
                "Content-Type": "application/webhook+json",
                **headers,
            }
            async with http.post(WEBHOOK_PATH, data=body, headers=sent) as r:
                return r.status, await r.json()

        yield post, got


async def test_taken_under_any_name_of_ours(tmp_path: Path) -> None:
    async with site(tmp_path) as (post, got):
        assert await post(BODY, signed(BODY)) == (200, {"status": "ok"})
        # as a container calls us
        assert (await post(BODY, signed(BODY), Host="worker:8080"))[0] == 200
    assert got == ["room_started"] * 2


async def test_more_than_the_page_takes(tmp_path: Path) -> None:
    large = body_of(participant={"sid": "PA_1", "metadata": "x" * 100_000})
    async with site(tmp_path) as (post, got):
        assert (await post(large, signed(large)))[0] == 200
        too_large = b"x" * (receive.BODY_BYTES_MAX + 1)
        status, told = await post(too_large, signed(too_large))
    assert (status, told["error"], got) == (413, "webhook_refused", ["room_started"])


async def test_a_stranger_learns_nothing_and_fills_no_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # a logger that was used before keeps the processors of that time
    monkeypatch.setattr("earshot.web.app._log", structlog.get_logger("earshot.web"))
    with structlog.testing.capture_logs() as logs:
        async with site(tmp_path) as (post, got):
            for _ in range(5):
                status, told = await post(BODY, signed(BODY, key="his-own\nkey"))
                assert (status, got) == (401, [])
                assert KEY not in str(told)
    warnings = [log for log in logs if log["log_level"] == "warning"]
    assert [log["event"] for log in warnings] == ["a webhook was refused"]
    assert "his-own" not in str(logs)


async def test_only_this_machine_unless_the_server_is_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from earshot.web.hosts import address_of

    monkeypatch.setattr(receive, "address_of", lambda text: address_of("10.0.0.9"))
    async with site(tmp_path) as (post, got):
        assert (await post(BODY, signed(BODY)))[0] == 403
    async with site(tmp_path, livekit={"url": "ws://livekit:7880"}) as (post, got):
        assert (await post(BODY, signed(BODY)))[0] == 200
        assert (await post(BODY, ""))[0] == 401
        monkeypatch.setattr(receive, "address_of", lambda text: address_of("8.8.8.8"))
        assert (await post(BODY, signed(BODY)))[0] == 403


async def test_not_there_when_no_calls_are_logged(tmp_path: Path) -> None:
    async with site(tmp_path, take=False) as (post, got):
        assert (await post(BODY, signed(BODY)))[0] == 404


@pytest.mark.parametrize(
    ("settings", "urls"),
    [
        ({}, [WEBHOOK_PATH]),
        ({"calls": {"enabled": False}}, []),
        ({"livekit": {"webhooks": ["https://crm.test/x"]}}, [WEBHOOK_PATH, "https://crm.test/x"]),
    ],
)
def test_what_the_server_of_up_is_told(tmp_path: Path, settings: Any, urls: list[str]) -> None:
    group = {"redis": "off", **settings.get("livekit", {})}
    made = plan.prepare(
        Settings.model_validate({"state_dir": tmp_path, **settings, "livekit": group}),
        auto_ports=True,
    )
    told = yaml.safe_load((tmp_path / "run" / "livekit.yaml").read_text())["webhook"]
    page = f"http://127.0.0.1:{made.endpoints.ports['page_port']}"
    assert told.get("urls", []) == [page + u if u.startswith("/") else u for u in urls]
    assert told.get("api_key", made.credentials.api_key) == made.credentials.api_key
