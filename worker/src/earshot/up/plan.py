"""Settings -> what runs: addresses, ports, secrets and configuration files, decided once.

The services learn them by environment.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .. import credentials
from ..credentials import Credentials
from ..endpoints import Endpoints, run_dir
from ..engine import running
from ..errors import StackError
from ..settings import WEBHOOK_PATH, Settings
from . import livekit, probes, redis
from .address import Address, find
from .ports import Busy, Need, choose
from .service import Spec

LOOPBACK, LOOPBACK_6 = "127.0.0.1", "::1"
_PYTHON = (sys.executable, "-m", "earshot")


class PortsBusyError(StackError):
    """Ports that others have; `ports` says which and who."""

    def __init__(self, ports: list[Busy]) -> None:
        super().__init__(
            "in use: "
            + "; ".join(str(port) for port in ports)
            + ". Stop what has them, set other numbers, or give --ports auto"
        )
        self.ports = ports


@dataclass(frozen=True)
class Plan:
    """What is going to run."""

    settings: Settings
    address: Address
    endpoints: Endpoints
    credentials: Credentials
    services: tuple[Spec, ...]
    """In the order of their start."""


def prepare(settings: Settings, *, auto_ports: bool = False) -> Plan:
    """Decides everything and writes the configuration files; starts nothing.

    Raises:
        PortsBusyError: see there.
        StackError: a program is missing, or an address is not possible.
        CredentialsError: a secret can't be used.
    """
    own_server = not settings.livekit.url
    server = livekit.program() if own_server else ""
    store = redis.program(settings.livekit) if own_server else ""
    address = find(settings.network)
    secrets = credentials.load_or_create(settings.state_dir, own_keys=own_server)
    ports, busy = choose(
        settings.network, ports_needed(address, bool(server), bool(store)), auto=auto_ports
    )
    if busy:
        raise PortsBusyError(busy)
    endpoints = _endpoints(settings, address, ports)
    common = _environment(settings, address, endpoints)
    specs = []
    if store:
        specs.append(_redis(settings, store, ports, secrets))
    if server:
        specs.append(_livekit(settings, server, bool(store), address, ports, secrets))
    specs += [_engine(endpoints, common), _worker(settings, ports, common)]
    return Plan(settings, address, endpoints, secrets, tuple(specs))


def ports_needed(address: Address, server: bool, store: bool) -> list[Need]:
    needs = [
        Need("page_port", "tcp", [*address.callers, LOOPBACK_6]),
        Need("health_port", "tcp", [LOOPBACK]),
        Need("metrics_port", "tcp", [LOOPBACK]),
    ]
    if server:
        needs += [
            Need("livekit_port", "tcp", address.callers),
            Need("rtc_udp_port", "udp", address.media),
            Need("turn_port", "udp", address.media),
        ]
        if not address.loopback:
            needs.append(Need("rtc_tcp_port", "tcp", [""]))
    if store:
        needs.append(Need("redis_port", "tcp", [LOOPBACK]))
    return needs


def _endpoints(settings: Settings, address: Address, ports: dict[str, int]) -> Endpoints:
    internal = settings.livekit.url or f"ws://{LOOPBACK}:{ports['livekit_port']}"
    public = settings.livekit.public_url or settings.livekit.url
    page = ports["page_port"]
    state = settings.state_dir.absolute()
    return Endpoints(
        page=f"http://{LOOPBACK}:{page}",
        page_lan="" if address.loopback else f"http://{address.ip}:{page}",
        livekit=public or f"ws://{address.ip}:{ports['livekit_port']}",
        livekit_internal=internal,
        engine=str(run_dir(state) / "engine.sock"),
        health=f"http://{LOOPBACK}:{ports['health_port']}",
        metrics=f"http://{LOOPBACK}:{ports['metrics_port']}/metrics",
        redis=f"{LOOPBACK}:{ports['redis_port']}" if "redis_port" in ports else "",
        ports=ports,
        log_dir=str(state / "logs"),
    )


def _environment(settings: Settings, address: Address, endpoints: Endpoints) -> dict[str, str]:
    """What the engine and the worker are told, over whatever their own sources say."""
    values = {
        "PROFILE": settings.profile,
        "STATE_DIR": str(settings.state_dir.absolute()),
        "MODELS_DIR": str(settings.models_dir.absolute()),
        "LOG__FORMAT": "json",
        "LOG__LEVEL": settings.log.level,
        "NETWORK__LISTEN": settings.network.listen,
        "NETWORK__ADDRESS": "" if address.loopback else address.ip,
        **{f"NETWORK__{name.upper()}": str(port) for name, port in endpoints.ports.items()},
    }
    return {f"EARSHOT_{name}": value for name, value in values.items()}


def _redis(
    settings: Settings, program: str, ports: Mapping[str, int], secrets: Credentials
) -> Spec:
    port, password = ports["redis_port"], secrets.redis_password
    path = _write(settings, "redis.conf", redis.render(port, password))
    return Spec(
        name="redis",
        command=(program, str(path)),
        probe=probes.redis(port, password),
        start_timeout_s=10.0,
        stop_timeout_s=0.2,
        hopeless=frozenset({1}),
    )


def _livekit(
    settings: Settings,
    program: str,
    store: bool,
    address: Address,
    ports: Mapping[str, int],
    secrets: Credentials,
) -> Spec:
    configuration = livekit.Configuration(
        node_ip=address.ip,
        port=ports["livekit_port"],
        rtc_udp_port=ports["rtc_udp_port"],
        rtc_tcp_port=ports.get("rtc_tcp_port", 0),
        turn_port=ports["turn_port"],
        key_file=credentials.folder(settings.state_dir).absolute() / credentials.KEY_FILE,
        bind_addresses=[] if address.foreign else address.callers,
        media_addresses=[] if address.foreign else address.media,
        loopback=address.loopback,
        redis_address=f"{LOOPBACK}:{ports['redis_port']}" if store else "",
        redis_password=secrets.redis_password if store else "",
        webhook_key=secrets.api_key,
        webhook_urls=_webhook_urls(settings, ports),
    )
    path = _write(settings, "livekit.yaml", livekit.render(configuration))
    return Spec(
        name="livekit",
        command=(program, "--config", str(path)),
        probe=probes.http(ports["livekit_port"]),
        after=("redis",) if store else (),
        needs=("redis",) if store else (),
        start_timeout_s=10.0,
        stop_timeout_s=0.5,
        # the first SIGTERM waits, without limit, for callers to leave; the worker has seen to them
        stop_signals=2,
        # what it can't start with, it prints, and ends with 0
        hopeless=frozenset({0, 1}),
    )


def _webhook_urls(settings: Settings, ports: Mapping[str, int]) -> list[str]:
    log = f"http://{LOOPBACK}:{ports['page_port']}{WEBHOOK_PATH}"
    return [*([log] if settings.calls.enabled else []), *settings.livekit.webhooks]


def _engine(endpoints: Endpoints, environment: Mapping[str, str]) -> Spec:
    socket = Path(endpoints.engine)
    return Spec(
        name="engine",
        command=(*_PYTHON, "engine", "--socket", str(socket)),
        environment=environment,
        probe=probes.engine(socket),
        start_timeout_s=600.0,  # gigabytes from a slow disk
        stop_timeout_s=0.5,  # nobody asks it any more
        probe_interval_s=1.0,
        explain=lambda fault: running.explain(socket.parent, fault),
        hopeless=frozenset({2}),
    )


def _worker(settings: Settings, ports: Mapping[str, int], environment: Mapping[str, str]) -> Spec:
    return Spec(
        name="worker",
        command=(*_PYTHON, "worker"),
        environment=environment,
        probe=probes.http(ports["page_port"], "/readyz", alive="/healthz"),
        probe_failures=5,  # a new start costs calls
        needs=("engine", "livekit"),
        start_timeout_s=60.0,
        stop_timeout_s=settings.calls.drain_s + 0.5,
        hopeless=frozenset({2}),
    )


def _write(settings: Settings, name: str, text: str) -> Path:
    """A configuration file: it may hold a secret, so it is private from its first byte."""
    path = run_dir(settings.state_dir).absolute() / name
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    part.touch(mode=0o600)
    part.write_text(text)
    part.replace(path)
    return path
