"""Findings as they come, for people and for programs."""

import json
import sys
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from .checks import Check
from .finding import Colour, Finding
from .target import Target

if TYPE_CHECKING:
    from .egress import Count

MARKS: dict[Colour, str] = {"green": "✓", "yellow": "!", "red": "✗", "grey": "·"}
STYLES = {"green": "green", "yellow": "yellow", "red": "bold red", "grey": "dim"}


class Json:
    """One object at the end, nothing else."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def begin(self, check: Check) -> None:
        pass

    def show(self, finding: Finding) -> None:
        pass

    def end(self, target: Target, findings: list[Finding]) -> None:
        print(json.dumps(as_json(target, findings), ensure_ascii=False, indent=2))


class Text:
    """A line per finding; on a terminal, what is being asked now beneath them."""

    def __init__(self) -> None:
        from rich.console import Console

        tty = sys.stdout.isatty()
        self._console = Console(width=None if tty else 100, highlight=False, soft_wrap=not tty)
        self._status = self._console.status("") if tty else None

    def __enter__(self) -> Self:
        if self._status:
            self._status.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._status:
            self._status.stop()

    def begin(self, check: Check) -> None:
        if self._status:
            self._status.update(f"{check.title} …")

    def show(self, finding: Finding) -> None:
        from rich.text import Text as Line

        style = STYLES[finding.colour]
        line = Line.assemble(
            (f"{MARKS[finding.colour]} {finding.check:<11}", style),
            (finding.said, "dim" if finding.colour == "grey" else ""),
        )
        self._console.print(line)
        if finding.cause:
            self._console.print(Line(f"    {finding.cause}: {finding.means}", style=style))
            self._console.print(Line(f"    cure: {finding.cure}"))
        sys.stdout.flush()

    def end(self, target: Target, findings: list[Finding]) -> None:
        from rich.text import Text as Line

        self._console.print(Line(summary(findings), style=STYLES[worst(findings)]))


def worst(findings: list[Finding]) -> Colour:
    seen = {finding.colour for finding in findings}
    return "red" if "red" in seen else "yellow" if "yellow" in seen else "green"


def summary(findings: list[Finding]) -> str:
    reds = [f for f in findings if f.colour == "red"]
    yellows = sum(f.colour == "yellow" for f in findings)
    greys = sum(f.colour == "grey" for f in findings)
    if reds:
        rest = f", {yellows} yellow" if yellows else ""
        left = f", {greys} not looked at" if greys else ""
        return f"{len(reds)} red{rest}{left}; first to mend: {reds[0].check} ({reds[0].cause})"
    if yellows:
        return f"it works, with {yellows} {'thing' if yellows == 1 else 'things'} to mend"
    return f"all green, {len(findings) - greys} checks"


def as_json(target: Target, findings: list[Finding]) -> dict[str, Any]:
    return {
        "colour": worst(findings),
        "target": {"kind": target.kind, "name": target.name},
        "findings": [finding.as_json() for finding in findings],
    }


def show_count(count: "Count", *, json_only: bool) -> None:
    """What left and what stayed, as a table or as JSON."""
    if json_only:
        print(json.dumps(count.as_json(), ensure_ascii=False, indent=2))
        return
    from rich.console import Console
    from rich.table import Table

    styles = {"left": "bold red", "stopped": "yellow", "stays": "green", "caller": "green"}
    table = Table("interface", "sender", "", "to", box=None, pad_edge=False)
    table.add_column("packets", justify="right")
    table.add_column("DNS", justify="right")
    table.add_column("verdict")
    for row in count.rows:
        names = f" ({', '.join(row.names)})" if row.names else ""
        style = styles.get(row.verdict, "dim")
        table.add_row(row.interface, row.owner, row.protocol, row.to, str(row.packets),
                      f"{row.questions}{names}", f"[{style}]{row.verdict}[/]")  # fmt: skip
    console = Console(width=None if sys.stdout.isatty() else 140, highlight=False)
    console.print(table)
    during = {
        None: "",
        True: ", while a spoken question was asked and answered",
        False: "; the spoken question was NOT answered: earshot doctor says why",
    }[count.answered]
    console.print(
        f"\n{count.packets('left')} packets left, {count.questions} names were asked for;"
        f" {count.packets('stays')} packets stayed ({count.seconds:.0f} s on"
        f" {', '.join(count.interfaces)}{during})",
        style="green" if count.clean else "bold red",
    )
    if count.lost:
        console.print(f"{count.lost} packets came faster than they were counted: no proof")
