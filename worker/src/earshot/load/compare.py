"""A result against a saved one: what became worse, and by how much."""

from collections.abc import Callable
from dataclasses import dataclass

import click

from .measures import Share, Summary
from .result import Result

BUSIER = 0.1
"""of all cores: when something else took so much more than before, the comparison says so"""


@dataclass(frozen=True)
class Measure:
    """Something of which less is better."""

    name: str
    of: Callable[[Summary], float | None]
    least: float
    """a smaller difference is chance, whatever its share"""
    unit: str
    always: bool = False
    """every run has it: where it is gone, nobody was answered"""


def _failed(share: Share) -> float | None:
    return None if share.value is None else 1 - share.value


MEASURES = (
    Measure("calls that failed", lambda s: _failed(s.held), 0.0, "%"),
    Measure("turns without an answer", lambda s: s.unanswered.value, 0.01, "%"),
    Measure("voice to voice, p50", lambda s: s.voice_to_voice.p50, 0.03, "s", True),
    Measure("voice to voice, p95", lambda s: s.voice_to_voice.p95, 0.05, "s", True),
    Measure("transcript ready, p50", lambda s: s.transcript.p50, 0.03, "s", True),
    Measure("transcript ready, p95", lambda s: s.transcript.p95, 0.05, "s", True),
    Measure("agent joined, p50", lambda s: s.agent_join.p50, 0.1, "s", True),
    Measure("words heard wrong (WER)", lambda s: s.word_errors.value, 0.02, "%"),
    Measure("wrong answers", lambda s: _failed(s.right), 0.03, "%"),
    Measure("interruptions missed", lambda s: s.interruptions_missed.value, 0.1, "%"),
    Measure("falsely interrupted", lambda s: s.falsely_interrupted.value, 0.03, "%"),
    Measure("silent after, p50", lambda s: s.stop.p50, 0.05, "s"),
    Measure("audio concealed", lambda s: s.concealed.value, 0.005, "%"),
)


@dataclass(frozen=True)
class Difference:
    """One measure with one number of calls, before and now."""

    calls: int
    measure: Measure
    before: float | None
    now: float | None
    worse: bool

    @property
    def change(self) -> str:
        """`+12 %`"""
        if not self.before or self.now is None:
            return ""
        return f"{100 * (self.now / self.before - 1):+.0f} %"


def compare(before: Result, now: Result, worse_by: float) -> list[Difference]:
    """Every measure with every number of calls that both have.

    Args:
        worse_by: the share by which a measure may grow, 0.2.

    Raises:
        click.UsageError: they have no number of calls in common.
    """
    then = {step.calls: step.summary for step in before.steps}
    both = [(step.calls, step.summary) for step in now.steps if step.calls in then]
    if not both:
        raise click.UsageError(
            f"--compare: nothing in common: saved {sorted(then)} calls at once, now"
            f" {[step.calls for step in now.steps]}"
        )
    differences = []
    for calls, found in both:
        for measure in MEASURES:
            old, new = measure.of(then[calls]), measure.of(found)
            worse = _worse(measure, old, new, worse_by)
            differences.append(Difference(calls, measure, old, new, worse))
    return differences


def _worse(measure: Measure, before: float | None, now: float | None, by: float) -> bool:
    if before is None:
        return False
    if now is None:
        return measure.always
    return now > before * (1 + by) and now - before > measure.least


def apart(before: Result, now: Result) -> list[str]:
    """Why the two may not be comparable."""
    found = []
    if before.machine != now.machine:
        found.append(
            f"another machine: saved on {before.machine.cpu}, {before.machine.cores} cores"
        )
    if (before.for_s, before.questions, before.interrupt_every) != (
        now.for_s, now.questions, now.interrupt_every,
    ):  # fmt: skip
        found.append("other calls: their length, questions or interruptions are not the same")
    then = {step.calls: step.load.cpu_others for step in before.steps}
    for step in now.steps:
        others, old = step.load.cpu_others, then.get(step.calls)
        if others is not None and old is not None and abs(others - old) > BUSIER:
            found.append(
                f"{step.calls} at once: the machine did something else with {others:.0%} of its"
                f" cores, {old:.0%} when it was saved"
            )
    return found


def shown(value: float | None, unit: str) -> str:
    if value is None:
        return "–"
    return f"{100 * value:.1f} %" if unit == "%" else f"{value:.2f} s"
