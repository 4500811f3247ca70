"""What trials found, kept on disk: a model is tried once with a build on a processor.

One small JSON file, the entry used last at its end. What is damaged counts as empty; where nothing
can be written, every start tries anew.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from . import native
from .cpu import Cpu
from .log import logger

_FILE = "llama-cpp-variants.json"
_MOST = 64


@dataclass
class Verdict:
    """What is known of one model, build and processor."""

    model: str
    cpu: str
    scores: dict[str, int] = field(default_factory=dict)
    """Of each variant; 0 = it can't run here."""
    good: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    """Variant -> what it died of."""


def key(model: Path, cpu: Cpu, gpu_layers: int | None) -> str:
    """Of a file as it is now, of the build beside libllama, and of what the processor can do."""
    about = model.resolve()
    parts: list[Any] = [cpu.name, cpu.features, gpu_layers, str(about), *_stamp(about)]
    for file in sorted(native.folder.glob("*.so*")):
        parts += [file.name, *_stamp(file)]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def folder() -> Path:
    """Where verdicts are kept if nobody says otherwise."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "livekit-plugins-llama-cpp"


def recall(cache_dir: Path, key: str) -> Verdict | None:
    """None: never tried."""
    return _entries(cache_dir / _FILE).get(key)


@contextlib.contextmanager
def alone(cache_dir: Path) -> Iterator[None]:
    """Lets one process at a time try and remember; others wait for what it finds."""
    try:
        cache_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = (cache_dir / f"{_FILE}.lock").open("a")
    except OSError:
        yield  # read-only: nothing to share
        return
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def remember(cache_dir: Path, key: str, verdict: Verdict) -> None:
    """Call it inside `alone`."""
    path = cache_dir / _FILE
    entries = _entries(path)
    entries.pop(key, None)
    entries[key] = verdict
    kept = list(entries.items())[-_MOST:]
    part = path.with_suffix(".part")
    try:
        part.write_text(json.dumps({name: asdict(entry) for name, entry in kept}, indent=1))
        part.replace(path)
    except OSError as e:
        logger.debug("%s: the verdict is not kept (%s)", path, e.strerror)


def _entries(path: Path) -> dict[str, Verdict]:
    try:
        read = json.loads(path.read_text())
        return {str(name): _checked(entry) for name, entry in read.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _checked(entry: dict[str, Any]) -> Verdict:
    verdict = Verdict(**entry)
    right = (
        all(isinstance(points, int) for points in verdict.scores.values())
        and all(isinstance(name, str) for name in (verdict.model, verdict.cpu, *verdict.good))
        and all(isinstance(why, str) for why in verdict.refused.values())
    )
    if not right:
        raise ValueError("not a verdict")
    return verdict


def _stamp(file: Path) -> tuple[int, int]:
    at = file.stat()
    return at.st_size, at.st_mtime_ns
