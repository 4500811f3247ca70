"""What this machine's interfaces send, packet by packet, as the kernel shows it (AF_PACKET).

Needs CAP_NET_RAW; no program and no firewall rule. Reads headers, and of DNS questions the name:
never what a packet carries. On an interface of a bridge, what comes in is what a container sent.
"""

import contextlib
import os
import select
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from types import TracebackType
from typing import Self

from ..errors import StackError

ETH_P_ALL = 0x0003
SOL_PACKET, PACKET_STATISTICS = 263, 6
OUTGOING = 4
"""sll_pkttype of what this machine sends; everything else it receives"""
HEAD_BYTES = 512
BUFFER_BYTES = 16 * 1024 * 1024
FLOWS_MAX = 10_000
NAMES = {1: "icmp", 2: "igmp", 6: "tcp", 17: "udp", 58: "icmp6"}
DNS_PORTS = {53, 5353, 5355}
"""DNS, mDNS, LLMNR"""


@dataclass(frozen=True)
class Flow:
    """Packets of one kind: over one interface, from one socket to one place."""

    interface: str
    sent: bool
    """by this machine; else it came in"""
    protocol: str
    source: str
    source_port: int
    target: str
    target_port: int


@dataclass
class Seen:
    """How often, and what was asked."""

    packets: int = 0
    questions: int = 0
    """DNS questions"""
    names: tuple[str, ...] = ()
    """…and the names in them, a few"""


class Sniffer:
    """Counts while the context is open, in a thread of its own.

    Args:
        new: told of each flow at its first packet, in that thread: its socket is still there.

    Raises:
        StackError: this user may not.
    """

    def __init__(self, new: Callable[[Flow], None] = lambda flow: None) -> None:
        self.flows: dict[Flow, Seen] = {}
        self.interfaces: set[str] = set()
        self.lost = 0
        """packets that came faster than they were counted"""
        self.more = 0
        """packets of flows beyond the most that are told apart"""
        self._new = new
        self._thread = threading.Thread(target=self._run, name="packets", daemon=True)

    def __enter__(self) -> Self:
        try:
            self._socket = socket.socket(
                socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL)
            )
        except PermissionError as e:
            raise StackError(
                "counting packets needs root (CAP_NET_RAW): sudo earshot doctor --egress"
            ) from e
        with contextlib.suppress(OSError):  # as far as the kernel lets us
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        self._socket.setblocking(False)
        self._read, self._write = os.pipe()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.write(self._write, b".")
        self._thread.join()
        statistics = self._socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8)
        self.lost = struct.unpack("II", statistics)[1]
        self._socket.close()
        os.close(self._read)
        os.close(self._write)

    def _run(self) -> None:
        stopping = 0.0
        while True:
            ready, _, _ = select.select([self._socket.fileno(), self._read], [], [], 0.05)
            if self._read in ready and not stopping:
                stopping = time.monotonic()
            if self._socket.fileno() in ready:
                with contextlib.suppress(BlockingIOError):
                    for _ in range(1000):
                        self._count(*self._socket.recvfrom(HEAD_BYTES))
            if stopping and (
                self._socket.fileno() not in ready or time.monotonic() - stopping > 1.0
            ):
                return

    def _count(self, data: bytes, address: tuple[str, int, int, int, bytes]) -> None:
        interface, protocol, kind = address[0], address[1], address[2]
        self.interfaces.add(interface)
        found = parse(data, protocol)
        if found is None:
            return
        name, source, source_port, target, target_port, payload = found
        flow = Flow(interface, kind == OUTGOING, name, source, source_port, target, target_port)
        seen = self.flows.get(flow)
        if seen is None:
            if len(self.flows) >= FLOWS_MAX:
                self.more += 1
                return
            seen = self.flows[flow] = Seen()
            self._new(flow)
        seen.packets += 1
        if target_port in DNS_PORTS and (asked := question(payload, name)) is not None:
            seen.questions += 1
            if asked and asked not in seen.names and len(seen.names) < 5:
                seen.names = (*seen.names, asked)


def parse(data: bytes, protocol: int) -> tuple[str, str, int, str, int, bytes] | None:
    """Of an IP packet: protocol, source and port, target and port, what follows the header.

    None for what is no IP (ARP stays on the link by its nature).
    """
    try:
        if protocol == 0x0800:
            size, kind = (data[0] & 15) * 4, data[9]
            source, target = str(ip_address(data[12:16])), str(ip_address(data[16:20]))
            fragment = struct.unpack_from("!H", data, 6)[0] & 0x1FFF
        elif protocol == 0x86DD:
            size, kind = 40, data[6]
            source, target = str(ip_address(data[8:24])), str(ip_address(data[24:40]))
            fragment = 0
            while kind in (0, 43, 60):  # extension headers
                kind, size = data[size], size + (data[size + 1] + 1) * 8
        else:
            return None
        name = NAMES.get(kind, f"ip-{kind}")
        if name not in ("tcp", "udp") or fragment:
            return name, source, 0, target, 0, b""
        source_port, target_port = struct.unpack_from("!HH", data, size)
        head = 8 if name == "udp" else (data[size + 12] >> 4) * 4
        return name, source, source_port, target, target_port, data[size + head :]
    except (IndexError, ValueError, struct.error):
        return None


def question(payload: bytes, protocol: str) -> str | None:
    """The name that a DNS message asks for; "" if it can't be read, None if nothing is asked."""
    if protocol == "tcp":
        payload = payload[2:]
    if len(payload) < 12:
        return None
    flags, questions = struct.unpack_from("!HH", payload, 2)
    if flags & 0x8000 or not questions:
        return None
    labels, at = [], 12
    while at < len(payload) and 0 < payload[at] < 64:
        labels.append(payload[at + 1 : at + 1 + payload[at]].decode("ascii", "replace"))
        at += 1 + payload[at]
    return ".".join(labels)[:100]
