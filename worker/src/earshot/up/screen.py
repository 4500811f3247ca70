"""How everything is, for a person at a terminal."""

from collections.abc import Callable, Mapping
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from ..models.offer import DEMONSTRATION, HOW
from .plan import Plan
from .service import Event

_COLOURS = {"ready": "green", "failed": "red", "restarting": "yellow", "unready": "yellow"}
_WORDS = {"livekit": "livekit-server"}


class Screen:
    """One screen, drawn anew when something happened and every few seconds."""

    def __init__(self, plan: Plan, report: Callable[[], Mapping[str, Any]]) -> None:
        self._plan = plan
        self._report = report
        self._phase = "starting"
        within = f"{plan.settings.calls.drain_s:g} s"
        self._patience = f"running calls get {within}; Ctrl-C again: at once"
        self._last: list[str] = []
        self._console = Console()
        self._live = Live(console=self._console, auto_refresh=False, screen=False)

    def __enter__(self) -> "Screen":
        self._live.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.__exit__(None, None, None)

    def tell(self, event: Event) -> None:
        if event.kind in ("stopping", "stopped"):
            self._phase = event.kind
        if event.kind == "restarting":
            self._last.append("{service} {why}: started anew".format(**event.data))
            del self._last[:-3]
        self._live.update(self._draw(), refresh=True)

    def _draw(self) -> RenderableType:
        if self._phase == "stopped":
            return Text("Earshot stopped")
        report = self._report()
        phase = self._phase
        if phase == "starting" and report["ready"]:
            phase = "ready"
        return render(
            report,
            head=phase,
            hint="Ctrl-C stops it" if phase != "stopping" else self._patience,
            access_code="" if self._plan.address.loopback else self._plan.credentials.access_code,
            notes=notes(self._plan) + self._last,
        )


def notes(plan: Plan) -> list[str]:
    """What a person should know about the addresses."""
    address = plan.address
    found = [f"audio goes to {address.ip}: {address.why}"]
    if address.warning:
        found.append(f"careful: {address.warning}")
    if not address.loopback:
        found.append(
            "browsers on other machines give the microphone to https pages only: put a TLS proxy"
            " before the page"
        )
    return found


def render(
    report: Mapping[str, Any],
    *,
    head: str,
    hint: str = "",
    access_code: str = "",
    notes: list[str] | None = None,
) -> RenderableType:
    """The screen of a report."""
    title = Text.assemble(
        ("Earshot ", "bold"), (head, "bold green" if head == "ready" else "bold yellow")
    )
    if hint:
        title.append(f"   {hint}", style="dim")
    parts: list[RenderableType] = [title, "", _addresses(report, access_code), ""]
    parts += [_services(report["services"]), ""]
    parts += [Text(f"  {note}", style="dim") for note in notes or []]
    if report["demonstration"]:
        parts += [Text(f"  {DEMONSTRATION};\n  {HOW}", style="yellow")]
    if report["errors"]:
        parts += ["", Text("  last errors", style="bold")]
        for error in report["errors"]:
            time = error["time"][11:19] or "        "
            line = f"  [dim]{time}[/] [red]{escape(error['service'])}[/] {escape(error['text'])}"
            parts.append(Text.from_markup(line, overflow="ellipsis"))
    return Group(*parts)


def _addresses(report: Mapping[str, Any], access_code: str) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_row("  page", Text(report["page"], style="bold cyan"))
    if report["page_lan"]:
        table.add_row("  from other machines", Text(report["page_lan"], style="bold cyan"))
        if access_code:
            table.add_row("  with the access code", Text(access_code, style="bold"))
    table.add_row("  livekit", report["livekit"])
    calls = report["calls"]
    if calls:
        waiting = f", {calls['waiting']} waiting" if calls.get("waiting") else ""
        table.add_row(
            "  calls", f"{calls.get('calls', 0)} of {calls.get('calls_max', '?')}{waiting}"
        )
    return table


def _services(services: Mapping[str, Mapping[str, Any]]) -> Table:
    table = Table(box=None, padding=(0, 2), header_style="dim")
    for name in ("service", "state", "process", "up", "restarts", "memory"):
        table.add_column(name, justify="left" if name in ("service", "state") else "right")
    for name, service in services.items():
        state = Text(service["state"], style=_COLOURS.get(service["state"], ""))
        if service["why"]:
            state.append(f" ({service['why'][:60]})", style="dim")
        here = service["pid"] != 0
        table.add_row(
            _WORDS.get(name, name),
            state,
            str(service["pid"]) if here else "",
            duration(service["uptime_s"]) if here else "",
            str(service["restarts"] or ""),
            f"{service['memory_bytes'] / 1e6:.0f} MB" if here else "",
        )
    return table


def duration(seconds: float) -> str:
    """`59 s`, `5 min`, `3 h 10 min`, `2 d 4 h`."""
    s = int(seconds)
    if s < 60:
        return f"{s} s"
    if s < 3600:
        return f"{s // 60} min"
    if s < 86400:
        return f"{s // 3600} h {s % 3600 // 60} min"
    return f"{s // 86400} d {s % 86400 // 3600} h"
