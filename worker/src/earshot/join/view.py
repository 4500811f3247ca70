"""How events are shown: a line each, for people or as JSON."""

import json
from collections.abc import Callable
from typing import Any, Protocol

import click

from ..operator.tables import printable
from .events import Event

LINE_MAX = 300
WIDTH = 22
AGENTS_OWN = "lk.agent.session"


class View(Protocol):
    def show(self, event: Event) -> None: ...


class JsonLines:
    """For programs: one object with its time per event."""

    def show(self, event: Event) -> None:
        click.echo(json.dumps(event.to_dict(), ensure_ascii=False))


class Lines:
    """For people: when, who, what. What is said is shown when it stands, and what LiveKit's agents
    tell their own tools, every second, is left out."""

    def show(self, event: Event) -> None:
        content = event.content
        if event.kind == "transcript" and not content["final"]:
            return
        if content.get("topic") == AGENTS_OWN:
            return
        said = SAID.get(event.kind)
        text = said(content) if said else _rest(content, ())
        who = content.get("identity") or "·"
        what = event.kind.replace("_", " ")
        line = f"{event.at.astimezone():%H:%M:%S.%f}"[:-3]
        line += f"  {printable(who):<{WIDTH}}  {what:<20} {printable(text)}"
        click.echo(line.rstrip()[:LINE_MAX])


def _rest(content: dict[str, Any], but: tuple[str, ...]) -> str:
    shown = []
    for key, value in content.items():
        if key in ("identity", *but) or value in ("", None, {}, [], False):
            continue
        if isinstance(value, dict):
            value = ", ".join(f"{k}={v}" for k, v in value.items())
        elif isinstance(value, list):
            value = ", ".join(map(str, value))
        shown.append(key if value is True else f"{key}={value}")
    return "  ".join(shown)


def _track(content: dict[str, Any]) -> str:
    muted = ", muted" if content["muted"] else ""
    return f"{content['kind']} {content['source']} {content['name']!r} ({content['track']}{muted})"


def _rpc(content: dict[str, Any]) -> str:
    result = content.get("error") or f"answered {content['answer']!r}"
    return f"{content['method']}({content['payload']}) → {result}"


SAID: dict[str, Callable[[dict[str, Any]], str]] = {
    "transcript": lambda c: f"“{c['text']}”",
    "agent_state": lambda c: str(c["state"]),
    "attributes": lambda c: ", ".join(f"{k}={v}" for k, v in c["changed"].items()),
    "connection_quality": lambda c: str(c["quality"]),
    "active_speakers": lambda c: ", ".join(c["identities"]) or "nobody",
    "text_stream": lambda c: f"{c['topic']}: {c['text']}",
    "data": lambda c: f"{c['topic'] or '(no topic)'}: {c.get('text', c.get('hex'))}",
    "rpc": _rpc,
    **{
        f"{whose}{what}": _track
        for whose in ("", "own_")
        for what in (
            "track_published", "track_unpublished", "track_subscribed", "track_unsubscribed",
            "track_muted", "track_unmuted", "track_there", "track_republished",
        )
        if (whose, what) != ("own_", "track_subscribed")
    },
}  # fmt: skip
