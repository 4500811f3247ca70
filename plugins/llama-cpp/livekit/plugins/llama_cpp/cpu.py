"""The processor: its name and what it can do."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_INFO = Path("/proc/cpuinfo")


@dataclass(frozen=True, slots=True)
class Cpu:
    name: str
    features: tuple[str, ...]
    """As the kernel calls them, sorted: those that it and the hypervisor let through."""


@cache
def this_cpu() -> Cpu:
    return read(_INFO)


def read(info: Path) -> Cpu:
    """The first processor of a file like /proc/cpuinfo; where there is none, its architecture."""
    fields: dict[str, str] = {}
    try:
        for line in info.read_text(errors="replace").split("\n\n")[0].splitlines():
            key, _, value = line.partition(":")
            fields.setdefault(key.strip(), value.strip())
    except OSError:
        pass
    name = fields.get("model name") or platform.processor() or platform.machine()
    features = fields.get("flags") or fields.get("Features") or ""
    part = fields.get("CPU part", "")  # what ARM has for a name
    return Cpu(" ".join(filter(None, (name, part))), tuple(sorted(features.split())))
