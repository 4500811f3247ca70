"""Serves the application on this machine's addresses."""

import asyncio
import errno
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from ipaddress import IPv4Address

import structlog
from aiohttp import web

from ..errors import StackError
from ..settings import NetworkSettings
from .connection import KEEPALIVE_S, Connection, Doorkeeper
from .hosts import address_of, is_loopback
from .proxies import Proxies

SHUTDOWN_S = 2.0
_BACKLOG = 128
_LINGER_S = 2.0  # how long the rest of a refused body is read, so that the answer gets through
_HEAD_BYTES_MAX = 8190
_HEADERS_MAX = 64
_NO_IPV6 = {errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL, errno.EPROTONOSUPPORT}
_log = structlog.get_logger("earshot.web")


@asynccontextmanager
async def serve(app: web.Application, network: NetworkSettings) -> AsyncIterator[list[str]]:
    """Serves `app` while the context is open; gives the addresses, `http://127.0.0.1:8080` first.

    On leaving, no new connection is taken, and requests that run get two seconds to end.

    Raises:
        StackError: the port is taken, or this machine does not allow it.
    """
    sockets = listen(network)
    async with AsyncExitStack() as stack:
        for sock in sockets:
            stack.enter_context(closing(sock))
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_S)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        server = runner.server
        assert server is not None
        loop = asyncio.get_running_loop()
        door, proxies = Doorkeeper(), Proxies(network.proxies)

        def connection() -> Connection:
            return Connection(
                server,
                door,
                proxies=proxies,
                loop=loop,
                access_log=None,
                keepalive_timeout=KEEPALIVE_S,
                lingering_time=_LINGER_S,
                max_line_size=_HEAD_BYTES_MAX,
                max_field_size=_HEAD_BYTES_MAX,
                max_headers=_HEADERS_MAX,
            )

        for sock in sockets:
            listener = await loop.create_server(connection, sock=sock, backlog=_BACKLOG)
            stack.callback(listener.close)
        yield [_url(sock) for sock in sockets]


def listen(network: NetworkSettings) -> list[socket.socket]:
    """Sockets bound to the page's port: of this machine alone, or of `network.address` too.

    An address that is passed on to this machine (a container's host), or none, means every IPv4
    address here. IPv6 is for this machine alone: its other addresses may be reached from far away.

    Raises:
        StackError: the port is taken, or this machine does not allow it.
    """
    addresses = [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")]
    address = address_of(network.address)
    if network.listen == "lan" and not is_loopback(address):
        if isinstance(address, IPv4Address) and _is_ours(address):
            addresses.append((socket.AF_INET, str(address)))
        else:
            addresses[0] = (socket.AF_INET, "0.0.0.0")
    sockets: list[socket.socket] = []
    try:
        for family, host in addresses:
            try:
                sockets.append(_bound(family, host, network.page_port))
            except OSError as e:
                if family == socket.AF_INET6 and e.errno in _NO_IPV6:
                    continue
                raise StackError(_explain(e, host, network.page_port)) from e
    except BaseException:
        for sock in sockets:
            sock.close()
        raise
    return sockets


def _is_ours(address: IPv4Address) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((str(address), 0))
        except OSError:
            return False
    return True


def _bound(family: socket.AddressFamily, address: str, port: int) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # after a restart, at once
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind((address, port))
        sock.listen(_BACKLOG)  # two may bind with SO_REUSEADDR; only one may listen
        sock.setblocking(False)
    except BaseException:
        sock.close()
        raise
    return sock


def _explain(error: OSError, address: str, port: int) -> str:
    where = f"the page's port {port} on {address}"
    if error.errno == errno.EADDRINUSE:
        return f"{where} is taken by another program; choose another by network.page_port"
    if error.errno == errno.EACCES:
        return f"{where} is not allowed to this user; choose one from 1024 by network.page_port"
    return f"{where}: {error.strerror or error}"


def _url(sock: socket.socket) -> str:
    host, port = sock.getsockname()[:2]
    host = "127.0.0.1" if host == "0.0.0.0" else f"[{host}]" if ":" in host else host
    return f"http://{host}:{port}"
