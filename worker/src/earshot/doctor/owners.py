"""Who sends: the process of a socket, the container of an address."""

import contextlib
import json
import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import ip_address

import psutil

from .packets import Flow

DOCKER_WITHIN_S = 10.0


@dataclass(frozen=True)
class Owner:
    """A process or a container."""

    name: str
    """For people: "livekit-server (1234)", "container earshot-worker-1"."""
    ours: bool
    """A part of Earshot's stack."""


@dataclass(frozen=True)
class Container:
    name: str
    project: str
    """Of docker compose; empty = none."""
    service: str


@dataclass
class Owners:
    """Looked up when a flow is new: a socket may be gone a moment later."""

    ours: frozenset[int] = frozenset()
    """Processes of the stack: `earshot up` and its services; their children count too."""
    mine: frozenset[int] = frozenset()
    """Processes of the doctor: it is a caller."""
    containers: dict[str, Container] = field(default_factory=dict)
    """By address."""
    projects: frozenset[str] = frozenset()
    """Of docker compose, that are Earshot's."""
    _known: dict[tuple[str, str, int], Owner] = field(default_factory=dict)

    def note(self, flow: Flow) -> None:
        """Remembers whose the socket is that sends; takes some 10 ms."""
        key = flow.protocol, flow.source, flow.source_port
        if not flow.sent or not flow.source_port or key in self._known:
            return
        pid = _pid(flow)
        if pid is not None:
            self._known[key] = self._owner(pid)

    def of(self, flow: Flow) -> Owner | None:
        """None: nobody knows any more."""
        container = self.containers.get(flow.source)
        if container is not None:
            return Owner(f"container {container.name}", container.project in self.projects)
        return self._known.get((flow.protocol, flow.source, flow.source_port))

    def _owner(self, pid: int) -> Owner:
        family = {pid}
        name = f"process {pid}"
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(pid)
            name = f"{process.name()} ({pid})"
            family |= {parent.pid for parent in process.parents()}
        if family & self.mine and not family & self.ours:
            return Owner("this doctor", ours=True)
        return Owner(name, bool(family & self.ours))


def _pid(flow: Flow) -> int | None:
    kind = "tcp" if flow.protocol == "tcp" else "udp" if flow.protocol == "udp" else ""
    if not kind:
        return None
    family = "6" if ":" in flow.source else "4"
    wild = None
    with contextlib.suppress(psutil.Error, OSError):
        for connection in psutil.net_connections(kind):
            if not connection.laddr or connection.laddr.port != flow.source_port:
                continue
            if not connection.pid:
                continue
            local = plain(connection.laddr.ip)
            if local == flow.source:
                return int(connection.pid)
            if local in ("0.0.0.0", "::") and (family == "4" or local == "::"):
                wild = int(connection.pid)
    return wild


def plain(address: str) -> str:
    """Without a zone; IPv4 inside IPv6 is IPv4."""
    found = ip_address(address.partition("%")[0])
    return str(getattr(found, "ipv4_mapped", None) or found)


def containers() -> dict[str, Container]:
    """Every container that runs, by each of its addresses; empty without Docker."""
    found: dict[str, Container] = {}
    ids = _docker("ps", "-q").split()
    if not ids:
        return found
    try:
        inspected = json.loads(_docker("inspect", *ids) or "[]")
    except ValueError:
        return found
    for one in inspected:
        labels = one.get("Config", {}).get("Labels") or {}
        container = Container(
            one.get("Name", "").lstrip("/"),
            labels.get("com.docker.compose.project", ""),
            labels.get("com.docker.compose.service", ""),
        )
        for network in (one.get("NetworkSettings", {}).get("Networks") or {}).values():
            for key in ("IPAddress", "GlobalIPv6Address"):
                if network.get(key):
                    found[network[key]] = container
    return found


def bridges() -> dict[str, str]:
    """Docker's networks: interface of the bridge -> name."""
    found: dict[str, str] = {}
    ids = _docker("network", "ls", "-q", "--filter", "driver=bridge").split()
    if not ids:
        return found
    with contextlib.suppress(ValueError):
        for one in json.loads(_docker("network", "inspect", *ids) or "[]"):
            name = (one.get("Options") or {}).get("com.docker.network.bridge.name")
            found[name or f"br-{one['Id'][:12]}"] = str(one["Name"])
    return found


def projects(found: Iterable[Container]) -> frozenset[str]:
    """Those that are Earshot's: compose.yaml's own services."""
    services: dict[str, set[str]] = {}
    for container in found:
        if container.project:
            services.setdefault(container.project, set()).add(container.service)
    return frozenset(p for p, names in services.items() if {"worker", "livekit"} <= names)


def _docker(*arguments: str) -> str:
    try:
        done = subprocess.run(
            ["docker", *arguments], capture_output=True, text=True, timeout=DOCKER_WITHIN_S,
            stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""


def is_bridge_port(interface: str) -> bool:
    """A container's end of a cable: its packets are seen again on the bridge."""
    return bool(re.match(r"veth", interface))
