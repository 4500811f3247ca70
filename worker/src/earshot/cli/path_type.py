"""Paths on a command line. A shell leaves `~` alone in `--option=~/file`, and in quotes."""

from pathlib import Path
from typing import Any

import click

from ..user_path import expanded


class UserPath(click.Path):
    """A path with `~` as the home folder that it means; as text where it may be a word too."""

    def __init__(self, path_type: type[Path | str] = Path, *, file_okay: bool = True) -> None:
        super().__init__(file_okay=file_okay, path_type=path_type)

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        return super().convert(_expanded(self, value, param, ctx), param, ctx)


class UserFile(click.File):
    """A file's bytes (`-` = standard input), with `~` as the home folder that it means."""

    def __init__(self) -> None:
        super().__init__("rb")

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        return super().convert(_expanded(self, value, param, ctx), param, ctx)


def _expanded(kind: click.ParamType[Any], value: Any, param: Any, ctx: Any) -> Any:
    if not isinstance(value, str) or not value.startswith("~"):
        return value
    try:
        return str(expanded(value))
    except ValueError as e:
        kind.fail(f"{value!r}: {e}", param, ctx)
