"""What happens, as lines for people and as JSON lines for programs."""

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Protocol

import click

from ..credentials import folder
from ..errors import EarshotError
from ..models import load_profile
from ..models.offer import DEMONSTRATION, HOW
from .plan import Plan
from .screen import notes
from .service import Event


class Output(Protocol):
    """Hears of everything; open as long as the stack runs."""

    def __enter__(self) -> Any: ...
    def __exit__(self, *_: object) -> None: ...
    def tell(self, event: Event) -> None: ...


class JsonLines:
    """One object a line, `event` first. No secret is among them: such lines are kept."""

    def __enter__(self) -> "JsonLines":
        return self

    def __exit__(self, *_: object) -> None: ...

    def tell(self, event: Event) -> None:
        if event.kind != "tick":
            print_json(event.kind, event.data)


def print_json(kind: str, data: Mapping[str, Any]) -> None:
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    click.echo(json.dumps({"event": kind, "time": now, **data}))


class Lines:
    """For people where there is no terminal: a file, a journal. No secret is among them."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    def __enter__(self) -> "Lines":
        for note in notes(self._plan):
            click.echo(note)
        with suppress(EarshotError):  # the engine says what is wrong with it
            settings = self._plan.settings
            if load_profile(settings.profile, settings.models_dir).demonstration:
                click.echo(f"{DEMONSTRATION}; {HOW}")
        return self

    def __exit__(self, *_: object) -> None: ...

    def tell(self, event: Event) -> None:
        if line := self._line(event):
            click.echo(line)

    def _line(self, event: Event) -> str:
        data = event.data
        match event.kind:
            case "starting":
                return "starting " + ", ".join(data["services"])
            case "service" if data["state"] == "ready":
                return f"{data['service']}: ready (process {data['pid']})"
            case "service" if data["state"] == "unready" and data.get("why"):
                return f"{data['service']}: not ready: {data['why']}"
            case "restarting":
                return f"{data['service']}: {data['why']}; starting it anew"
            case "ready":
                code = folder(self._plan.settings.state_dir) / "access-code"
                lan = f", {data['page_lan']} (access code: {code})" if data["page_lan"] else ""
                return f"ready after {data['seconds']} s: {data['page']}{lan}"
            case "stopping" | "stopped":
                return event.kind
        return ""
