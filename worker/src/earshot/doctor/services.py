"""Checks of what runs: processes, redis, engine, livekit-server, the page."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp

from ..engine import probe as engine_probe
from ..errors import EngineError
from ..progress import size
from ..up import probes, report
from .finding import Finding, green, red, yellow
from .target import Target

WITHIN_S = 5.0
SETTLED_S = 600.0
"""a service that was started anew within this time is told of"""


async def stack(target: Target) -> AsyncIterator[Finding]:
    assert target.state_dir is not None
    if not target.running or target.endpoints is None:
        where = f"no `earshot up` runs with {target.state_dir}"
        yield red("stack", "not_running", where)
        return
    services = report.recall(target.state_dir / "run")
    down = [f"{n} {s.state}{f': {s.why}' if s.why else ''}"
            for n, s in services.items() if s.state != "ready"]  # fmt: skip
    fresh = [f"{n}: {s.restarts} times" for n, s in services.items()
             if s.restarts and time.time() - s.since < SETTLED_S]  # fmt: skip
    if down:
        starting = all(s.state in ("ready", "starting") for s in services.values())
        cause = "service_starting" if starting else "service_down"
        yield red("stack", cause, "; ".join(down))
    elif fresh:
        yield yellow("stack", "service_restarts", "started anew: " + "; ".join(fresh))
    else:
        yield green("stack", f"{', '.join(services)}: ready")


async def redis(target: Target) -> AsyncIterator[Finding]:
    assert target.endpoints is not None and target.credentials is not None
    where = target.endpoints.redis
    if not where:
        theirs = target.settings is not None and target.settings.livekit.url
        said = (
            "livekit-server's own (livekit.url is set)" if theirs else "a single node runs without"
        )
        yield green("redis", said)
        return
    try:
        async with asyncio.timeout(WITHIN_S):
            port = int(where.rpartition(":")[2])
            why = await probes.redis(port, target.credentials.redis_password)()
    except (probes.NoAnswerError, TimeoutError) as e:
        yield red("redis", "redis_down", f"{where}: {e or 'no answer'}")
        return
    if "WRONGPASS" in why or "NOAUTH" in why:
        yield red("redis", "redis_password", f"{where}: the password is refused")
    elif why:
        yield red("redis", "redis_down", f"{where}: {why}")
    else:
        yield green("redis", f"{where}: PONG, with its password")


async def engine(target: Target) -> AsyncIterator[Finding]:
    assert target.endpoints is not None
    socket = Path(target.endpoints.engine)
    nobody = not await asyncio.to_thread(socket.exists)
    try:
        found = await engine_probe.status(socket, timeout_s=WITHIN_S)
    except EngineError as e:
        yield red("engine", "engine_down", f"{socket} is not there" if nobody else str(e))
        return
    if not found.health.serving:
        yield red("engine", "engine_down", found.health.reason)
        return
    yield green(
        "engine",
        f"{found.profile}: {', '.join(m.name for m in found.models)}; {size(found.pss_bytes)}"
        f" memory, {found.cores} cores",
    )


async def livekit(target: Target) -> AsyncIterator[Finding]:
    url = target.livekit or (target.ticket.url if target.ticket else "")
    if not url and target.endpoints and target.kind == "up":
        url = target.endpoints.livekit
    if not url:
        yield red("livekit", "livekit_down", "its address is not known without the page")
        return
    target.livekit = url
    status, body, _ = await get(f"http{url.removeprefix('ws')}/")
    if status == 0:
        yield red("livekit", "livekit_down", f"{url}: {body}")
    elif status != 200:
        yield red("livekit", "livekit_unwell", f"{url}: HTTP {status}")
    else:
        yield green("livekit", f"{url}: well")


async def page(target: Target) -> AsyncIterator[Finding]:
    status, body, _ = await get(f"{target.page}/readyz")
    told = _json(body)
    if status == 0:
        yield red("page", "page_down", f"{target.page}: {body}")
    elif status == 403:
        yield red("page", "page_refuses", f"{target.page}: {told.get('message', '')}")
    elif status == 200:
        yield green("page", f"{target.page}: a caller would be answered")
    elif status == 503:
        why = str(told.get("reason") or told.get("message") or "not ready")
        cause = "no_worker" if await _unregistered(target.page) else "not_ready"
        yield red("page", cause, f"{target.page}: {why}")
    else:
        yield red("page", "page_down", f"{target.page}: HTTP {status}; is this Earshot's page?")


async def origin(target: Target) -> AsyncIterator[Finding]:
    """Where do browsers give the page a microphone?"""
    lan = target.endpoints.page_lan if target.endpoints else ""
    page = lan or target.page
    parts = urlsplit(page)
    if parts.scheme == "https" or parts.hostname in ("127.0.0.1", "localhost", "::1"):
        yield green("microphone", f"{page}: browsers give it a microphone")
    else:
        yield yellow("microphone", "insecure_origin", f"{page} is neither https nor localhost")


async def _unregistered(page: str) -> bool:
    _, body, _ = await get(f"{page}/api/status")
    state = _json(body)
    return state.get("engine") == "ready" and state.get("livekit") == "down"


async def get(
    url: str, headers: dict[str, str] | None = None, most_bytes: int = 4096
) -> tuple[int, str, float | None]:
    """Status, the beginning of the text, and the server's clock (seconds since 1970).

    Status 0: nobody answered; the text says why.
    """
    # the certificate of a site's own authority is for browsers to judge; no secret is sent here
    connector = aiohttp.TCPConnector(ssl=False)
    timeout = aiohttp.ClientTimeout(total=WITHIN_S)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, connector=connector) as http,
            http.get(url, headers=headers, allow_redirects=False) as response,
        ):
            data = b""
            while len(data) < most_bytes and (chunk := await response.content.readany()):
                data += chunk
            text = data[:most_bytes].decode(errors="replace")
            return response.status, text, _date(response.headers.get("Date", ""))
    except TimeoutError:
        return 0, f"no answer within {WITHIN_S:.0f} s", None
    except aiohttp.ClientConnectorError as e:
        return 0, (e.os_error.strerror or str(e.os_error)).lower(), None
    except (aiohttp.ClientError, ValueError, OSError) as e:
        return 0, str(e) or type(e).__name__, None


def _date(text: str) -> float | None:
    from email.utils import parsedate_to_datetime

    try:
        return parsedate_to_datetime(text).timestamp()
    except ValueError:
        return None


def _json(text: str) -> dict[str, object]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
