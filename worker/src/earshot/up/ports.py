"""Are the ports free? If not, who has them; or others that are."""

import contextlib
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import psutil

from ..settings import NetworkSettings

Protocol = Literal["tcp", "udp"]
_LOOPBACK_6 = "::1"


@dataclass(frozen=True)
class Need:
    """A port that a service is going to listen on."""

    name: str
    """The setting in the group `network`."""
    protocol: Protocol
    hosts: Sequence[str]
    """Addresses of this machine; "" = all of IPv4."""


@dataclass(frozen=True)
class Busy:
    """A port that somebody else has."""

    name: str
    port: int
    protocol: Protocol
    holder: str
    """The process, for people."""
    pid: int | None = None

    def __str__(self) -> str:
        return f"{self.port}/{self.protocol} (network.{self.name}): {self.holder}"


def choose(
    network: NetworkSettings, needs: Iterable[Need], *, auto: bool
) -> tuple[dict[str, int], list[Busy]]:
    """The ports by name, and those that can't be had.

    Args:
        auto: take a free port where the one in the settings is not.
    """
    ports: dict[str, int] = {}
    busy: list[Busy] = []
    taken: set[tuple[Protocol, int]] = set()
    # held until all are found, or two names might get the same one
    with contextlib.ExitStack() as held:
        for need in needs:
            wanted: int = getattr(network, need.name)
            port = _take(held, need, wanted)
            if not port and auto:
                port = _take(held, need, 0)
            if not port:
                busy.append(_busy(need, wanted, again=(need.protocol, wanted) in taken))
            ports[need.name] = port or wanted
            taken.add((need.protocol, port or wanted))
    return ports, busy


def _take(held: contextlib.ExitStack, need: Need, port: int) -> int:
    """Binds the port on every address of the need (0: one that is free on all). 0 = it is taken."""
    for _ in range(20 if port == 0 else 1):
        with contextlib.ExitStack() as sockets:
            number = port
            try:
                for host in need.hosts:
                    if host == _LOOPBACK_6 and not _has_ipv6():
                        continue
                    sock = sockets.enter_context(socket.socket(_family(host), _kind(need.protocol)))
                    if need.protocol == "tcp":  # connections of the run before may linger
                        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    sock.bind((host, number))
                    if need.protocol == "tcp":  # or two that may reuse an address get the same one
                        sock.listen(1)
                    number = sock.getsockname()[1]
            except OSError:
                continue
            held.push(sockets.pop_all())
            return number
    return 0


def _busy(need: Need, port: int, *, again: bool) -> Busy:
    if again:
        return Busy(need.name, port, need.protocol, "another setting has the same port")
    with contextlib.suppress(psutil.Error, OSError):
        for connection in psutil.net_connections("inet"):
            if (
                connection.type == _kind(need.protocol)
                and connection.laddr
                and connection.laddr.port == port
                and (need.protocol == "udp" or connection.status == psutil.CONN_LISTEN)
                and connection.pid
            ):
                return Busy(
                    need.name, port, need.protocol, _describe(connection.pid), connection.pid
                )
    if port < 1024:
        return Busy(need.name, port, need.protocol, "in use, or kept for the administrator")
    return Busy(need.name, port, need.protocol, "by whom, this user may not see")


def _kind(protocol: Protocol) -> socket.SocketKind:
    return socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as sock:
            sock.bind((_LOOPBACK_6, 0))
    except OSError:
        return False
    return True


def _describe(pid: int) -> str:
    try:
        process = psutil.Process(pid)
        command = " ".join(process.cmdline())
        return f"process {pid}, {process.name()}" + (f" ({command[:60]})" if command else "")
    except psutil.Error:
        return f"process {pid}"
