"""Questions to a service. Each returns "" when it is ready, else why not; or it does not answer.

They use little beside sockets: a supervisor should be small, and must not share a fault with what
it watches.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

from ..errors import EngineError

_SLOW_S = 1.0
Probe = Callable[[], Awaitable[str]]


class NoAnswerError(Exception):
    """Nobody listens, or nothing came back."""


async def get(port: int, path: str = "/", host: str = "127.0.0.1") -> tuple[int, bytes]:
    """Status and body of an HTTP GET.

    Raises:
        NoAnswerError: no connection, or no HTTP.
    """
    request = f"GET {path} HTTP/1.0\r\nHost: {host}:{port}\r\nAccept: application/json\r\n\r\n"
    answer = await _ask(host, port, request.encode())
    head, _, body = answer.partition(b"\r\n\r\n")
    try:
        return int(head.split(maxsplit=2)[1]), body
    except (IndexError, ValueError) as e:
        raise NoAnswerError("no HTTP") from e


def http(port: int, path: str = "/", *, alive: str = "") -> Probe:
    """Ready when a GET is answered with 200; any other answer says why not.

    Args:
        alive: a path that needs nobody else. It is asked when the first has no answer in a second:
            whoever waits for others is not dead.
    """

    async def probe() -> str:
        try:
            async with asyncio.timeout(_SLOW_S if alive else None):
                status, body = await get(port, path)
        except TimeoutError:
            await get(port, alive)
            return "slow to answer"
        return "" if status == 200 else _reason(status, body)

    return probe


def redis(port: int, password: str) -> Probe:
    """Ready when redis accepts the password and answers a PING."""

    async def probe() -> str:
        request = f"AUTH {password}\r\nPING\r\nQUIT\r\n"
        answer = (await _ask("127.0.0.1", port, request.encode())).decode(errors="replace")
        return "" if "+PONG" in answer else answer.splitlines()[0] if answer else "no PONG"

    return probe


def engine(socket: Path) -> Probe:
    """Ready when the engine listens (it does once its models are warm) and gets on with its work.

    A native call that does not come back counts as no answer: only a new start helps.
    """
    there = socket.exists

    async def probe() -> str:
        if not there():
            raise NoAnswerError("loading the models")
        from ..engine import probe as ask  # brings gRPC with it
        from ..engine.status import State

        try:
            health = await ask.health(socket)
        except EngineError as e:
            raise NoAnswerError(str(e)) from e
        if health.state is State.STALLED:
            raise NoAnswerError(health.reason)
        return health.reason

    return probe


async def _ask(host: str, port: int, request: bytes) -> bytes:
    """What comes back until the other side closes (at most 1 MB)."""
    try:
        reader, writer = await asyncio.open_connection(host, port)
    except OSError as e:
        raise NoAnswerError(f"port {port}: {e.strerror or e}") from e
    try:
        writer.write(request)
        await writer.drain()
        answer = b""
        while len(answer) < 1_000_000 and (chunk := await reader.read(65536)):
            answer += chunk
        return answer
    except OSError as e:
        raise NoAnswerError(f"port {port}: {e.strerror or e}") from e
    finally:
        writer.close()


def _reason(status: int, body: bytes) -> str:
    try:
        value = json.loads(body)
        text = str(value.get("reason") or value.get("message") or value.get("error") or "")
    except (ValueError, AttributeError):
        text = body.decode(errors="replace")
    return " ".join(text.split())[:200] or f"HTTP {status}"
