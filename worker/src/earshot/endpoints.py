"""Where a running Earshot is reached: written by `earshot up`, read by whoever looks for it.

`STATE_DIR/run/endpoints.json` holds addresses, ports and process numbers, and no secret.
"""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

from .errors import NotRunningError

_NAME = "endpoints.json"


@dataclass(frozen=True)
class Endpoints:
    """Addresses and ports in force."""

    page: str
    """The web page for a browser on this machine, `http://127.0.0.1:8080`."""
    livekit: str
    """livekit-server for browsers, `ws://…`."""
    livekit_internal: str
    """livekit-server for the worker and other parts of the stack, `ws://…`."""
    engine: str
    """Path of the engine's Unix socket."""
    health: str
    """The worker's health, `http://127.0.0.1:8081`."""
    metrics: str
    """Metrics for Prometheus, `http://127.0.0.1:9464/metrics`."""
    page_lan: str = ""
    """The page for other machines; empty when only this one is served."""
    redis: str = ""
    """`127.0.0.1:6390`; empty when a single node runs without."""
    ports: dict[str, int] = field(default_factory=dict)
    """Ports by the names of their settings: `page_port`, `rtc_udp_port`, …"""
    pids: dict[str, int] = field(default_factory=dict)
    """Processes: `up` and each service that runs."""
    log_dir: str = ""
    """Where the services' logs are."""

    def write(self, state_dir: Path) -> None:
        """Writes the file in one step: a reader sees the old one or the new one, whole."""
        path = run_dir(state_dir) / _NAME
        part = path.with_suffix(f".{os.getpid()}")
        part.write_text(json.dumps(asdict(self), indent=2) + "\n")
        part.replace(path)


def run_dir(state_dir: Path) -> Path:
    """The folder of what exists while Earshot runs (mode 700); made if it is not there."""
    path = state_dir / "run"
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def read(state_dir: Path) -> Endpoints:
    """What `earshot up` wrote.

    Raises:
        NotRunningError: nothing runs with this state folder.
    """
    path = state_dir / "run" / _NAME
    try:
        return Endpoints(**json.loads(path.read_text()))
    except FileNotFoundError as e:
        raise NotRunningError(f"Earshot does not run here ({path} is not there)") from e
    except (OSError, ValueError, TypeError) as e:
        raise NotRunningError(f"{path}: not readable: {e}") from e


def remove(state_dir: Path) -> None:
    """Takes the file away; nothing happens when there is none."""
    (state_dir / "run" / _NAME).unlink(missing_ok=True)
