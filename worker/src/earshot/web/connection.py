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
from .hosts import IPAddress, address_of
from .proxies import HEADER_MOST, Proxies, parse_header
from .refusal import Refusal

KEEPALIVE_S = 20.0
STALL_S = 20.0
HEADER_S = 5.0
EARLY_BYTES_MAX = 65536
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
    """aiohttp's protocol of one connection, with the missing bounds.

    Behind a proxy that is believed, a PROXY header comes first; the request's `remote` is then the
    caller's address.
    """

    def __init__(
        self,
        server: web.Server,
        door: Doorkeeper,
        *,
        proxies: Proxies | None = None,
        stall_s: float = STALL_S,
        **kwargs: Any,
    ) -> None:
        super().__init__(server, **kwargs)
        self._door = door
        self._proxies = proxies or Proxies()
        self._stall_s = stall_s
        self._address: str | None = None  # of one that was let in
        self._stall: asyncio.TimerHandle | None = None
        self._socket: asyncio.Transport | None = None
        self._early: bytearray | None = None  # what came before it was known who is there
        self._heads_limit: asyncio.TimerHandle | None = None
        self._looking: asyncio.Task[None] | None = None
        self._claimed: tuple[str, int] | None = None

    @property
    def peername(self) -> Any:
        """Whom the proxy speaks for, else the other end of the connection."""
        return self._claimed or super().peername

    @property
    def proxied(self) -> bool:
        """Whether a proxy says who is there: then it is never this machine's own page."""
        return self._claimed is not None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._socket = transport
        peer = str((transport.get_extra_info("peername") or ("",))[0])
        address = address_of(peer)
        if address is None or self._proxies.settled(address):
            self._begin(peer)
        else:
            self._early = bytearray()
            self._looking = asyncio.create_task(self._look(peer, address))

    async def _look(self, peer: str, address: IPAddress) -> None:
        await self._proxies.look(address)
        early, self._early = self._early or bytearray(), None
        if self._socket is not None:
            self._begin(peer)
            if early:
                self.data_received(bytes(early))

    def _begin(self, peer: str) -> None:
        if self._proxies.trusts("proxy", address_of(peer)):
            self._early = bytearray()
            loop = asyncio.get_running_loop()
            self._heads_limit = loop.call_later(HEADER_S, self._refuse)
        else:
            self._enter(peer)

    def _enter(self, address: str) -> None:
        assert self._socket is not None
        if not self._door.enter(address):
            self._socket.write(_full())
            self._socket.close()
            return
        self._address = address
        super().connection_made(self._socket)

    def data_received(self, data: bytes) -> None:
        if self._early is None:
            if self._address is not None:
                super().data_received(data)
            return
        self._early += data
        if self._heads_limit is None:  # not known yet who is there
            if len(self._early) > EARLY_BYTES_MAX:
                self._refuse()
            return
        line, found, rest = bytes(self._early).partition(b"\r\n")
        if found and len(line) + 2 <= HEADER_MOST:
            self._take(line, rest)
        elif found or len(self._early) > HEADER_MOST:
            self._refuse()

    def _take(self, line: bytes, rest: bytes) -> None:
        assert self._socket is not None
        try:
            address = parse_header(line)
        except ValueError:
            self._refuse()
            return
        self._end_head()
        peer = self._socket.get_extra_info("peername")
        self._claimed = (str(address), 0) if address else (str(peer[0]), int(peer[1]))
        self._enter(self._claimed[0])
        if rest and self._address is not None:
            super().data_received(rest)

    def _refuse(self) -> None:
        """Who should have begun with a PROXY header did not. Nothing of it is logged."""
        self._end_head()
        if self._socket is not None:
            _log.warning("a proxy sent no PROXY header")
            self._socket.abort()

    def _end_head(self) -> None:
        self._early = None
        if self._heads_limit is not None:
            self._heads_limit.cancel()
            self._heads_limit = None

    def connection_lost(self, exc: BaseException | None) -> None:
        self._socket = None
        self._end_head()
        if self._looking is not None:
            self._looking.cancel()
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
