"""What the engine says about itself."""

import enum
import importlib.metadata
import os
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from ..cores import cores
from . import engine_pb2 as pb

LIBRARIES = (
    "ctranslate2", "faster-whisper", "llama-cpp-python", "onnxruntime", "piper-tts", "grpcio",
)  # fmt: skip


class State(enum.Enum):
    SERVING = "serving"
    STALLED = "stalled"
    """A native call doesn't come back: only a restart helps."""
    STOPPING = "stopping"


@dataclass(frozen=True)
class Health:
    state: State
    reason: str = ""
    """One line; empty when it serves."""

    @property
    def serving(self) -> bool:
        return self.state is State.SERVING


@dataclass(frozen=True)
class ModelStatus:
    kind: str
    """stt, llm or voice."""
    name: str
    path: str
    active: int
    """Requests that wait or are worked on, native calls that still have to come back included."""
    queued: int
    """Those that wait."""
    stalled_s: float
    """How long the native call under way has taken so far; infinite when it can't work any more."""


@dataclass(frozen=True)
class EngineStatus:
    health: Health
    version: str
    profile: str
    pid: int
    uptime_s: float
    """Since it listens: it does once its models are warm."""
    load: float
    """Processes that want a core, machine-wide, over the last minute."""
    cpu_s: float
    """CPU time this process has used."""
    cores: int
    """That it may use."""
    rss_bytes: int
    pss_bytes: int
    """Its share of memory: what it has alone, and its part of what others map too."""
    calls: int
    """gRPC calls in progress, this one not among them."""
    models: tuple[ModelStatus, ...]
    libraries: dict[str, str] = field(default_factory=dict)
    """Versions."""


def unpack_health(report: pb.HealthReport) -> Health:
    states = {pb.SERVING: State.SERVING, pb.STOPPING: State.STOPPING}
    return Health(states.get(report.state, State.STALLED), report.reason)


def unpack_status(report: pb.StatusReport) -> EngineStatus:
    return EngineStatus(
        health=unpack_health(report.health),
        version=report.version,
        profile=report.profile,
        pid=report.pid,
        uptime_s=report.uptime_s,
        load=report.load,
        cpu_s=report.cpu_s,
        cores=report.cores,
        rss_bytes=report.rss_bytes,
        pss_bytes=report.pss_bytes,
        calls=report.calls,
        models=tuple(
            ModelStatus(m.kind, m.name, m.path, m.active, m.queued, m.stalled_s)
            for m in report.models
        ),
        libraries=dict(report.libraries),
    )


def libraries() -> dict[str, str]:
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


@dataclass(frozen=True)
class Usage:
    """What this process takes of the machine, now. Reading it takes milliseconds: not on a loop."""

    load: float
    cpu_s: float
    cores: int
    rss_bytes: int
    pss_bytes: int

    @classmethod
    def now(cls) -> "Usage":
        rss = psutil.Process().memory_info().rss
        return cls(
            load=os.getloadavg()[0],
            cpu_s=time.process_time(),
            cores=cores(),
            rss_bytes=rss,
            pss_bytes=pss_bytes() or rss,
        )


def pss_bytes(pid: int | str = "self") -> int:
    """Proportional set size of a process; 0 where the kernel doesn't tell."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass
    return 0
