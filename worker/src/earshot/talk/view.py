"""What a person sees of a conversation, and what a program reads of it."""

import json
import statistics
import sys
from dataclasses import fields
from typing import TextIO

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from ..turn import Decided, Latency, ToolCall, Turn

_DECIDED = {
    "sentence": "a known sentence",
    "router": "chosen by the model",
    "model": "called by the model",
}


class SilentView:
    """Nobody watches: the records are enough."""

    answered = False

    def partial(self, text: str) -> None:
        """Part of the record."""

    heard = saying = partial

    def tool(self, call: ToolCall, decided: Decided | None) -> None:
        """Part of the record."""

    def reply(self, text: str) -> None:
        self.answered = True

    def done(self, turn: Turn) -> None:
        """Returned to the caller."""

    def table(self) -> None:
        """Part of the records."""


class HumanView:
    """Prints the conversation; on a terminal, partial transcripts are rewritten in place."""

    def __init__(self) -> None:
        self._console = Console(highlight=False)
        self._live: Live | None = None
        self._turns: list[Turn] = []
        self._said = ""
        self.answered = False

    def partial(self, text: str) -> None:
        self._rewrite(Text.assemble(("  you  ", "dim"), (text + " …", "italic dim")))

    def heard(self, text: str) -> None:
        self._print(("  you  ", "bold cyan"), text)

    def tool(self, call: ToolCall, decided: Decided | None) -> None:
        arguments = ", ".join(f"{k}={v!r}" for k, v in call.arguments.items())
        how = f"  ({_DECIDED[decided.by]})" if decided else ""
        self._print(
            (" tool  ", "bold yellow"),
            f"{call.name}({arguments}) -> {json.dumps(call.result)}{how}",
        )

    def saying(self, text: str) -> None:
        self._said += text
        self._rewrite(Text.assemble(("agent  ", "dim"), (self._said, "italic dim")))

    def reply(self, text: str) -> None:
        self.answered = True
        self._said = ""
        self._print(("agent  ", "bold green"), text)

    def done(self, turn: Turn) -> None:
        self._turns.append(turn)
        if not turn.heard and not turn.reply:
            self._print(("  you  ", "bold cyan"), "(nothing heard)")
        if turn.interrupted:
            self._print(("       ", ""), "(interrupted)")

    def table(self) -> None:
        """The latency of every turn, and the medians."""
        self._stop_live()
        if not self._turns:
            return
        names = [f.name for f in fields(Latency)]
        table = Table(title="latency, ms", title_justify="left", box=None, pad_edge=False)
        for name in ["turn", *names]:
            table.add_column(name, justify="right")
        for turn in self._turns:
            values = [getattr(turn.latency_ms, name) for name in names]
            table.add_row(str(turn.turn), *(_shown(v) for v in values))
        if len(self._turns) > 1:
            columns = [
                [v for t in self._turns if (v := getattr(t.latency_ms, name)) is not None]
                for name in names
            ]
            table.add_row("median", *(_shown(statistics.median(c) if c else None) for c in columns))
        self._console.print()
        self._console.print(table)

    def _rewrite(self, line: Text) -> None:
        if not self._console.is_terminal:
            return
        if self._live is None:
            self._live = Live(line, console=self._console, transient=True, auto_refresh=False)
            self._live.start()
        self._live.update(line, refresh=True)

    def _stop_live(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _print(self, label: tuple[str, str], text: str) -> None:
        self._stop_live()
        self._console.print(Text.assemble(label, text), soft_wrap=True)


class JsonView(SilentView):
    """One object per turn on standard output and nothing else there."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out or sys.stdout

    def done(self, turn: Turn) -> None:
        print(json.dumps(turn.to_dict(), ensure_ascii=False), file=self._out, flush=True)


def _shown(value: float | None) -> str:
    return "–" if value is None else f"{value:.0f}"
