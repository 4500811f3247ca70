"""A request to livekit-server, and what its failure means: one error of `earshot.errors`.

Does not know which server it is (`connection`), nor what is asked.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import aiohttp
from livekit import api

from ..errors import MissingError, OperatorError, RefusedError, UnreachableError
from .connection import Connection

T = TypeVar("T")

TIMEOUT_S = 15.0
"""For all requests of a command; livekit-server itself waits up to 10 s for a service behind it."""
_SERVICES = {"egress": "Egress", "ingress": "Ingress", "sip": "SIP"}


def run(
    connection: Connection,
    work: Callable[[api.LiveKitAPI], Awaitable[T]],
    *,
    service: str = "",
    timeout_s: float = TIMEOUT_S,
) -> T:
    """Does the work on a server, and returns what it returns.

    Args:
        service: what must be there beside livekit-server: `egress`, `ingress` or `sip`.

    Raises:
        OperatorError: it failed; see `reach`.
    """

    async def ask() -> T:
        async with reach(connection, service=service, timeout_s=timeout_s) as server:
            return await work(server)

    return asyncio.run(ask())


@asynccontextmanager
async def reach(
    connection: Connection, *, service: str = "", timeout_s: float = TIMEOUT_S
) -> AsyncIterator[api.LiveKitAPI]:
    """The server, whose failures inside the block become errors of ours.

    Raises:
        MissingError: what was asked for is not there.
        RefusedError: the key or the token is not taken.
        UnreachableError: the server, or the service behind it, does not answer.
        OperatorError: any other refusal, in the server's words.
    """
    where = f"livekit-server {connection.url} ({connection.origin})"
    try:
        # no failover: it would ask the server for other servers
        async with api.LiveKitAPI(
            connection.http_url,
            connection.api_key,
            connection.api_secret,
            failover=False,
        ) as server:
            # the client's own limit is lost in its requests, which pass `timeout=None` on
            async with asyncio.timeout(timeout_s):
                yield server
    except api.ServerError as e:
        raise _meaning(e, where, connection, service) from e
    except aiohttp.ClientConnectorCertificateError as e:
        raise UnreachableError(
            f"{where}: its certificate is not trusted; SSL_CERT_FILE names a file of the"
            f" authorities that are: {e.certificate_error}"
        ) from e
    except aiohttp.ClientConnectorError as e:
        raise UnreachableError(f"{where} does not answer: {e.os_error.strerror or e}") from e
    except TimeoutError as e:
        if service:
            raise UnreachableError(_no_service(where, service)) from e
        raise UnreachableError(f"{where} did not answer within {timeout_s:g} s") from e
    except aiohttp.ClientError as e:
        raise UnreachableError(f"{where}: {e or type(e).__name__}") from e


def _meaning(
    error: api.ServerError, where: str, connection: Connection, service: str
) -> OperatorError:
    message = str(error) if isinstance(error, api.SipCallError) else error.message
    message = message.removeprefix("twirp error unknown: ") or error.code
    if error.status in (401, 403):
        # an unknown key comes as a bare 401, a missing permission with its own words
        if error.code == "unknown":
            return RefusedError(
                f"{where} does not take the key {connection.api_key!r}: unknown there, or its "
                "secret is another"
            )
        return RefusedError(f"{where}: {message}")
    if "redis required" in message:
        part = _SERVICES.get(service, "this")
        return UnreachableError(
            f"{where} runs without redis, which {part} needs: install redis-server and start"
            f" `earshot up` again, or {_compose(service)}"
        )
    if service and _unanswered(error):
        return UnreachableError(_no_service(where, service))
    if error.code == api.ServerErrorCode.NOT_FOUND:
        return MissingError(message)
    if error.status == 404 or error.code == api.ServerErrorCode.BAD_ROUTE:
        return UnreachableError(f"{where} is no livekit-server, or too old a one: {message}")
    if error.code in (api.ServerErrorCode.UNAVAILABLE, api.ServerErrorCode.DEADLINE_EXCEEDED):
        behind = f" ({_SERVICES[service]} service)" if service else ""
        return UnreachableError(f"{where}{behind}: {message}")
    return OperatorError(message)


def _unanswered(error: api.ServerError) -> bool:
    words = ("no response from servers", "no servers available")
    return any(text in error.message for text in words)


def _no_service(where: str, service: str) -> str:
    part = _SERVICES[service]
    return f"no {part} service answers {where}, over redis: start both by {_compose(service)}"


def _compose(service: str) -> str:
    if service == "ingress":  # compose.yaml has no service for it
        return "docker compose up -d, with livekit/ingress beside it"
    return f"docker compose --profile {service} up -d" if service else "docker compose up -d"
