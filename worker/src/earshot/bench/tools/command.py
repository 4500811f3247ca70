"""`scripts/bench tools`: how often the right tool is called with the right arguments."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from ...errors import EarshotError
from ...models import load_profile
from ...settings import load as load_settings
from . import deciders
from .cases import HERE, SETS, Case, load
from .measure import Outcome, groups, measure

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


async def _with_model(
    cases: Sequence[Case], llm: Path, way: str, with_sentences: bool
) -> list[Outcome]:
    async with deciders.with_model(llm, way, with_sentences=with_sentences) as decide:
        return await measure(cases, decide)


@click.command("tools")
@click.option(
    "--set",
    "name",
    default="held_out",
    metavar="|".join((*SETS, "FILE")),
    help="Which utterances (default: those that nothing is tuned on).",
)
@click.option("--profile", help="The language model of a profile (default: the configured one).")
@click.option("--llm", type=click.Path(path_type=Path, exists=True), help="A GGUF file instead.")
@click.option(
    "--way",
    type=click.Choice(("router", "model")),
    help="How the model decides (default: the profile's).",
)
@click.option("--sure", "sure_alone", is_flag=True, help="Sentences alone, without a model.")
@click.option("--unsure", is_flag=True, help="The model alone, without sentences.")
@click.option("--language", help="Those of one language alone.")
@click.option("--every", type=click.IntRange(1), default=1, help="Each so-manieth alone.")
@click.option("--show", is_flag=True, help="List the wrong ones.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def command(
    name: str,
    profile: str | None,
    llm: Path | None,
    way: str | None,
    sure_alone: bool,
    unsure: bool,
    language: str | None,
    every: int,
    show: bool,
    as_json: bool,
) -> None:
    """Tool decisions: how often the right tool is called, with the right arguments."""
    try:
        cases = load(HERE / f"{name}.jsonl" if name in SETS else Path(name))
        cases = [case for case in cases if language in (None, case.language)][::every]
        if sure_alone:
            outcomes = asyncio.run(measure(cases, deciders.sure()))
        else:
            if llm is None:
                settings = load_settings()
                chosen = load_profile(profile or settings.profile, settings.models_dir)
                llm, way = chosen.llm, way or chosen.decision
            outcomes = asyncio.run(_with_model(cases, llm, way or "router", not unsure))
    except (EarshotError, OSError) as e:
        raise click.ClickException(str(e)) from e
    figures = groups(outcomes)
    click.echo(json.dumps(figures, indent=2) if as_json else table(figures))
    if show:
        click.echo("\n".join(wrong(outcomes)))
