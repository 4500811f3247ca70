"""Connections to the page: a bounded number, none of which can be held by doing nothing.

aiohttp closes a connection that has not sent the head of its next request within the keep-alive
time, and lets a body be late only as long as the application does. What it does not bound is how
many there are, and a client that does not read its answer.
"""

import asyncio
from collections import Counter
from http import HTTPStatus
from typing import Any

import structlog
from aiohttp import web

from . import headers
from .refusal import Refusal

KEEPALIVE_S = 20.0
STALL_S = 20.0
CONNECTIONS_MAX = 512
CONNECTIONS_PER_ADDRESS_MAX = 64

_log = structlog.get_logger("earshot.web")


def _full() -> bytes:
    text = "503: Too many connections. Try again in a moment.\n"
    head = {
        "Content-Type": "text/plain; charset=utf-8",
        "Content-Length": str(len(text)),
        "Retry-After": "5",
        "Connection": "close",
        **headers.ALWAYS,
    }
    lines = ["HTTP/1.1 503 Service Unavailable", *(f"{name}: {head[name]}" for name in head)]
    return ("\r\n".join(lines) + "\r\n\r\n" + text).encode()


class Doorkeeper:
    """Counts connections, all and by address."""

    def __init__(
        self,
        most: int = CONNECTIONS_MAX,
        per_address: int = CONNECTIONS_PER_ADDRESS_MAX,
    ) -> None:
        self._most, self._per_address = most, per_address
        self._by_address: Counter[str] = Counter()

    def __len__(self) -> int:
        return self._by_address.total()

    def enter(self, address: str) -> bool:
        """Whether one more may come in."""
        if len(self) >= self._most or self._by_address[address] >= self._per_address:
            self._by_address += Counter()  # drops the zero that asking made
            return False
        self._by_address[address] += 1
        return True

    def leave(self, address: str) -> None:
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]


class Connection(web.RequestHandler):
    """aiohttp's protocol of one connection, with the missing bounds."""

    def __init__(
        self, server: web.Server, door: Doorkeeper, *, stall_s: float = STALL_S, **kwargs: Any
    ) -> None:
        super().__init__(server, **kwargs)
        self._door = door
        self._stall_s = stall_s
        self._address: str | None = None  # of one that was let in
        self._stall: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        address = str((transport.get_extra_info("peername") or ("",))[0])
        if not self._door.enter(address):
            transport.write(_full())
            transport.close()
            return
        self._address = address
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        if self._address is not None:
            super().data_received(data)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._end_stall()
        if self._address is not None:
            self._door.leave(self._address)
            super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._stall is None and self.transport is not None:
            loop = asyncio.get_running_loop()
            self._stall = loop.call_later(self._stall_s, self.transport.abort)

    def resume_writing(self) -> None:
        self._end_stall()
        super().resume_writing()

    def _end_stall(self) -> None:
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answers what is not HTTP. Of it nothing is repeated or logged: it may hold secrets."""
        _log.info("not HTTP", error=type(exc).__name__, address=str(request.remote))
        if request.writer.output_size > 0:
            raise ConnectionError("an answer has begun already")
        if status >= 500:
            refusal = Refusal(status, "internal", "Something broke here.", close=True)
        else:
            name = HTTPStatus(status).phrase.lower()
            refusal = Refusal(
                status, "bad_request", f"The request is not HTTP: {name}.", close=True
            )
        response = refusal.response("/api/")
        headers.secure(response)
        return response
