"""All that a load test measured; kept as one JSON file, which `--compare` and `--show` read."""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import click
from pydantic import TypeAdapter, ValidationError

from ..errors import OutputError
from .machine import Load, Machine
from .measures import Summary, summary
from .records import Call

FORMAT: Literal["earshot-load-test/1"] = "earshot-load-test/1"
EndedBy = Literal["limit", "calls failed", "turns late"]
BYTES_MAX = 100 * 1024 * 1024


@dataclass(frozen=True)
class Step:
    """One number of calls at once."""

    calls: int
    load: Load
    held: list[Call]
    """every call, with every turn"""

    @property
    def summary(self) -> Summary:
        return summary(self.held)


@dataclass(frozen=True)
class Capacity:
    """The most calls that were answered in time."""

    calls: int
    """0: not even one"""
    p95_s: float
    """in time: the 95th percentile of voice to voice is no more than this"""
    ended_by: EndedBy
    """`limit`: more calls than this were not tried"""
    tried: list[int]


@dataclass
class Result:
    """What was measured, where and how."""

    began: str
    """ISO 8601"""
    earshot: str
    """version"""
    server: str
    """livekit-server"""
    here: bool
    """whether Earshot runs on the machine on which the callers are"""
    machine: Machine
    for_s: float
    interrupt_every: int
    questions: int
    steps: list[Step] = field(default_factory=list)
    capacity: Capacity | None = None
    stopped: bool = False
    """it was interrupted by hand: steps are missing"""
    format: Literal["earshot-load-test/1"] = FORMAT

    def to_dict(self) -> dict[str, Any]:
        """With a summary in each step, for whoever reads the JSON."""
        data = asdict(self)
        for step, entry in zip(self.steps, data["steps"], strict=True):
            entry["summary"] = asdict(step.summary)
        return data


_RESULT = TypeAdapter(Result)


def read(path: Path) -> Result:
    """A saved result.

    Raises:
        click.UsageError: not there, or no such result.
    """
    try:
        with path.open("rb") as file:
            text = file.read(BYTES_MAX + 1)
        if len(text) > BYTES_MAX:
            raise click.UsageError(f"{path}: larger than any result of a load test")
        data = json.loads(text)
        for step in data["steps"]:
            step.pop("summary", None)
        return _RESULT.validate_python(data)
    except OSError as e:
        raise click.UsageError(f"{path}: {e.strerror or e}") from e
    except ValidationError as e:
        first = e.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise click.UsageError(f"{path}: {where}: {first['msg']}") from e
    except (ValueError, TypeError, KeyError, AttributeError) as e:
        raise click.UsageError(
            f"{path}: no saved result; what `earshot load-test --save` wrote was expected"
        ) from e


def check_writable(path: Path) -> None:
    """Before minutes are spent on what could then not be written.

    Raises:
        OutputError: a file cannot be written there.
    """
    if path.is_dir():
        raise OutputError(f"{path}: a folder; a file to write was expected")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise OutputError(f"{path}: cannot be written")


def write(path: Path, text: str | bytes) -> None:
    """In one step: a reader sees the old file or the new one, whole.

    Raises:
        OutputError: it cannot be written.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        part.write_bytes(text.encode() if isinstance(text, str) else text)
        part.replace(path)
    except OSError as e:
        part.unlink(missing_ok=True)
        raise OutputError(f"{path}: cannot be written: {e.strerror or e}") from e
