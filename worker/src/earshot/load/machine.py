"""CPU and memory while a load runs: of the whole machine, of the callers, of Earshot.

A share of CPU is a share of all cores that this machine lets us use.
"""

import asyncio
import contextlib
import platform
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil

from ..cores import cores
from ..up.report import pss_bytes

EVERY_S = 1.0
MEMORY_EVERY = 5
"""looks at memory at every so many looks at CPU: the kernel has to walk through it"""


@dataclass(frozen=True)
class Machine:
    """Where it was measured."""

    cpu: str
    cores: int
    memory_bytes: int

    @classmethod
    def here(cls) -> "Machine":
        return cls(_cpu_name(), cores(), int(psutil.virtual_memory().total))


@dataclass
class Load:
    """What was used while the calls went on; a share of 1 is all cores."""

    seconds: float = 0.0
    cpu: float = 0.0
    """of everything on the machine"""
    cpu_callers: float = 0.0
    """of the simulated callers, which are on this machine too"""
    cpu_earshot: float | None = None
    """of all processes of `earshot up`; None: it runs elsewhere, or is not known"""
    memory_bytes: int = 0
    """in use on the machine, at most"""
    memory_earshot_bytes: int | None = None
    """of these processes, what they share counted once, at most"""

    @property
    def cpu_others(self) -> float | None:
        """Of neither: what else the machine had to do, its kernel's network included."""
        if self.cpu_earshot is None:
            return None
        return max(0.0, self.cpu - self.cpu_callers - self.cpu_earshot)


class Meter:
    """Looks once a second, from `start` to `stop`.

    Args:
        callers: the callers' processes.
        earshot: those of `earshot up`, where it runs here; its children are found.
    """

    def __init__(self, callers: Iterable[int], earshot: Iterable[int]) -> None:
        self._callers = Group(callers)
        self._earshot = Group(earshot)
        self._looking: asyncio.Task[None] | None = None
        self._memory = self._memory_earshot = 0

    def start(self) -> None:
        self._began = asyncio.get_running_loop().time()
        self._busy = _busy_s()
        self._callers.look()
        self._earshot.look()
        self._looking = asyncio.create_task(self._look())

    async def stop(self) -> Load:
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)
        self._callers.look()
        self._earshot.look()
        seconds = max(1e-6, asyncio.get_running_loop().time() - self._began)
        of = seconds * cores()
        here = self._earshot.known
        return Load(
            seconds=round(seconds, 1),
            cpu=round(min(1.0, (_busy_s() - self._busy) / of), 4),
            cpu_callers=round(self._callers.used_s / of, 4),
            cpu_earshot=round(self._earshot.used_s / of, 4) if here else None,
            memory_bytes=self._memory,
            memory_earshot_bytes=self._memory_earshot if here else None,
        )

    async def _look(self) -> None:
        count = 0
        while True:
            self._callers.look()
            self._earshot.look()
            memory = psutil.virtual_memory()
            self._memory = max(self._memory, int(memory.total - memory.available))
            if count % MEMORY_EVERY == 0 and self._earshot.known:
                used = await asyncio.to_thread(self._earshot.memory_bytes)
                self._memory_earshot = max(self._memory_earshot, used)
            count += 1
            await asyncio.sleep(EVERY_S)


class Group:
    """Processes and all that they start; those that end are counted until the look before."""

    def __init__(self, roots: Iterable[int]) -> None:
        self._roots = list(roots)
        self._first: dict[tuple[int, float], float] = {}
        self._last: dict[tuple[int, float], float] = {}
        self._looked = False

    @property
    def known(self) -> bool:
        return bool(self._last)

    @property
    def used_s(self) -> float:
        """Seconds of CPU since the first look."""
        return sum(last - self._first[key] for key, last in self._last.items())

    def look(self) -> None:
        for process in self._family():
            with contextlib.suppress(psutil.Error):
                key = (process.pid, process.create_time())
                spent = sum(process.cpu_times()[:2])
                # one that came later has spent all of it since the first look
                self._first.setdefault(key, 0.0 if self._looked else spent)
                self._last[key] = spent
        self._looked = True

    def memory_bytes(self) -> int:
        """Proportional set size: what several share counts once."""
        return sum(pss_bytes(process) for process in self._family())

    def _family(self) -> list[psutil.Process]:
        found: dict[int, psutil.Process] = {}
        for pid in self._roots:
            with contextlib.suppress(psutil.Error):
                root = psutil.Process(pid)
                for process in (root, *root.children(recursive=True)):
                    found[process.pid] = process
        return list(found.values())


def _busy_s() -> float:
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - getattr(times, "iowait", 0.0) - times.guest)


def _cpu_name() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
