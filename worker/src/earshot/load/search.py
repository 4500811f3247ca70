"""The most calls that are still answered in time: doubled until it fails, then halved between."""

from collections.abc import Awaitable, Callable

from .result import Capacity, EndedBy, Step


async def find(hold: Callable[[int], Awaitable[Step]], most: int, p95_s: float) -> Capacity:
    """At most 2 * log2(most) + 2 trials.

    Args:
        hold: holds so many calls at once.
        most: more are not tried.
        p95_s: in time; a turn without an answer counts as one that takes for ever.
    """
    tried: list[int] = []
    good, bad = 0, most + 1
    ended_by: EndedBy = "limit"
    calls = 1
    while good + 1 < bad:
        step = await hold(calls)
        tried.append(calls)
        if why := failure(step, p95_s):
            bad, ended_by = calls, why
        else:
            good = calls
        calls = min(2 * good, most) if bad > most else (good + bad) // 2
    return Capacity(good, p95_s, ended_by, tried)


def failure(step: Step, p95_s: float) -> EndedBy | None:
    """Why so many calls are too many; None: they are not."""
    found = step.summary
    if found.held.some < found.held.of:
        return "calls failed"
    p95 = found.p95_with_lost_s
    return "turns late" if p95 is None or p95 > p95_s else None
