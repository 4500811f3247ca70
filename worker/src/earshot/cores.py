"""How many cores there are for this process, and how the three models divide them."""

import math
import os
from dataclasses import dataclass
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")


def cores(cgroup: Path = CGROUP) -> int:
    """Cores that this process may use: those it may run on, or less where a container is limited
    (`cpus: 2` leaves all of the machine's cores in sight)."""
    allowed = len(os.sched_getaffinity(0))
    quota = _quota(cgroup)
    return allowed if quota is None else max(1, min(allowed, math.ceil(quota)))


def _quota(cgroup: Path) -> float | None:
    for quota_file, period_file in (
        ("cpu.max", ""),
        ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us"),
    ):
        try:
            words = (cgroup / quota_file).read_text().split()
            if period_file:
                words += (cgroup / period_file).read_text().split()
            quota, period = words
            if quota not in ("max", "-1"):
                return int(quota) / int(period)
        except (OSError, ValueError, ZeroDivisionError):
            continue
    return None


@dataclass(frozen=True)
class CoreShares:
    """CPU threads of each model.

    Together they are no more than the cores from five cores on: with several calls all models work
    at once. The recogniser has two even on two cores. While somebody speaks, the others have little
    to do, and its threads sleep while they wait (`OMP_WAIT_POLICY`): on two cores that had other
    work too, a decode of 3.7 s by Whisper base took 0.33 s in place of 0.68 s (median of 25 in
    turn). Pools that spin while they wait are another matter: two of two threads on two
    cores are seven times slower than two of one.
    """

    stt: int
    llm: int
    voice: int

    @classmethod
    def of(cls, cores: int) -> "CoreShares":
        llm = max(1, cores // 2)
        voice = max(1, cores // 8)  # a core speaks for ten calls
        return cls(stt=max(min(2, cores), cores - llm - voice), llm=llm, voice=voice)

    @classmethod
    def of_this_machine(cls) -> "CoreShares":
        return cls.of(cores())
