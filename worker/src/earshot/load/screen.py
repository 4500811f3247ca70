"""What is shown on standard error while the calls go on: a live table, or lines for logs."""

import sys
import time
from typing import TYPE_CHECKING, Any

from .measures import percentile
from .records import Call
from .result import Step
from .table import seconds, share, spread

if TYPE_CHECKING:
    from rich.table import Table

LINE_EVERY_S = 10.0
LAST_TURNS = 5


class Screen:
    """Shows nothing; counts what the others show."""

    def __init__(self) -> None:
        self._begin(0, 0.0)

    def _begin(self, calls: int, for_s: float) -> None:
        self.calls, self.for_s = calls, for_s
        self.joined = self.answering = self.ended_count = self.failed = 0
        self.turns = self.lost = 0
        self.latencies: list[float] = []
        self.last: list[str] = []
        self.ends_at = 0.0

    def __enter__(self) -> "Screen":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def step(self, calls: int, for_s: float) -> None:
        """So many callers are started."""
        self._begin(calls, for_s)

    def heard(self, caller: int, event: str, content: dict[str, Any]) -> None:
        """What a caller told."""
        if event == "joined":
            self.joined += 1
        elif event == "agent":
            self.answering += 1
            self.ends_at = max(self.ends_at, time.monotonic() + self.for_s)
        elif event == "turn":
            self._turn(caller, content["turn"])

    def _turn(self, caller: int, turn: dict[str, Any]) -> None:
        self.turns += 1
        latency = turn["latency_s"]
        if latency is None:
            self.lost += 1
        else:
            self.latencies.append(latency)
        said = turn["reply"] or turn["why"]
        self.last.append(f"{caller + 1}: {turn['asked']} → {said} [{seconds(latency)} s]")
        del self.last[:-LAST_TURNS]

    def ended(self, call: Call) -> None:
        """A caller is done."""
        self.ended_count += 1
        self.failed += call.outcome != "held"

    def stepped(self, step: Step) -> None:
        """All of them are."""

    @property
    def state(self) -> str:
        """One line."""
        times = [seconds(percentile(self.latencies, p)) for p in (0.5, 0.95)]
        left = max(0.0, self.ends_at - time.monotonic())
        return (
            f"{self.calls} at once: {self.joined} joined, {self.answering} with an agent,"
            f" {self.ended_count} done, {self.failed} failed; {self.turns} turns,"
            f" {self.lost} without an answer, p50 {times[0]} s, p95 {times[1]} s; {left:.0f} s left"
        )


class Lines(Screen):
    """For logs: a line when something begins or ends, and every ten seconds."""

    _next = 0.0

    def step(self, calls: int, for_s: float) -> None:
        super().step(calls, for_s)
        print(f"{calls} at once: starting", file=sys.stderr, flush=True)
        self._next = time.monotonic() + LINE_EVERY_S

    def heard(self, caller: int, event: str, content: dict[str, Any]) -> None:
        super().heard(caller, event, content)
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + LINE_EVERY_S
            print(self.state, file=sys.stderr, flush=True)

    def ended(self, call: Call) -> None:
        super().ended(call)
        if call.outcome != "held":
            why = f"caller {call.caller + 1}: {call.outcome}: {call.why}"
            print(why, file=sys.stderr, flush=True)

    def stepped(self, step: Step) -> None:
        found = step.summary
        print(
            f"{step.calls} at once: held {share(found.held)}, voice to voice"
            f" {spread(found.voice_to_voice)}",
            file=sys.stderr,
            flush=True,
        )


class Live(Screen):
    """For people: the state, the last turns, redrawn four times a second."""

    def __init__(self) -> None:
        super().__init__()
        self._done: list[str] = []
        from rich.console import Console
        from rich.live import Live as RichLive

        self._live = RichLive(
            get_renderable=self._render,
            console=Console(stderr=True),
            refresh_per_second=4,
            transient=True,
        )

    def __enter__(self) -> "Live":
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def stepped(self, step: Step) -> None:
        found = step.summary
        self._done.append(
            f"{step.calls} at once: held {share(found.held)}, voice to voice"
            f" {spread(found.voice_to_voice)}"
        )

    def _render(self) -> "Table":
        from rich.table import Table
        from rich.text import Text

        out = Table.grid()
        for line in self._done:
            out.add_row(Text(line, style="dim"))
        if self.calls:
            out.add_row(Text(self.state, style="bold"))
        for line in self.last:
            out.add_row(Text(line[:150]))
        return out


def for_people() -> Screen:
    """Live on a terminal, lines elsewhere."""
    return Live() if sys.stderr.isatty() else Lines()
