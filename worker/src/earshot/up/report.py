"""How everything is, as one document: what the screen shows and `earshot status --json` prints."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psutil

from ..endpoints import Endpoints
from . import logs
from .probes import NoAnswerError, get
from .service import Status

_NAME = "services.json"


def remember(run: Path, services: Mapping[str, Status]) -> None:
    """Leaves the services' states where `earshot status` finds them."""
    path = run / _NAME
    part = path.with_suffix(".part")
    part.write_text(json.dumps({name: asdict(status) for name, status in services.items()}))
    part.replace(path)


def recall(run: Path) -> dict[str, Status]:
    """What was left; empty when there is nothing."""
    try:
        return {name: Status(**status) for name, status in json.loads(_text(run)).items()}
    except (OSError, ValueError, TypeError):
        return {}


def forget(run: Path) -> None:
    (run / _NAME).unlink(missing_ok=True)


def _text(run: Path) -> str:
    return (run / _NAME).read_text()


@dataclass(frozen=True)
class Look:
    """What has to be read from the kernel and from disk."""

    memory_bytes: Mapping[str, int] = field(default_factory=dict)
    errors: Sequence[Mapping[str, str]] = ()


def look(endpoints: Endpoints, services: Mapping[str, Status]) -> Look:
    """Takes some 10 ms: not for an event loop."""
    return Look(
        {name: _memory_bytes(status.pid) for name, status in services.items() if status.pid},
        logs.last_errors(Path(endpoints.log_dir)),
    )


async def calls(endpoints: Endpoints) -> dict[str, Any]:
    """What the worker's web app says of its calls; empty when it does not answer."""
    try:
        status, body = await get(endpoints.ports["page_port"], "/api/status")
        value = json.loads(body) if status == 200 else {}
    except (NoAnswerError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def make(
    endpoints: Endpoints, services: Mapping[str, Status], calls: Mapping[str, Any], look: Look
) -> dict[str, Any]:
    """The document."""
    ready = bool(services) and all(status.state == "ready" for status in services.values())
    return {
        "ready": ready,
        "page": endpoints.page,
        "page_lan": endpoints.page_lan,
        "livekit": endpoints.livekit,
        "livekit_internal": endpoints.livekit_internal,
        "engine": endpoints.engine,
        "redis": endpoints.redis,
        "health": endpoints.health,
        "metrics": endpoints.metrics,
        "logs": endpoints.log_dir,
        "ports": endpoints.ports,
        "pids": endpoints.pids,
        "services": {
            name: _service(status, look.memory_bytes.get(name, 0))
            for name, status in services.items()
        },
        "calls": {key: calls[key] for key in ("calls", "calls_max", "waiting") if key in calls},
        "demonstration": calls.get("demonstration") is True,
        "errors": list(look.errors),
    }


def _service(status: Status, memory_bytes: int) -> dict[str, Any]:
    return {
        "state": status.state,
        "why": status.why,
        "pid": status.pid,
        "uptime_s": round(time.time() - status.since, 1) if status.since else 0.0,
        "restarts": status.restarts,
        "memory_bytes": memory_bytes if status.pid else 0,
    }


def _memory_bytes(pid: int) -> int:
    """Of a process and all that it started; what they share counts once."""
    try:
        root = psutil.Process(pid)
        family = [root, *root.children(recursive=True)]
    except psutil.Error:
        return 0
    return sum(pss_bytes(process) for process in family)


def pss_bytes(process: psutil.Process) -> int:
    """Its memory; what several processes share counts in parts."""
    try:
        for line in Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass
    try:  # another user's
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0
