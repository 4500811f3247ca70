"""The options that an operator's commands share, and the form of their help."""

import functools
import re
import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

from . import completing

F = TypeVar("F", bound=Callable[..., Any])

_DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?")


def server_options(function: F) -> F:
    """`--url` and `--project`; the command gets its first argument: a Connection."""
    return _server_options(function, address=True)


def key_options(function: F) -> F:
    """The same for what a key is enough for: the Connection's address may be empty."""
    return _server_options(function, address=False)


def _server_options(function: F, *, address: bool) -> F:

    @click.option(
        "--url",
        "server_url",
        metavar="URL",
        help="Another server; its key from LIVEKIT_API_KEY and _SECRET.",
    )
    @click.option(
        "--project",
        "server_project",
        metavar="NAME",
        shell_complete=completing.projects,
        help="A server of `earshot project list`.",
    )
    @functools.wraps(function)
    def command(server_url: str | None, server_project: str | None, **rest: Any) -> Any:
        from .connection import resolve

        return function(resolve(server_url, server_project, address=address), **rest)

    return command  # type: ignore[return-value]


def json_option(function: F) -> F:
    """`--json`, as the argument `as_json`."""
    option: Callable[[F], F] = click.option(
        "--json", "as_json", is_flag=True, help="The same as JSON."
    )
    return option(function)


def destroys(function: F) -> F:
    """`--yes` and `--dry-run`, for `agreed`."""
    for option in (
        click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing."),
        click.option("--yes", "-y", is_flag=True, help="Do it without asking."),
    ):
        function = option(function)
    return function


def agreed(what: str, *, yes: bool, dry_run: bool) -> bool:
    """Whether to go on with something that can't be undone: asks where a person can answer.

    Args:
        what: what is going to happen, as in "delete the room lobby".

    Raises:
        click.UsageError: nobody is there to answer.
        click.Abort: the answer was no.
    """
    if dry_run:
        click.echo(f"would {what}")
        return False
    if not yes:
        if not sys.stdin.isatty():
            raise click.UsageError(f"to {what} without a person to ask, give --yes")
        click.confirm(f"{what[:1].upper()}{what[1:]}?", abort=True)
    return True


class Duration(click.ParamType["float"]):
    """`90s`, `10m`, `1h30m`, `2d`; a bare number is in seconds. Gives seconds."""

    name = "duration"

    def __init__(self, least: float = 0.0, most: float = float("inf")) -> None:
        self._least, self._most = least, most

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        if isinstance(value, int | float):
            return float(value)
        text = value.strip().lower()
        found = _DURATION.fullmatch(text)
        if found and any(found.groups()):
            days, hours, minutes, seconds = (float(part or 0) for part in found.groups())
            result = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
        else:
            try:
                result = float(text)
            except ValueError:
                self.fail(f"{value!r}: expected a time such as 90s, 10m, 1h30m or 2d", param, ctx)
        if not self._least <= result <= self._most:
            self.fail(f"{value!r}: expected {self._least:g} to {self._most:g} seconds", param, ctx)
        return result


class Pair(click.ParamType["tuple[str, str]"]):
    """`KEY=VALUE`; gives both."""

    name = "KEY=VALUE"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[str, str]:
        if isinstance(value, tuple):
            return value
        key, sign, rest = value.partition("=")
        if not sign or not key:
            self.fail(f"{value!r}: expected KEY=VALUE", param, ctx)
        return key, rest
