"""What the calls say: rows beside the rival, and a line for each answer."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from .call import WAYS, Measured
from .row import Row

STOP_MS = 300.0


@dataclass(frozen=True)
class Aim:
    """What was aimed at on two cores."""

    ratio: float
    median_ms: float
    p95_ms: float | None = None


AIMS = {"starter": Aim(0.45, 400.0, 600.0), "mini": Aim(0.30, 900.0, 1300.0)}
LARGER = Aim(0.30, 1500.0)


def rows(measured: Measured, profile: str = "starter") -> list[Row]:
    """Ours beside stock; where there is no rival, beside what was aimed at."""
    aim = AIMS.get(profile, LARGER)
    ours, stock, echo = (measured.latencies(way) for way in WAYS)
    of = f"{len(ours)} answers"
    found = [
        Row("voice to voice at the caller, median", of, _median(ours), _median(stock), aim.ratio),
        Row("the same, p95", of, p95(ours), p95(stock)),
        Row("aimed at: median", of, _median(ours), None, aim.median_ms),
        *([Row("aimed at: p95", of, p95(ours), None, aim.p95_ms)] if aim.p95_ms else []),
        Row("of which the way there and back (an echo)", f"{len(echo)} echoes", _median(echo)),
    ]
    stops = measured.stops
    if stops.get("ours") and stops.get("stock"):
        of = f"{len(stops['ours'])} interruptions"
        found += [
            Row("barge-in: first sound -> silence, median", of, _median(stops["ours"]),
                _median(stops["stock"])),
            Row("aimed at: barge-in", of, _median(stops["ours"]), None, STOP_MS),
        ]  # fmt: skip
    for calls in sorted({a.calls for a in measured.asked} - {1}):
        ours, stock = (measured.latencies(way, calls) for way in WAYS[:2])
        lost = measured.lost("ours", calls), measured.lost("stock", calls)
        of = f"{len(ours)} answers"
        if any(lost):
            of += f"; lost {lost[0]} (stock {lost[1]})"
        found += [
            Row(f"{calls} calls at once, median", of, _median(ours), _median(stock)),
            Row(f"{calls} calls at once, p95", of, p95(ours), p95(stock)),
        ]
    return found


def _median(values: Sequence[float]) -> float:
    return statistics.median(values) if values else float("nan")


def p95(values: Sequence[float]) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))] if ordered else float("nan")


def details(measured: Measured) -> list[str]:
    """A line for each answer of ours, with the stages of its record."""
    lines = []
    for a in measured.asked:
        if a.way == "echo":
            continue
        stages = (a.turn or {}).get("latency_ms", {})
        shown = "  ".join(f"{k} {v:.0f}" for k, v in stages.items() if v is not None)
        ms = "no answer" if a.latency_ms is None else f"{a.latency_ms:.0f} ms"
        lines.append(f"{a.way} ({a.calls}): {ms}  {a.text!r} -> {a.reply!r}  {shown}")
    lines.append(f"a caller's microphone was late by {measured.late_ms:.0f} ms at most")
    return lines
