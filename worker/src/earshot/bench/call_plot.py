"""The budget of one turn, from microphone to ear, and how latencies are spread."""

import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .call import WAYS, Measured
from .call_rows import p95

COLOURS = {"ours": "#1f6feb", "stock": "#b8bec8", "echo": "#8fb8ff"}
NAMES = {"ours": "Earshot", "stock": "stock", "echo": "echo (the way alone)"}


@dataclass(frozen=True)
class Stage:
    """A stretch of the median turn, in ms after the caller's last voiced sample."""

    name: str
    begin_ms: float
    end_ms: float


def budget(measured: Measured) -> list[Stage]:
    """The median turn of ours, without tools: the records of the agent on the caller's clock.

    The way there is taken for half of an echo; stages overlap, as most of the work is done while
    the silence that ends the turn is waited for.
    """
    answers = [
        a for a in measured.asked
        if a.way == "ours" and a.calls == 1 and a.turn and a.latency_ms and not a.turn["tools"]
    ]  # fmt: skip
    echo = measured.latencies("echo")
    if not answers or not echo:
        return []
    way = statistics.median(echo) / 2
    total = _median([a.latency_ms for a in answers])
    transcript = max(way, _median([a.transcript_ms for a in answers]))

    def stage(name: str) -> float:
        return _median([a.turn["latency_ms"].get(name) for a in answers if a.turn])

    clause = transcript + stage("first_clause")
    voice = clause + stage("tts_ttfb")
    over = way + stage("endpointing")
    out = min(total, max(over, voice, way + stage("voice_to_voice")))
    return [
        Stage("to the agent", 0.0, way),
        Stage("a little silence; words", way, transcript),
        Stage("language model: first clause", transcript, clause),
        Stage("voice: first sound, kept back", clause, voice),
        Stage("silence that ends the turn", way, over),
        Stage("the sound is let out", max(over, voice), out),
        Stage("to the caller's ear", out, total),
    ]


def _median(values: list[float | None]) -> float:
    known = [v for v in values if v is not None]
    return statistics.median(known) if known else 0.0


def plot(measured: Measured, path: Path) -> None:
    """Three panels: the budget, every latency, and calls at once."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, (top, middle, bottom) = plt.subplots(
        3, 1, figsize=(9, 9), gridspec_kw={"height_ratios": [1.3, 1, 1]}
    )
    _budget(top, budget(measured))
    _spread(middle, measured)
    _at_once(bottom, measured)
    for axis in (top, middle, bottom):
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(axis="x", alpha=0.3)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
    plt.close(figure)


def _budget(axis: Any, stages: list[Stage]) -> None:
    shades = ["#8fb8ff", "#e3a008", "#2da44e", "#0b8a6a", "#d0632b", "#1f6feb", "#8fb8ff"]
    for i, (stage, colour) in enumerate(zip(stages, shades, strict=False)):
        axis.barh(i, stage.end_ms - stage.begin_ms, 0.6, left=stage.begin_ms, color=colour)
        axis.text(
            stage.end_ms, i, f" {stage.end_ms - stage.begin_ms:.0f} ms", va="center", fontsize=8
        )
    axis.set_yticks(range(len(stages)), [s.name for s in stages], fontsize=8)
    axis.invert_yaxis()
    axis.set_title(
        "One turn, from the caller's microphone to the caller's ear (median)", fontsize=10
    )
    axis.set_xlabel("ms after the last voiced sample of the question", fontsize=8)


def _spread(axis: Any, measured: Measured) -> None:
    for i, way in enumerate(WAYS):
        values = measured.latencies(way)
        if not values:
            continue
        offsets = [i + 0.28 * ((k * 7) % 11 - 5) / 5 for k in range(len(values))]
        axis.scatter(values, offsets, s=14, alpha=0.6, color=COLOURS[way], linewidths=0)
        median = statistics.median(values)
        axis.plot([median, median], [i - 0.38, i + 0.38], color="#24292f", lw=1.5)
        axis.text(median, i - 0.42, f"{median:.0f} ms", ha="center", va="bottom", fontsize=8)
    axis.set_yticks(range(len(WAYS)), [NAMES[w] for w in WAYS], fontsize=8)
    axis.set_ylim(len(WAYS) - 0.4, -0.75)
    axis.set_xlim(left=0)
    axis.set_title("Voice to voice at the caller, one point an answer", fontsize=10)
    axis.set_xlabel("ms", fontsize=8)


def _at_once(axis: Any, measured: Measured) -> None:
    numbers = sorted({a.calls for a in measured.asked if a.way != "echo"})
    for i, calls in enumerate(numbers):
        for way, offset in (("ours", -0.2), ("stock", 0.2)):
            values = measured.latencies(way, calls)  # type: ignore[arg-type]
            if not values:
                continue
            median, high = statistics.median(values), p95(values)
            axis.barh(i + offset, median, 0.36, color=COLOURS[way],
                      label=NAMES[way] if i == 0 else None)  # fmt: skip
            axis.plot([median, high], [i + offset] * 2, color="#24292f", lw=1)
            axis.text(
                high, i + offset, f" {median:.0f} (p95 {high:.0f}) ms", va="center", fontsize=8
            )
    axis.set_yticks(range(len(numbers)), [f"{n} call{'s' * (n > 1)}" for n in numbers], fontsize=8)
    axis.invert_yaxis()
    axis.set_xlim(left=0)
    axis.set_title("Calls at once (bar: median, line: p95)", fontsize=10)
    axis.set_xlabel("ms", fontsize=8)
    axis.legend(fontsize=8, frameon=False, loc="lower right", bbox_to_anchor=(1, 1), ncol=2)
