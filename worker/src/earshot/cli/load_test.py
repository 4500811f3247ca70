"""`earshot load-test`."""

from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from ..operator.options import Duration
from .path_type import UserPath

_file = UserPath()


class Percent(click.ParamType):  # type: ignore[type-arg]
    """`20%`; gives 0.2."""

    name = "percent"

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        if isinstance(value, float):
            return value
        try:
            share = float(value.strip().removesuffix("%")) / 100
        except ValueError:
            self.fail(f"{value!r}: expected a share such as 20%", param, ctx)
        if not 0 <= share <= 10:
            self.fail(f"{value!r}: expected 0% to 1000%", param, ctx)
        return share


@click.command("load-test")
@click.option(
    "--calls", metavar="N,…", default="1,2,4", show_default=True,
    help="Calls at once, step by step; 64 at most.",
)  # fmt: skip
@click.option(
    "--for", "for_s", type=Duration(5, 3600), default="60s", show_default=True, metavar="TIME",
    help="How long each call asks.",
)  # fmt: skip
@click.option(
    "--find-capacity", is_flag=True,
    help="Look for the most calls that are answered in time; not with --calls.",
)  # fmt: skip
@click.option(
    "--p95", "p95_s", type=Duration(0.05, 60), default="1.0s", show_default=True, metavar="TIME",
    help="In time: 95 % of turns are answered within this.",
)  # fmt: skip
@click.option(
    "--up-to", type=click.IntRange(1, 64), default=16, show_default=True, metavar="N",
    help="The most calls that --find-capacity tries.",
)  # fmt: skip
@click.option(
    "--questions", "folder", type=_file, metavar="DIR",
    help="Your own: hours.wav with its words in hours.txt.",
)  # fmt: skip
@click.option(
    "--interrupt-every", type=click.IntRange(0, 100), default=4, show_default=True, metavar="N",
    help="So many turns from one interruption to the next; 0 = never.",
)  # fmt: skip
@click.option(
    "--url", metavar="URL", help="Another server; its key from LIVEKIT_API_KEY and _SECRET."
)
@click.option("--project", metavar="NAME", help="A server of `earshot project list`.")
@click.option("--agent", metavar="NAME", help="Call this agent; default: `calls.agent_name`.")
@click.option("--save", type=_file, metavar="FILE.json", help="Keep everything that was measured.")
@click.option("--show", type=_file, metavar="FILE.json", help="Show a saved run; call nobody.")
@click.option("--compare", type=_file, metavar="FILE.json", help="Compare with a saved run.")
@click.option(
    "--worse-by", type=Percent(), default="20%", show_default=True, metavar="PERCENT",
    help="With --compare: by how much a measure may have grown.",
)  # fmt: skip
@click.option("--markdown", type=_file, metavar="FILE", help="Write the table, or put it in place.")
@click.option("--plot", type=_file, metavar="FILE.png", help="Draw a picture.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of a table.")
@click.pass_context
def command(
    ctx: click.Context,
    calls: str,
    for_s: float,
    find_capacity: bool,
    p95_s: float,
    up_to: int,
    folder: Path | None,
    interrupt_every: int,
    url: str | None,
    project: str | None,
    agent: str | None,
    save: Path | None,
    show: Path | None,
    compare: Path | None,
    worse_by: float,
    markdown: Path | None,
    plot: Path | None,
    as_json: bool,
) -> int:
    """Measure many calls at once, with callers that speak.

    Every caller is a process with a real WebRTC connection. It asks recorded questions, pauses as
    people do, and now and then speaks over an answer. Measured is what the caller hears: from its
    last voiced sample to the first sound of the answer, what was understood, whether the answer was
    right, how interruptions went; and what the machine had to do. docs/load-test.md explains every
    line of the table.

    Exit status: 0 = done, 1 = a call failed, or (--compare) something became worse.

    \b
    Examples:
      earshot load-test --calls 1,2,4,8 --for 60s --save before.json
      earshot load-test --calls 1,2,4,8 --for 60s --compare before.json --worse-by 20%
      earshot load-test --find-capacity --p95 1.0s
      earshot load-test --questions my-questions --plot load.png
      earshot load-test --show before.json --markdown load.md
    """
    from ..load import command as load_command
    from ..load import questions
    from ..load.plan import Plan, parse_calls

    def stood(name: str) -> bool:
        return ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE

    for name, option, needed in (
        ("calls", "--calls", not find_capacity),
        ("p95_s", "--p95", find_capacity),
        ("up_to", "--up-to", find_capacity),
        ("worse_by", "--worse-by", compare is not None),
    ):
        if stood(name) and not needed:
            other = "without --find-capacity" if name == "calls" else "with --find-capacity"
            other = "with --compare" if name == "worse_by" else other
            raise click.UsageError(f"{option} is only used {other}")
    try:
        steps = (up_to,) if find_capacity else parse_calls(calls)
    except ValueError as e:
        raise click.UsageError(f"--calls {e}") from e
    asked = questions.of_folder(folder) if folder else questions.shipped()
    options = load_command.Options(
        Plan(steps, for_s, asked, interrupt_every, agent or ""),
        find_capacity, p95_s, compare, worse_by, as_json, save, markdown, plot,
    )  # fmt: skip
    if show is not None:
        return load_command.show(show, options)
    from ..operator.connection import resolve

    return load_command.load_test(
        options, lambda: resolve(url, project), agent_given=agent is not None
    )
