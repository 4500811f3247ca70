"""Which names are ours, and where a page of ours finds livekit-server.

A page of a foreign site can make a browser send requests here under the site's own name (DNS
rebinding): then `Host` names that site. So only names that are known to mean this machine are
answered. Nothing is looked up.
"""

import re
import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

from aiohttp import web

from ..settings import Settings
from .refusal import Refusal

IPAddress = IPv4Address | IPv6Address
_HOST = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?")
_DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


@dataclass(frozen=True)
class Host:
    """A `Host` header: a name or an address, and a port if one was given."""

    name: str
    """In lower case; IPv6 in its short form, without brackets."""
    port: int | None

    @classmethod
    def parse(cls, text: str) -> "Host | None":
        match = _HOST.fullmatch(text)
        if match is None:
            return None
        name = _canonical(match["host"].strip("[]"))
        return cls(name, int(match["port"]) if match["port"] else None)

    @property
    def address(self) -> IPAddress | None:
        return address_of(self.name)

    @property
    def loopback(self) -> bool:
        return self.name == "localhost" or is_loopback(self.address)

    @property
    def bracketed(self) -> str:
        return f"[{self.name}]" if ":" in self.name else self.name

    @property
    def netloc(self) -> str:
        return self.bracketed if self.port is None else f"{self.bracketed}:{self.port}"


def address_of(text: str | None) -> IPAddress | None:
    """An address as such: IPv4 inside IPv6 is IPv4."""
    try:
        address = ip_address((text or "").partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _canonical(name: str) -> str:
    return str(address_of(name) or name.lower().removesuffix("."))


def is_loopback(address: IPAddress | None) -> bool:
    return address is not None and address.is_loopback


def origin_of(request: web.Request) -> tuple[str, Host] | None:
    """Scheme and host of `Origin`; None when there is none, or none that can be read."""
    values = request.headers.getall("Origin", [])
    scheme, found, rest = values[0].partition("://") if len(values) == 1 else ("", "", "")
    host = Host.parse(rest) if found and scheme in ("http", "https") else None
    return (scheme, host) if host else None


def same_origin(request: web.Request, host: Host) -> bool:
    """Whether a page that was loaded from `host` sent the request."""
    origin = origin_of(request)
    if origin is None or request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
        return False
    scheme, other = origin
    default = _DEFAULT_PORTS[scheme]
    return other.name == host.name and (other.port or default) == (host.port or default)


class Hosts:
    """The names of this machine, and livekit-server's address under each."""

    def __init__(self, settings: Settings) -> None:
        public = urlsplit(settings.livekit.public_url)
        hostname = socket.gethostname()
        given = {
            "localhost",
            hostname,
            f"{hostname.partition('.')[0]}.local",
            settings.network.address,
            public.hostname or "",
        }
        self._names = {_canonical(name) for name in given if name}
        self._public_url = settings.livekit.public_url.rstrip("/")
        internal = urlsplit(settings.livekit.url)
        self._livekit_port = settings.network.livekit_port
        if internal.hostname:
            self._livekit_port = internal.port or _DEFAULT_PORTS[internal.scheme]
            if not self._public_url and _of_the_network(internal.hostname):
                self._public_url = settings.livekit.url.rstrip("/")

    def checked(self, request: web.Request) -> Host:
        """The request's host.

        Raises:
            Refusal: 403 `host_refused`.
        """
        values = request.headers.getall("Host", [])
        host = Host.parse(values[0]) if len(values) == 1 else None
        if host is None or not self._ours(host, request):
            raise Refusal(
                403,
                "host_refused",
                "Earshot does not answer under this name. Open the address that `earshot up` "
                "shows, or set network.address (or livekit.public_url) to the name you use.",
            )
        return host

    def _ours(self, host: Host, request: web.Request) -> bool:
        if host.name in self._names or host.loopback:
            return True
        # the address that the connection came to is ours, whatever the network gave us today
        sockname = request.transport.get_extra_info("sockname") if request.transport else None
        return host.address is not None and host.address == address_of(sockname and sockname[0])

    def livekit_url(self, request: web.Request, host: Host) -> str:
        """livekit-server for the browser or program that sent the request.

        livekit.public_url, or livekit.url where that is a name or an address of the network;
        without them, the page's host and livekit-server's port. A page that came over TLS came
        through a proxy: it may open wss only, and the proxy carries livekit-server's paths on the
        page's own origin.
        """
        secure = _secure(request, host)
        if self._public_url and not (secure and self._public_url.startswith("ws:")):
            return self._public_url
        if secure:
            return f"wss://{host.netloc}"
        # livekit-server listens on IPv4 alone
        name = "127.0.0.1" if host.name == "::1" else host.bracketed
        return f"ws://{name}:{self._livekit_port}"

    def connect_sources(self, request: web.Request, host: Host) -> list[str]:
        """What the page may connect to beside its own origin, for its Content-Security-Policy.

        livekit-client opens a WebSocket, and asks by HTTP why it was closed.
        """
        parts = urlsplit(self.livekit_url(request, host))
        sources = [f"{parts.scheme}://{parts.netloc}"]
        sources.append(sources[0].replace("ws", "http", 1))
        if not self._public_url and parts.scheme == "ws" and host.port != port_of(request):
            sources.append(f"wss://{host.netloc}")  # through a proxy that doesn't say it does TLS
        return sources


def _of_the_network(name: str) -> bool:
    # loopback, or the name of a service among containers, means something else to a browser
    address = address_of(name)
    return not is_loopback(address) if address else "." in name


def port_of(request: web.Request) -> int | None:
    """The port that the connection came to."""
    sockname = request.transport.get_extra_info("sockname") if request.transport else None
    return int(sockname[1]) if isinstance(sockname, tuple) else None


def _secure(request: web.Request, host: Host) -> bool:
    # a wrong claim changes nothing but the claimant's own answer, so the proxy's word is enough
    origin = origin_of(request)
    return (origin is not None and origin[0] == "https" and same_origin(request, host)) or (
        request.headers.get("X-Forwarded-Proto", "").lower() == "https"
    )
