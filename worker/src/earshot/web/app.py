"""The web application: routes, and what holds for every request.

    POST /api/token    a token for a call (`tokens.py`), to whoever the gate lets in (`gate.py`)
    GET  /api/status   the state of the stack
    POST /api/webhook  what livekit-server tells of calls, for the call log
    GET  /healthz      this process answers
    GET  /readyz       a caller would be answered; else 503 and why
    GET  /…            the page

Errors are `{"error": code, "message": one line for people}`; for a page's path, a line of text. The
log has a line for each request, in which nothing is the caller's but the address: a path is named
only if it is one of ours, and no query, header or body is.
"""

import asyncio
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler
from livekit import api

from ..credentials import Credentials
from ..errors import WebhookRefusedError
from ..settings import WEBHOOK_PATH, Settings
from ..webhook.receive import Receiver
from ..webhook.verify import Verifier
from . import headers
from .assets import Assets
from .gate import CLIENT, Gate, client
from .hosts import Host, Hosts, address_of, is_loopback
from .limits import Clock, Limits, Rooms
from .proxies import Proxies
from .refusal import Refusal, from_http
from .state import State, Status
from .tokens import TTL, TokenRequest, mint

STATIC = Path(__file__).parent / "static"
_HOST = web.RequestKey("host", Host)
_log = structlog.get_logger("earshot.web")


def build_app(
    settings: Settings,
    credentials: Credentials,
    status: Status,
    *,
    static: Path = STATIC,
    limits: Limits | None = None,
    clock: Clock = time.monotonic,
    on_webhook: Callable[[api.WebhookEvent], None] | None = None,
) -> web.Application:
    """The application, which keeps all its state to itself.

    Args:
        status: tells the state of the stack, as `/api/status` shows it.
        on_webhook: gets livekit-server's events once they are verified; None: they are not taken.
        static: the page's files.
        clock: seconds, monotonic.
    """
    limits = limits or Limits()
    site = _Site(settings, credentials, status, static, limits, clock)
    app = web.Application(middlewares=[site.guard], client_max_size=limits.body_bytes_max)
    app.on_response_prepare.append(site.finish)
    app.on_cleanup.append(site.close)
    app.router.add_post("/api/token", site.token)
    app.router.add_get("/api/status", site.api_status)
    if on_webhook is not None:
        app.router.add_post(WEBHOOK_PATH, site.webhook_to(on_webhook))
    app.router.add_get("/healthz", site.healthz)
    app.router.add_get("/readyz", site.readyz)
    app.router.add_get("/{path:(?!api/).*}", site.page)
    return app


