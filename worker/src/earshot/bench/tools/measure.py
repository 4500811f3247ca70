"""Puts every case to a decider and counts. Knows nothing of how it decides."""

import statistics
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .cases import Case, decided, same

Decided = tuple[str, Mapping[str, Any]] | None
Decide = Callable[[Case], Awaitable[Decided]]


@dataclass(frozen=True)
class Outcome:
    """What was decided for a case."""

    case: Case
    tool: str | None
    arguments: Mapping[str, Any]
    ms: float

    @property
    def decision(self) -> bool:
        return decided(self.case, self.tool)

    @property
    def right(self) -> bool:
        """Tool and arguments."""
        return self.decision and (self.tool is None or same(self.case, self.arguments))

    @property
    def false_call(self) -> bool:
        """A call where none was to be made."""
        return self.case.tool is None and self.tool is not None


async def measure(cases: Iterable[Case], decide: Decide) -> list[Outcome]:
    """Times are of what is ready: each kind of case is decided once before it counts."""
    outcomes = []
    ready: set[tuple[str, str]] = set()
    for case in cases:
        if (kind := (case.offered, case.language)) not in ready:
            await decide(case)
            ready.add(kind)
        started = time.perf_counter()
        found = await decide(case)
        ms = (time.perf_counter() - started) * 1000
        tool, arguments = found or (None, {})
        outcomes.append(Outcome(case, tool, arguments, ms))
    return outcomes


def summary(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Figures of a group: shares in percent, times in ms; None where there is nothing to count."""
    calls = [o for o in outcomes if o.tool is not None]
    wanted = [o for o in outcomes if o.case.tool is not None]
    none = [o for o in outcomes if o.case.tool is None]
    times = sorted(o.ms for o in outcomes)
    return {
        "cases": len(outcomes),
        "decision": _share(o.decision for o in outcomes),
        "right": _share(o.right for o in outcomes),
        "precision": _share(o.right for o in calls),
        "recall": _share(o.right for o in wanted),
        "false_calls": _share(o.false_call for o in none),
        "median_ms": round(statistics.median(times), 2) if times else None,
        "p95_ms": round(times[int(len(times) * 0.95)], 2) if times else None,
    }


def groups(outcomes: Sequence[Outcome]) -> dict[str, dict[str, Any]]:
    """All, then by whether it was heard, by language and by tool."""
    found: dict[str, list[Outcome]] = {"all": list(outcomes)}
    for outcome in outcomes:
        case = outcome.case
        names = ("heard" if case.heard else "written", case.language, case.tool or "no tool")
        for name in names:
            found.setdefault(name, []).append(outcome)
    return {name: summary(group) for name, group in found.items()}


def _share(hits: Iterable[bool]) -> float | None:
    each = list(hits)
    return round(100 * sum(each) / len(each), 1) if each else None
