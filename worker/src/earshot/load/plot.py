"""A result as a picture: every latency by calls at once, and what the machine had to do."""

import io
from collections.abc import Callable
from typing import Any

import click

from .measures import Summary
from .result import Result, Step

POINT, LINE, GREY = "#1f6feb", "#24292f", "#b8bec8"
SHARES: tuple[tuple[str, str, Callable[[Step], float | None]], ...] = (
    ("Earshot", "#1f6feb", lambda s: s.load.cpu_earshot),
    ("the callers", "#8fb8ff", lambda s: s.load.cpu_callers),
    ("anything else", "#b8bec8", lambda s: s.load.cpu_others),
)
FAILED = "#cf222e"


def check() -> None:
    """Before minutes are spent on what could then not be drawn.

    Raises:
        click.UsageError: matplotlib is not installed.
    """
    try:
        import matplotlib  # noqa: F401
    except ImportError as e:
        raise click.UsageError(
            "--plot draws with matplotlib, which is not installed here (pip install matplotlib);"
            " --save keeps the result, and --show FILE --plot draws it elsewhere"
        ) from e


def plot(result: Result) -> bytes:
    """A PNG."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, (left, middle, right) = plt.subplots(
        1, 3, figsize=(11, 4.2), gridspec_kw={"width_ratios": [2.2, 1.2, 1.2]}
    )
    _latencies(left, result)
    _quality(middle, result)
    _load(right, result)
    for axis in (left, middle, right):
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(axis="y", alpha=0.3)
        axis.set_xlabel("calls at once", fontsize=8)
        axis.tick_params(labelsize=8)
        axis.set_xticks(range(len(result.steps)), [str(s.calls) for s in result.steps])
        axis.set_xlim(-0.6, len(result.steps) - 0.4)
    figure.tight_layout()
    out = io.BytesIO()
    figure.savefig(out, dpi=120, format="png")
    plt.close(figure)
    return out.getvalue()


def _latencies(axis: Any, result: Result) -> None:
    for i, step in enumerate(result.steps):
        found = step.summary.voice_to_voice
        values = [t.latency_s for call in step.held for t in call.turns if t.latency_s is not None]
        offsets = [i + 0.26 * ((k * 7) % 11 - 5) / 5 for k in range(len(values))]
        axis.scatter(offsets, values, s=12, alpha=0.5, color=POINT, linewidths=0)
        for value, style in ((found.p50, "-"), (found.p95, ":")):
            if value is not None:
                axis.plot([i - 0.36, i + 0.36], [value, value], style, color=LINE, lw=1.5)
                axis.text(i + 0.38, value, f"{value:.2f}", fontsize=7, va="center")
    if result.capacity is not None:
        axis.axhline(result.capacity.p95_s, color=FAILED, lw=1, ls="--")
    axis.set_ylim(bottom=0)
    axis.set_ylabel("s", fontsize=8)
    axis.set_title(
        "Voice to voice at the caller: each answer\n(line: median, dotted: 95th percentile)",
        fontsize=9,
    )


def _quality(axis: Any, result: Result) -> None:
    lines: tuple[tuple[str, str, Callable[[Summary], float | None]], ...] = (
        ("words heard wrong", "#d0632b", lambda s: s.word_errors.value),
        ("wrong answers", "#e3a008", lambda s: _not(s.right.value)),
        ("turns unanswered", FAILED, lambda s: s.unanswered.value),
        ("calls failed", LINE, lambda s: _not(s.held.value)),
    )
    for name, colour, of in lines:
        values = [of(step.summary) for step in result.steps]
        known = [(i, 100 * v) for i, v in enumerate(values) if v is not None]
        if known:
            axis.plot(*zip(*known, strict=True), marker="o", ms=4, color=colour, label=name)
    axis.set_ylim(-0.4, max(10.0, 1.5 * axis.get_ylim()[1]))  # room for the legend
    axis.set_ylabel("%", fontsize=8)
    axis.set_title("What went wrong", fontsize=9)
    axis.legend(fontsize=7, frameon=False)


def _not(value: float | None) -> float | None:
    return None if value is None else 1 - value


def _load(axis: Any, result: Result) -> None:
    below = [0.0] * len(result.steps)
    for name, colour, of in SHARES:
        values = [100 * (of(step) or 0.0) for step in result.steps]
        if any(values):
            axis.bar(range(len(values)), values, 0.6, bottom=below, color=colour, label=name)
        below = [a + b for a, b in zip(below, values, strict=True)]
    axis.set_ylim(0, 125)
    axis.set_yticks(range(0, 101, 25))
    axis.set_ylabel("% of all cores", fontsize=8)
    axis.set_title("CPU meanwhile", fontsize=9)
    axis.legend(fontsize=7, frameon=False, loc="upper left", ncol=1)
    for i, step in enumerate(result.steps):
        axis.text(i, 101, f"{_memory(step)}", fontsize=7, ha="center")


def _memory(step: Step) -> str:
    return f"{step.load.memory_bytes / 1e9:.1f} GB"
