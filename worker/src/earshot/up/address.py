"""Which address of this machine callers use. Found without sending a packet."""

import socket
from dataclasses import dataclass
from ipaddress import IPv4Address

import psutil

from ..errors import StackError
from ..settings import NetworkSettings

_LOOPBACK = "127.0.0.1"
# a datagram socket that is "connected" only asks the routing table; 192.0.2.0/24 is nobody's
_ANYWHERE = ("192.0.2.1", 9)
_CONTAINERS = ("docker", "br-", "veth", "virbr", "vmnet", "vboxnet", "cni", "flannel", "cali",
               "lxc", "lxd", "podman", "kube", "weave")  # fmt: skip
_TUNNELS = ("tun", "tap", "wg", "tailscale", "zt", "ppp", "utun", "ipsec", "nebula")


@dataclass(frozen=True)
class Address:
    """An IPv4 address, and why it was chosen."""

    ip: str
    why: str
    warning: str = ""
    foreign: bool = False
    """Not this machine's: somebody passes it on."""

    @property
    def loopback(self) -> bool:
        return IPv4Address(self.ip).is_loopback

    @property
    def callers(self) -> list[str]:
        """Where the page and signalling listen; "" = everywhere."""
        return [self.ip] if self.loopback else [""] if self.foreign else [_LOOPBACK, self.ip]

    @property
    def media(self) -> list[str]:
        """Where audio, STUN and TURN listen over UDP; "" = everywhere."""
        return [""] if self.foreign else [self.ip]


def find(network: NetworkSettings) -> Address:
    """The address for the page and for audio, from the settings and this machine's interfaces.

    Raises:
        StackError: `network.address` is no IPv4 address.
    """
    ours = _interfaces()
    if network.address:
        return _named(network, ours)
    if network.listen == "loopback":
        return Address(_LOOPBACK, "this machine only (network.listen)")
    return _best(ours, _route())


def candidates() -> list[Address]:
    """Every address of this machine that others may reach, the likeliest first."""
    ours, routed, found = _interfaces(), _route(), []
    while ours:
        found.append(_best(ours, routed))
        del ours[found[-1].ip]
    return found


def _named(network: NetworkSettings, ours: dict[str, str]) -> Address:
    try:
        address = IPv4Address(network.address)
    except ValueError as e:
        raise StackError(
            f"network.address = {network.address!r}: an IPv4 address of this machine was expected"
        ) from e
    why, ip = "as set (network.address)", str(address)
    if network.listen == "loopback" and not address.is_loopback:
        raise StackError(
            f"network.address = {ip!r} is not loopback: set network.listen to lan, or give --lan"
        )
    if ip in ours or address.is_loopback:
        return Address(ip, why)
    here = ", ".join(ours) or "none"
    warning = (
        f"{ip} is no address of this machine (its own: {here}); calls work only if it is passed on"
        " to one of them with the same ports"
    )
    return Address(ip, why, warning, foreign=True)


def _best(ours: dict[str, str], routed: str) -> Address:
    def rank(ip: str) -> tuple[int, bool]:
        name = ours[ip]
        kind = 2 if name.startswith(_CONTAINERS) else 1 if name.startswith(_TUNNELS) else 0
        return kind, ip != routed

    if not ours:
        return Address(_LOOPBACK, "no other interface has an IPv4 address",
                       "no network was found: only this machine can call")  # fmt: skip
    ip = min(ours, key=rank)
    name, kind = ours[ip], rank(ip)[0]
    if kind == 0 and ip == routed:
        return Address(ip, f"{name}, where the default route leads")
    if kind == 0:
        other = f", the default route leads to {ours[routed]}" if routed in ours else ""
        return Address(ip, f"{name}, the first network of this machine{other}")
    what = "a tunnel" if kind == 1 else "a container's network"
    return Address(ip, f"{name}, nothing better was found", f"{name} looks like {what}: set"
                   " network.address if callers use another address")  # fmt: skip


def _interfaces() -> dict[str, str]:
    """IPv4 addresses that others may reach, with the interface's name."""
    up = {name for name, stats in psutil.net_if_stats().items() if stats.isup}
    return {
        address.address: name
        for name, addresses in psutil.net_if_addrs().items()
        for address in addresses
        if name in up
        and address.family == socket.AF_INET
        and not IPv4Address(address.address).is_loopback
        and not IPv4Address(address.address).is_link_local
    }


def _route() -> str:
    """The address that packets to other networks would carry; empty without a default route."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(_ANYWHERE)
        except OSError:
            return ""
        return str(probe.getsockname()[0])
