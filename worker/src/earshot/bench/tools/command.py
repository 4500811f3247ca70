"""`scripts/bench tools`: how often the right tool is called with the right arguments."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from ...conversation.deciding import Intents
from ...errors import EarshotError
from .cases import HERE, SETS, Case, load
from .measure import Decide, Decided, Outcome, groups, measure
from .offered import offered

COLUMNS = (
    ("cases", "cases"),
    ("decision", "tool right %"),
    ("right", "all right %"),
    ("precision", "calls right %"),
    ("recall", "found %"),
    ("false_calls", "false calls %"),
    ("median_ms", "ms"),
    ("p95_ms", "p95 ms"),
)


def sure() -> Decide:
    """Sentences alone, without a model."""
    made: dict[tuple[str, str], Intents] = {}

    async def decide(case: Case) -> Decided:
        key = (case.offered, case.language)
        if key not in made:
            tools, sentences = offered(case.offered)
            made[key] = Intents(tools, [case.language], sentences)
        call = made[key].match(case.text, case.language)
        return None if call is None else (call.name, call.arguments)

    return decide


def table(figures: Mapping[str, Mapping[str, Any]]) -> str:
    lines = ["| | " + " | ".join(title for _, title in COLUMNS) + " |"]
    lines.append("|---" * (len(COLUMNS) + 1) + "|")
    for name, row in figures.items():
        cells = ("-" if row[key] is None else f"{row[key]:g}" for key, _ in COLUMNS)
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def wrong(outcomes: Sequence[Outcome]) -> list[str]:
    """One line each: what was said, what was decided, what was right."""
    return [
        f"{o.case.language}{' heard' if o.case.heard else ''}: {o.case.text!r}\n"
        f"    {_told(o.tool, o.arguments)}, not {_told(o.case.tool, o.case.arguments)}"
        for o in outcomes
        if not o.right
    ]


def _told(tool: str | None, arguments: Mapping[str, Any]) -> str:
    return f"{tool}({', '.join(f'{k}={v!r}' for k, v in arguments.items())})" if tool else "no call"


@click.command("tools")
@click.option(
    "--set",
    "name",
    default="held_out",
    metavar="|".join((*SETS, "FILE")),
    help="Which utterances (default: those that nothing is tuned on).",
)
@click.option("--sure", "sure_alone", is_flag=True, help="Sentences alone, without a model.")
@click.option("--language", help="Those of one language alone.")
@click.option("--show", is_flag=True, help="List the wrong ones.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def command(name: str, sure_alone: bool, language: str | None, show: bool, as_json: bool) -> None:
    """Tool decisions: how often the right tool is called, with the right arguments."""
    try:
        cases = load(HERE / f"{name}.jsonl" if name in SETS else Path(name))
    except (EarshotError, OSError) as e:
        raise click.ClickException(str(e)) from e
    if language:
        cases = [case for case in cases if case.language == language]
    outcomes = asyncio.run(measure(cases, sure()))
    figures = groups(outcomes)
    click.echo(json.dumps(figures, indent=2) if as_json else table(figures))
    if show:
        click.echo("\n".join(wrong(outcomes)))
