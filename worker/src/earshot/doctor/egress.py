"""`earshot doctor --egress`: did anything leave? Packets by interface, sender and destination.

    stays      to an address of this machine or of one of its containers
    caller     an answer to somebody who came to one of Earshot's ports, or to an address of theirs
    link       the kernel's own talk with its neighbours (IGMP, neighbour discovery)
    other      another program's, by its process
    stopped    a container tried, and Docker's network let it go nowhere
    left       everything else of Earshot's, and everything whose sender is not known

A question for a name counts as left wherever it goes: a resolver on this machine passes it on.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any, Literal

import psutil

from ..errors import NotRunningError
from . import owners
from .owners import Owner, Owners
from .packets import DNS_PORTS, Flow, Seen, Sniffer
from .target import Target

Verdict = Literal["stays", "caller", "link", "other", "stopped", "left"]
_KERNEL = {"igmp", "icmp6"}
_BRIDGES = ("br-", "docker")
HERE = "this machine"
SETTLE_S = 0.5
"""after the call: what its end sends is counted too"""


@dataclass
class Row:
    """Packets that belong together."""

    interface: str
    owner: str
    protocol: str
    to: str
    verdict: Verdict
    packets: int = 0
    questions: int = 0
    names: tuple[str, ...] = ()


@dataclass
class Count:
    """Everything that was seen."""

    rows: list[Row] = field(default_factory=list)
    interfaces: tuple[str, ...] = ()
    seconds: float = 0.0
    lost: int = 0
    """packets that came faster than they were counted"""
    answered: bool | None = None
    """whether the spoken question was; None: none was asked"""

    def packets(self, *verdicts: Verdict) -> int:
        return sum(row.packets for row in self.rows if row.verdict in verdicts)

    @property
    def questions(self) -> int:
        """For names, by Earshot or by nobody knows whom."""
        return sum(row.questions for row in self.rows if row.verdict == "left")

    @property
    def clean(self) -> bool:
        """Nothing left, and everything was counted."""
        return not self.packets("left") and not self.lost and self.answered is not False

    def as_json(self) -> dict[str, Any]:
        return {
            "clean": self.clean,
            "left": self.packets("left"),
            "dns_questions": self.questions,
            "seconds": round(self.seconds, 1),
            "interfaces": list(self.interfaces),
            "lost": self.lost,
            "answered": self.answered,
            "rows": [asdict(row) for row in self.rows],
        }


@dataclass(frozen=True)
class Machine:
    """What is this machine's own."""

    addresses: frozenset[str]
    networks: tuple[str, ...] = ()
    """Of its containers: "172.18.0.0/16"."""
    ports: frozenset[int] = frozenset()
    """On which Earshot listens."""
    bridges: Mapping[str, str] = field(default_factory=dict)
    """Interfaces of Docker's networks, with their names."""

    def owns(self, address: str) -> bool:
        found = ip_address(address)
        return (
            found.is_loopback
            or address in self.addresses
            or any(found in ip_network(network) for network in self.networks)
        )


@asynccontextmanager
async def counting(target: Target) -> AsyncIterator[Count]:
    """Counts while the context is open; the count is complete when it has been left.

    Raises:
        StackError: this user may not count packets.
        NotRunningError: nothing runs here.
    """
    if not target.local or not target.running or target.endpoints is None:
        raise NotRunningError(f"nothing to count: no stack runs with {target.name}")
    count, began = Count(), time.monotonic()
    known = await asyncio.to_thread(_owners, target)
    machine = await asyncio.to_thread(_machine, target, known)
    sniffer = Sniffer(known.note)
    with sniffer:
        yield count
        await asyncio.sleep(SETTLE_S)
        count.seconds = time.monotonic() - began
    count.lost = sniffer.lost + sniffer.more
    up = {name for name, stats in psutil.net_if_stats().items() if stats.isup}
    count.interfaces = tuple(sorted(up | sniffer.interfaces))
    count.rows = rows(sniffer.flows, known.of, machine)


