"""A result as a table: a column for each number of calls at once, a row for each measure."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from .measures import Share, Spread, Summary
from .result import Capacity, Result, Step

if TYPE_CHECKING:
    from rich.table import Table

NONE = "–"
DISTURBED = 0.1
"""of all cores, of anything but Earshot and the callers"""
TIMES = "Times in seconds: median · 95th percentile · worst (how many)."

Cell = Callable[[Step, Summary], str]


def seconds(value: float | None) -> str:
    return NONE if value is None else f"{value:.2f}"


def spread(found: Spread) -> str:
    """`0.41 · 0.62 · 0.90 (61)`"""
    if not found.count:
        return NONE
    times = " · ".join(seconds(v) for v in (found.p50, found.p95, found.worst))
    return f"{times} ({found.count})"


def share(found: Share) -> str:
    """`57 of 60`"""
    return f"{found.some} of {found.of}" if found.of else NONE


def percent(value: float | None, digits: int = 1) -> str:
    return NONE if value is None else f"{100 * value:.{digits}f} %"


def percent_of(found: Share, what: str) -> str:
    """`4.2 % of 310 words`"""
    return f"{percent(found.value)} of {found.of} {what}" if found.of else NONE


def gigabytes(count: int | None) -> str:
    return NONE if count is None else f"{count / 1e9:.1f} GB"


def _failed(step: Step, found: Summary) -> str:
    return ", ".join(f"{n} {what}" for what, n in found.failures.items()) or "0"


ROWS: tuple[tuple[str, Cell], ...] = (
    ("calls held to their end", lambda _, s: share(s.held)),
    ("calls that failed", _failed),
    ("turns", lambda _, s: str(s.unanswered.of)),
    ("turns without an answer", lambda _, s: str(s.unanswered.some)),
    ("voice to voice", lambda _, s: spread(s.voice_to_voice)),
    ("transcript ready", lambda _, s: spread(s.transcript)),
    ("caller joined", lambda _, s: spread(s.join)),
    ("agent joined", lambda _, s: spread(s.agent_join)),
    ("first sound", lambda _, s: spread(s.greeting)),
    ("waited in line", lambda _, s: spread(s.waited)),
    ("words heard wrong (WER)", lambda _, s: percent_of(s.word_errors, "words")),
    ("right answers", lambda _, s: share(s.right)),
    ("interruptions missed", lambda _, s: share(s.interruptions_missed)),
    ("falsely interrupted", lambda _, s: share(s.falsely_interrupted)),
    ("silent after", lambda _, s: spread(s.stop)),
    ("agent spoke too early", lambda _, s: share(s.talked_over)),
    ("audio concealed, worst call", lambda _, s: _concealed(s)),
    ("packets lost", lambda _, s: percent(s.packets_lost.value, 2)),
    ("reconnects", lambda _, s: str(s.reconnects)),
    ("CPU of the machine", lambda t, _: percent(t.load.cpu, 0)),
    ("CPU of the callers", lambda t, _: percent(t.load.cpu_callers, 0)),
    ("CPU of Earshot", lambda t, _: percent(t.load.cpu_earshot, 0)),
    ("CPU of anything else", lambda t, _: percent(t.load.cpu_others, 0)),
    ("memory in use", lambda t, _: gigabytes(t.load.memory_bytes)),
    ("memory of Earshot", lambda t, _: gigabytes(t.load.memory_earshot_bytes)),
    ("a microphone late, worst", lambda _, s: f"{1000 * s.microphone_late_s:.0f} ms"),
)


def _concealed(found: Summary) -> str:
    if found.concealed_worst is None:
        return NONE
    return f"{percent(found.concealed.value, 2)}, {percent(found.concealed_worst, 2)}"


def cells(result: Result) -> list[list[str]]:
    """Name and values of each row; a row of which nothing is known is left out."""
    found = [(step, step.summary) for step in result.steps]
    rows = [[name, *(cell(step, s) for step, s in found)] for name, cell in ROWS]
    return [row for row in rows if any(value != NONE for value in row[1:])]


def heads(result: Result) -> list[str]:
    return [f"{step.calls} call{'s' * (step.calls > 1)}" for step in result.steps]


def where(result: Result) -> str:
    """One sentence: on what, how, and who shared the machine."""
    machine = result.machine
    cores = f"{machine.cores} core{'s' * (machine.cores > 1)}"
    place = "on the same machine as the agent" if result.here else f"against {result.server}"
    barge_in = (
        f"one turn in {result.interrupt_every} is spoken over"
        if result.interrupt_every
        else "nobody interrupts"
    )
    others = max((step.load.cpu_others or 0.0 for step in result.steps), default=0.0)
    disturbed = (
        f" Something else took up to {percent(others, 0)} of the cores meanwhile, and made times"
        " longer."
        if others > DISTURBED
        else ""
    )
    return (
        f"{result.began[:10]}, {machine.cpu}, {cores}, {gigabytes(machine.memory_bytes)}; the"
        f" callers {place}; each asks for {result.for_s:g} s, {result.questions} different"
        f" questions, {barge_in}. Earshot {result.earshot}.{disturbed} {TIMES}"
    )


def capacity(found: Capacity) -> str:
    """What the search found."""
    calls = f"{found.calls} call{'s' * (found.calls != 1)} at once"
    ended = {
        "limit": "more were not tried",
        "calls failed": "with more, calls failed",
        "turns late": "with more, it took longer",
    }[found.ended_by]
    if not found.calls:
        ended = "not even one call"
    return (
        f"{calls} answered with 95 % of turns within {found.p95_s:g} s ({ended};"
        f" tried: {', '.join(str(n) for n in found.tried)})"
    )


def markdown(result: Result) -> str:
    """The table, where it was measured, and the capacity if it was looked for."""
    lines = ["| | " + " | ".join(heads(result)) + " |", "|---" * (len(result.steps) + 1) + "|"]
    for name, *values in cells(result):
        lines.append(f"| {name} | " + " | ".join(values) + " |")
    lines += ["", where(result)]
    if result.capacity is not None:
        lines += ["", f"Capacity: {capacity(result.capacity)}."]
    return "\n".join(lines)


def table(result: Result) -> "Table":
    """For a terminal."""
    from rich.table import Table

    out = Table(box=None, pad_edge=False, header_style="bold")
    out.add_column("")
    for head in heads(result):
        out.add_column(head, no_wrap=True)
    for row in cells(result):
        out.add_row(*row)
    return out


def failures(result: Result) -> list[str]:
    """A line for each call that failed, with its reason."""
    return [
        f"{step.calls} at once, caller {call.caller + 1}: {call.outcome}: {call.why}"
        for step in result.steps
        for call in step.held
        if call.outcome != "held"
    ]
