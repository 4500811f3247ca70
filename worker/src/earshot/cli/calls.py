"""`earshot calls`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ..operator.options import agreed, destroys, json_option
from .path_type import UserPath

if TYPE_CHECKING:
    import sqlite3

    from ..calls.query import Filter

F = TypeVar("F", bound=Callable[..., Any])


class When(click.ParamType):  # type: ignore[type-arg]
    """A day or a time of this machine, or how long ago; gives seconds since 1970."""

    name = "WHEN"

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        import time
        from datetime import datetime

        from ..operator.options import Duration

        if isinstance(value, float):
            return value
        try:
            return datetime.fromisoformat(value).astimezone().timestamp()
        except (ValueError, OverflowError, OSError):
            pass
        try:
            return time.time() - Duration().convert(value, param, ctx)
        except click.BadParameter:
            self.fail(f"{value!r}: expected 2026-11-24, 2026-11-24T14:30 or 2d (ago)", param, ctx)


def _filters(function: F) -> F:
    for option in (
        click.option("--identity", metavar="ID", help="Calls in which this caller took part."),
        click.option("--until", type=When(), help="Calls that began before it."),
        click.option(
            "--since", type=When(),
            help="Calls that began then or later: 2026-11-24, 2026-11-24T14:30, or 2d (ago).",
        ),
    ):  # fmt: skip
        function = option(function)
    return function


@click.group("calls")
def command() -> None:
    """The log of calls: who, when, how long, how it ended, turns and latency.

    The worker keeps it in STATE_DIR/calls.sqlite while `calls.enabled` is on, for
    `calls.retention_days`. It holds no words unless `calls.keep_words` says so.
    """


@command.command("list", short_help="The newest calls.")
@_filters
@click.option(
    "--limit", type=click.IntRange(1, 100_000), default=50, show_default=True, metavar="N",
    help="At most so many.",
)  # fmt: skip
@json_option
def list_(
    since: float | None, until: float | None, identity: str | None, limit: int, as_json: bool
) -> None:
    """The newest calls.

    Latencies are from the end of the caller's speech to the answer's first sound, at the agent.

    \b
    earshot calls list --since 2d
    earshot calls list --identity anna --json
    """
    from ..calls import query, view
    from ..calls.export import as_dict
    from ..operator.tables import show_json

    with _reading() as db:
        found = list(query.calls(db, _filter(since, until, identity), limit)) if db else []
        if as_json:
            show_json([as_dict(call) for call in found])
        else:
            view.show_list(found)


@command.command("show", short_help="One call, turn by turn.")
@click.argument("call", metavar="CALL")
@json_option
def show(call: str, as_json: bool) -> None:
    """One call, turn by turn.

    CALL is its id, the beginning of it, or the room's name.
    """
    from ..calls import query, view
    from ..calls.export import with_turns
    from ..errors import CallLogError
    from ..operator.tables import show_json

    with _reading() as db:
        if db is None:
            raise CallLogError(f"no call {call!r}: there is no log yet")
        found = query.one(db, query.find(db, call))
        if as_json:
            show_json(with_turns(db, found))
        else:
            view.show_call(db, found)


@command.command("export", short_help="Calls as a file: CSV or JSON.")
@_filters
@click.option(
    "-o", "--output", type=UserPath(), metavar="FILE",
    help="Where to (mode 600, in one step); default: standard output.",
)  # fmt: skip
@click.option(
    "--format", "form", type=click.Choice(["csv", "json"]),
    help="Default: by the file's name, else json.",
)  # fmt: skip
def export(
    since: float | None,
    until: float | None,
    identity: str | None,
    output: Path | None,
    form: str | None,
) -> None:
    """Calls as a file: CSV has a line per call, JSON the turns too.

    \b
    earshot calls export -o november.csv --since 2026-11-01 --until 2026-12-01
    earshot calls export | jq -r '.[].room'
    """
    import sys

    from ..calls import query
    from ..calls.export import write_csv, write_json
    from ..calls.file import write_whole

    form = form or ("csv" if output and output.suffix.lower() == ".csv" else "json")
    with _reading() as db:
        found = query.calls(db, _filter(since, until, identity)) if db else iter(())

        def write(file: Any) -> int:
            if form == "csv":
                return write_csv(found, file)
            return write_json(db, found, file)  # type: ignore[arg-type]  # no calls without it

        if output is None:
            write(sys.stdout)
        else:
            count = write_whole(output, write)
            click.echo(f"{count} calls written to {output}", err=True)


@command.command("erase", short_help="Erase calls for good.")
@click.argument("calls", nargs=-1, metavar="[CALL]...")
@click.option("--identity", metavar="ID", help="Every call in which this caller took part.")
@click.option("--before", type=When(), help="Every call that began before it.")
@click.option("--all", "everything", is_flag=True, help="Every call.")
@destroys
@json_option
def erase(
    calls: tuple[str, ...],
    identity: str | None,
    before: float | None,
    everything: bool,
    yes: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Erase calls for good: their content is overwritten in the file.

    With --identity and --before, calls that fit both. A call that runs is erased too, and what
    comes of it afterwards is not kept. Logs and exported files are not touched.

    \b
    earshot calls erase --identity anna --dry-run
    earshot calls erase --before 30d --yes
    """
    import json
    import sqlite3
    import time

    from ..calls import query, schema
    from ..calls.store import Store
    from ..errors import CallLogError

    if sum((bool(calls), identity is not None or before is not None, everything)) != 1:
        raise click.UsageError("expected CALL..., or --identity and --before, or --all")
    with _reading() as db:
        if db is None:
            found = []
        elif calls:
            found = list(dict.fromkeys(query.find(db, given) for given in calls))
        else:
            found = query.ids(db, _filter(None, before, identity))
    what = f"erase {len(found)} call{'' if len(found) == 1 else 's'}"
    told = {"calls": found, "erased": 0, "dry_run": dry_run}
    if not found or (dry_run and as_json):
        click.echo(json.dumps(told) if as_json else "no such calls in the log")
        return
    if not agreed(what, yes=yes, dry_run=dry_run):
        for call in found:
            click.echo(call)
        return
    path = schema.path_in(_state_dir())
    try:
        log = schema.open_to_write(path)
        try:
            store = Store(log)
            store.erase(found, time.time())
            if not store.checkpoint():
                raise CallLogError(
                    f"{path}: {len(found)} calls are erased, but somebody reads the file, and the"
                    " write-ahead log still has them; run this again, or let the worker do it"
                )
        finally:
            log.close()
    except (sqlite3.Error, OSError) as e:
        raise schema.unreadable(path, e) from e
    told["erased"] = len(found)
    click.echo(json.dumps(told) if as_json else what.replace("erase", "erased", 1))


def _filter(since: float | None, until: float | None, identity: str | None) -> Filter:
    from ..calls.query import Filter

    return Filter(since, until, identity)


def _state_dir() -> Path:
    from ..settings import load

    return load().state_dir


@contextmanager
def _reading() -> Iterator[sqlite3.Connection | None]:
    import sqlite3

    from ..calls import schema

    path = schema.path_in(_state_dir())
    db = schema.open_to_read(path)
    try:
        yield db
    except sqlite3.Error as e:
        raise schema.unreadable(path, e) from e
    finally:
        if db is not None:
            db.close()