def rows(
    flows: Mapping[Flow, Seen], owner_of: Callable[[Flow], Owner | None], machine: Machine
) -> list[Row]:
    """Judges flows and puts together what is of one kind; what left comes first."""
    tried = {
        (f.protocol, f.target, f.target_port): owner_of(f)
        for f in flows
        if _from_container(f, machine)
    }
    out = {
        (f.protocol, f.target, f.target_port)
        for f in flows
        if f.sent and f.interface not in machine.bridges and f.interface != "lo"
    }
    backwards = {(f.protocol, f.target, f.target_port, f.source, f.source_port) for f in flows}
    came = {f.source for f in flows if f.target_port in machine.ports}
    table: dict[tuple[str, ...], Row] = {}
    for flow, seen in flows.items():
        inside = _from_container(flow, machine)
        if not (flow.sent or inside) or owners.is_bridge_port(flow.interface):
            continue
        place = flow.protocol, flow.target, flow.target_port
        owner = owner_of(flow) or (tried.get(place) if not inside else None)
        verdict = _verdict(flow, seen, owner, machine, backwards, came)
        if verdict == "left" and inside and place not in out:
            verdict = "stopped"
        shown, name = _place(flow, verdict, machine), owner.name if owner else _unknown(flow)
        if verdict == "other" and shown == HERE:
            name = "other programs"
        interface = flow.interface
        if interface in machine.bridges:
            interface = f"{interface} ({machine.bridges[interface]})"
        key = (interface, name, flow.protocol, shown, verdict)
        row = table.setdefault(key, Row(interface, name, flow.protocol, shown, verdict))
        row.packets += seen.packets
        row.questions += seen.questions
        row.names = tuple(dict.fromkeys((*row.names, *seen.names)))[:5]
    order = ("left", "stopped", "caller", "link", "other", "stays")
    return sorted(table.values(), key=lambda r: (order.index(r.verdict), r.interface, -r.packets))


def _verdict(
    flow: Flow,
    seen: Seen,
    owner: Owner | None,
    machine: Machine,
    backwards: set[tuple[str, str, int, str, int]],
    came: set[str],
) -> Verdict:
    if owner is not None and not owner.ours:
        return "other"
    if seen.questions:
        return "left"
    if machine.owns(flow.target):
        return "stays"
    if flow.protocol in _KERNEL and owner is None:
        return "link"
    if flow.source_port in machine.ports:
        pair = flow.protocol, flow.source, flow.source_port, flow.target, flow.target_port
        # livekit-server checks every address that a caller names as its own (ICE)
        if pair in backwards or (came and not ip_address(flow.target).is_global):
            return "caller"
    return "left"


def _place(flow: Flow, verdict: Verdict, machine: Machine) -> str:
    if verdict != "left" and flow.target_port not in DNS_PORTS and machine.owns(flow.target):
        return HERE
    # where an answer goes, the caller's port says nothing
    port = flow.target_port if verdict != "caller" else 0
    return f"{flow.target}:{port}" if port else flow.target


def _from_container(flow: Flow, machine: Machine) -> bool:
    return not flow.sent and flow.interface in machine.bridges


def _unknown(flow: Flow) -> str:
    return "kernel" if flow.protocol in _KERNEL else "not known (gone already)"


def _owners(target: Target) -> Owners:
    found = owners.containers()
    pids = target.endpoints.pids.values() if target.endpoints and target.kind == "up" else ()
    return Owners(
        ours=frozenset(pids),
        mine=frozenset({os.getpid()}),
        containers=found,
        projects=owners.projects(found.values()),
    )


def _machine(target: Target, known: Owners) -> Machine:
    addresses = {
        owners.plain(a.address)
        for every in psutil.net_if_addrs().values()
        for a in every
        if a.family.name in ("AF_INET", "AF_INET6")
    }
    bridges = owners.bridges()
    bridges |= {n: n for n in psutil.net_if_addrs() if n.startswith(_BRIDGES) and n not in bridges}
    ports = target.endpoints.ports.values() if target.endpoints else ()
    return Machine(
        frozenset(addresses | set(known.containers)),
        tuple(_networks(bridges)),
        frozenset(ports),
        bridges,
    )


def _networks(bridges: Iterable[str]) -> list[str]:
    found = []
    every = psutil.net_if_addrs()
    for name in bridges:
        for a in every.get(name, []):
            if a.family.name == "AF_INET" and a.netmask:
                found.append(str(ip_network(f"{a.address}/{a.netmask}", strict=False)))
    return found