class _Site:
    def __init__(
        self,
        settings: Settings,
        credentials: Credentials,
        status: Status,
        static: Path,
        limits: Limits,
        clock: Clock,
    ) -> None:
        self._credentials = credentials
        self._agent_name = settings.calls.agent_name
        self._limits = limits
        self._hosts = Hosts(settings)
        self._proxies = Proxies(settings.network.proxies)
        self._gate = Gate(credentials.access_code, limits, clock)
        keep_s = settings.calls.length_max_s + TTL.total_seconds()
        self._rooms = Rooms(keep_s, limits.rooms_max, clock)
        self._state = State(status, limits.status_s, limits.status_age_s, clock)
        self._assets = Assets(static)
        # livekit-server is on this machine, or, where it is somebody else's, in our network
        self._clock = clock
        self._warn_of_webhooks_at = -_WARN_AGAIN_S
        self._webhooks = Receiver(
            Verifier(credentials.api_key, credentials.api_secret),
            clock,
            "network" if settings.livekit.url else "machine",
        )

    async def token(self, request: web.Request) -> web.Response:
        host = request[_HOST]
        self._gate.admit(request, host)
        wanted = TokenRequest.parse(await self._body(request), self._agent_name)
        if wanted.room_chosen and not self._rooms.claim(wanted.room, _owner(request)):
            raise Refusal(
                409,
                "room_taken",
                "room_name: somebody else's call; leave it out to get a new room.",
            )
        state = await self._state.get()
        if state is not None and state.get("livekit") == "down":
            raise Refusal(
                503,
                "unavailable",
                "livekit-server is not reached, so no call can begin. Try again in a moment; "
                "`earshot status` says more.",
                retry_after_s=5,
            )
        if state is not None and state.get("stopping"):
            raise Refusal(503, "unavailable", _STOPPING, retry_after_s=5)
        return web.json_response(
            {
                "server_url": self._hosts.livekit_url(request, host),
                "participant_token": mint(wanted, self._credentials, self._agent_name),
                "room_name": wanted.room,
                "participant_identity": wanted.identity,
            },
            status=201,
        )

    async def api_status(self, request: web.Request) -> web.Response:
        return web.json_response(dict(await self._told_state()))

    def webhook_to(self, tell: Callable[[api.WebhookEvent], None]) -> Handler:
        async def webhook(request: web.Request) -> web.Response:
            try:
                tell(await self._webhooks.receive(request))
            except WebhookRefusedError as e:
                now = self._clock()
                if now >= self._warn_of_webhooks_at:
                    self._warn_of_webhooks_at = now + _WARN_AGAIN_S
                    _log.warning("a webhook was refused", why=str(e), address=str(request.remote))
                raise Refusal(
                    e.status,
                    "webhook_refused",
                    "Not taken for a webhook of our livekit-server; the worker's log says why.",
                    close=True,  # its body may not have been read
                ) from e
            return web.json_response({"status": "ok"})

        return webhook

    async def healthz(self, request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def readyz(self, request: web.Request) -> web.Response:
        state = await self._told_state()
        if not state.get("ready"):
            raise Refusal(503, "unavailable", _why(state), retry_after_s=2)
        return web.json_response({"status": "ready"})

    async def page(self, request: web.Request) -> web.Response:
        return self._assets.respond(request)

    async def _told_state(self) -> Mapping[str, Any]:
        state = await self._state.get()
        if state is None:
            raise Refusal(
                503,
                "unavailable",
                "The worker does not tell its state. Try again in a moment.",
                retry_after_s=2,
            )
        return state

    async def _body(self, request: web.Request) -> bytes:
        most = self._limits.body_bytes_max
        too_large = Refusal(
            413, "too_large", f"The request may have {most} bytes at most.", close=True
        )
        if (request.content_length or 0) > most:
            raise too_large
        try:
            async with asyncio.timeout(self._limits.body_s):
                return await request.read()
        except web.HTTPRequestEntityTooLarge as e:
            raise too_large from e
        except TimeoutError as e:
            raise Refusal(
                408, "too_slow", "The request came too slowly. Try again.", close=True
            ) from e

    @web.middleware
    async def guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Own names only, in bounded time, and every refusal in one form."""
        began = time.monotonic()
        try:
            request[CLIENT] = await self._proxies.client(request)
            if (
                request.path != WEBHOOK_PATH
            ):  # it has a signature, and our name as containers see it
                request[_HOST] = self._hosts.checked(request)
            async with asyncio.timeout(self._limits.handler_s):
                response = await handler(request)
        except Refusal as e:
            response = e.response(request.path)
        except web.HTTPException as e:
            response = from_http(e).response(request.path)
        except TimeoutError:
            refusal = Refusal(503, "unavailable", "That took too long. Try again.", close=True)
            response = refusal.response(request.path)
        except Exception as e:
            # no values of variables: among them are codes and tokens
            _log.error("a request failed", error=type(e).__name__, stack=_stack(e))
            refusal = Refusal(500, "internal", "Something broke here. The worker's log says what.")
            response = refusal.response(request.path)
        # what watches this process asks many times a second
        tell = _log.debug if request.path in _HEALTH else _log.info
        tell(
            "request",
            method=request.method if request.method in _METHODS else "other",
            path=self._route(request),
            status=response.status,
            ms=round((time.monotonic() - began) * 1000, 1),
            address=client(request),
        )
        return response

    def _route(self, request: web.Request) -> str:
        known = request.path in _ROUTES or request.path in self._assets
        return request.path if known else "other"

    async def finish(self, request: web.Request, response: web.StreamResponse) -> None:
        host = request.get(_HOST)
        headers.secure(response, self._hosts.connect_sources(request, host) if host else ())

    async def close(self, app: web.Application) -> None:
        await self._state.close()


_WARN_AGAIN_S = 60.0
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
_HEALTH = {"/healthz", "/readyz"}
_ROUTES = {"/api/token", "/api/status", WEBHOOK_PATH} | _HEALTH


def _owner(request: web.Request) -> str:
    address = address_of(client(request))
    return "loopback" if is_loopback(address) else str(address)


_STOPPING = "Earshot is being stopped: running calls end, and no new one begins."


def _why(state: Mapping[str, Any]) -> str:
    if state.get("stopping"):
        return _STOPPING
    if state.get("engine") != "ready":
        return f"The engine is {state.get('engine', 'down')}: its models are not loaded yet."
    if state.get("livekit") == "down":
        return "livekit-server is not reached."
    return "The worker is not connected to livekit-server."


def _stack(error: BaseException) -> list[str]:
    frames = traceback.extract_tb(error.__traceback__)
    return [f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in frames[-8:]]
