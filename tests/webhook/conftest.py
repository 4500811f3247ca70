"""Webhooks signed as livekit-server signs them, and a real livekit-server that sends some."""

import base64
import datetime
import hashlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from livekit import api

from ..livekit_server import livekit_server

KEY, SECRET = "earshot-test", "s" * 43


def signed(
    body: bytes,
    key: str = KEY,
    secret: str = SECRET,
    ttl_s: float = 300,
    sha256: str | None = None,
) -> str:
    """The header Authorization of a webhook."""
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    token = api.AccessToken(key, secret).with_ttl(datetime.timedelta(seconds=ttl_s))
    return token.with_sha256(digest if sha256 is None else sha256).to_jwt()


def body_of(event: str = "room_started", **fields: Any) -> bytes:
    room = {"sid": "RM_1", "name": "lobby", "creationTimeMs": "1700000000000"}
    told = {"event": event, "id": "EV_1", "createdAt": "1700000000", "room": room, **fields}
    return json.dumps(told).encode()


Serve = Callable[[str], AbstractAsyncContextManager[str]]


@pytest.fixture
def livekit(tmp_path: Path) -> Serve:
    """`async with livekit(webhook_url) as url`: a livekit-server that tells that address."""

    @asynccontextmanager
    async def serve(webhook: str) -> AsyncIterator[str]:
        told = {"api_key": KEY, "urls": [webhook]}
        with livekit_server(tmp_path, {KEY: SECRET}, webhook=told) as url:
            yield url

    return serve
