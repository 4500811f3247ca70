"""`earshot load-test`: the parts together."""

import asyncio
import datetime
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import click

from .. import endpoints
from ..errors import NotRunningError
from ..operator.connection import Connection
from ..settings import Settings, load
from ..text_file import NotTextError, read_text
from ..version import __version__
from . import compare, plot, result, table
from .machine import Machine
from .plan import Plan
from .result import Result
from .runner import Runner
from .screen import Screen, for_people
from .search import find

MARK = "load-test"


@dataclass(frozen=True)
class Options:
    """What stood on the command line."""

    plan: Plan
    find_capacity: bool = False
    """`plan.calls` has one number then: the most that is tried"""
    p95_s: float = 1.0
    saved: Path | None = None
    """what to compare with"""
    worse_by: float = 0.2
    as_json: bool = False
    save: Path | None = None
    markdown: Path | None = None
    plot: Path | None = None


def load_test(options: Options, connect: Callable[[], Connection], *, agent_given: bool) -> int:
    """Holds the calls, and shows what was measured.

    Args:
        connect: finds the server and its key.
        agent_given: False: the agent is that of the settings, where Earshot runs here.

    Returns:
        0; 1 = a call failed, something became worse, or the capacity is none; 130 = stopped.

    Raises:
        EarshotError, click.UsageError: a mistake, told before anything is done.
    """
    before = _checked(options)
    connection = connect()
    settings = load()
    earshot = _processes(connection, settings)
    if earshot and not agent_given:
        options = replace(options, plan=replace(options.plan, agent=settings.calls.agent_name))
    measured = Result(
        began=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        earshot=__version__,
        server=connection.url,
        here=bool(earshot),
        machine=Machine.here(),
        for_s=options.plan.for_s,
        interrupt_every=options.plan.interrupt_every,
        questions=len(options.plan.questions.asked),
    )
    try:
        with for_people() as screen:
            asyncio.run(_hold(options, connection, earshot, screen, measured))
    except (KeyboardInterrupt, asyncio.CancelledError):
        measured.stopped = True
        if not measured.steps:
            raise
    return max(present(measured, options, before), 130 if measured.stopped else 0)


async def _hold(
    options: Options,
    connection: Connection,
    earshot: list[int],
    screen: Screen,
    measured: Result,
) -> None:
    runner = Runner(options.plan, connection, earshot, screen)

    async def hold(calls: int) -> result.Step:
        step = await runner.hold(calls)
        measured.steps.append(step)
        measured.steps.sort(key=lambda s: s.calls)
        return step

    if options.find_capacity:
        measured.capacity = await find(hold, options.plan.calls[0], options.p95_s)
        return
    for calls in options.plan.calls:
        await hold(calls)


def show(saved: Path, options: Options) -> int:
    """Shows a saved result, as if it had just been measured."""
    before = _checked(options)
    return present(result.read(saved), options, before)


def present(measured: Result, options: Options, before: Result | None) -> int:
    """Writes what was asked for; returns the exit status."""
    if options.save is not None:
        result.write(options.save, _json(measured))
    if options.markdown is not None:
        _write_markdown(options.markdown, table.markdown(measured))
    if options.plot is not None:
        result.write(options.plot, plot.plot(measured))
    found = compare.compare(before, measured, options.worse_by) if before else []
    if options.as_json:
        differences = [
            {"calls": d.calls, "measure": d.measure.name, "unit": d.measure.unit,
             "before": d.before, "now": d.now, "worse": d.worse}
            for d in found
        ]  # fmt: skip
        extra = {"compared": differences} if before else {}
        click.echo(json.dumps({**measured.to_dict(), **extra}, ensure_ascii=False))
    else:
        _print(measured, before, found)
    failed = any(s.summary.held.some < s.summary.held.of for s in measured.steps)
    if options.find_capacity or measured.capacity is not None:
        # failing is how a search ends
        failed = measured.capacity is not None and not measured.capacity.calls
    return int(failed or any(d.worse for d in found))


def _print(measured: Result, before: Result | None, found: list[compare.Difference]) -> None:
    from rich.console import Console
    from rich.table import Table

    # a pipe has no width; whoever reads it wants the columns whole
    console = Console(width=None if sys.stdout.isatty() else 200, highlight=False)
    console.print(table.table(measured))
    console.print(f"\n{table.where(measured)}", markup=False, soft_wrap=True)
    for line in table.failures(measured):
        console.print(f"failed: {line}", markup=False, soft_wrap=True)
    if measured.capacity is not None:
        console.print(f"\nCapacity: {table.capacity(measured.capacity)}", markup=False)
    if before is None:
        return
    console.print()
    for line in compare.apart(before, measured):
        console.print(f"not quite comparable: {line}", markup=False, soft_wrap=True)
    shown = Table("calls", "measure", "saved", "now", "", "", box=None, pad_edge=False)
    for d in found:
        shown.add_row(
            str(d.calls),
            d.measure.name,
            compare.shown(d.before, d.measure.unit),
            compare.shown(d.now, d.measure.unit),
            d.change,
            "[bold red]worse[/]" if d.worse else "",
        )
    console.print(shown)


def _checked(options: Options) -> Result | None:
    """Everything that can be wrong with files, before minutes are spent."""
    if options.plot is not None:
        plot.check()
    for path in (options.save, options.markdown, options.plot):
        if path is not None:
            result.check_writable(path)
    if options.markdown is not None:
        _write_markdown(options.markdown, None)
    return None if options.saved is None else result.read(options.saved)


def _write_markdown(path: Path, text: str | None) -> None:
    """The whole file, or what stands between its marks; without text it is only looked at."""
    from ..docs import between

    try:
        old = read_text(path) if path.exists() else ""
    except (OSError, NotTextError) as e:
        raise click.UsageError(f"--markdown {path}: not a text that can be read: {e}") from e
    marked = f"<!-- {MARK}: begin -->" in old and f"<!-- {MARK}: end -->" in old
    if old and not marked:
        raise click.UsageError(
            f"--markdown {path}: it is there, without the marks <!-- {MARK}: begin --> and"
            f" <!-- {MARK}: end -->; between them the table would be written"
        )
    if text is not None:
        result.write(path, between(old, MARK, text) if marked else text + "\n")


def _json(measured: Result) -> str:
    return json.dumps(measured.to_dict(), indent=1, ensure_ascii=False) + "\n"


def _processes(connection: Connection, settings: Settings) -> list[int]:
    """Those of `earshot up`, where it is the one that is called."""
    try:
        running = endpoints.read(settings.state_dir)
    except NotRunningError:
        return []
    same = connection.url in (running.livekit_internal, running.livekit)
    return list(running.pids.values()) if same else []
