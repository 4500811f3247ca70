"""`--option=~/file`: the shell leaves it alone, the command must not."""

from collections.abc import Iterator
from pathlib import Path
from typing import IO

import click
import pytest
from click.testing import CliRunner
from earshot.cli import cli
from earshot.cli.path_type import UserFile, UserPath


@click.command
@click.option("--path", type=UserPath())
@click.option("--word", type=UserPath(str))
@click.option("--bytes", "data", type=UserFile())
def shown(path: Path | None, word: str | None, data: IO[bytes] | None) -> None:
    click.echo(f"{path!r} {word!r} {data.read() if data else None!r}")


def test_a_home_folder_is_meant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "b").write_bytes(b"here")
    ran = CliRunner().invoke(shown, ["--path=~/a", "--word=mic", "--bytes=~/b"])
    assert ran.output == f"PosixPath('{tmp_path}/a') 'mic' b'here'\n"
    ran = CliRunner().invoke(shown, ["--path=~nobody-of-this-name/a"])
    assert ran.exit_code == 2 and "~nobody-of-this-name" in ran.output
    ran = CliRunner().invoke(shown, ["--bytes", "-"], input="typed")
    assert ran.output == "None None b'typed'\n"


def parameters(command: click.Command) -> Iterator[click.Parameter]:
    yield from command.params
    if isinstance(command, click.Group):
        with click.Context(command) as ctx:
            for name in command.list_commands(ctx):
                found = command.get_command(ctx, name)
                assert found is not None
                yield from parameters(found)


def test_every_command_takes_it() -> None:
    kinds = [p.type for p in parameters(cli) if isinstance(p.type, click.Path | click.File)]
    assert len(kinds) > 15
    assert all(isinstance(kind, UserPath | UserFile) for kind in kinds)
