"""Writes the generated parts of the documentation: `python -m earshot.docs`. A test finds drift.

The settings' table in docs/settings.md, every command's help in docs/cli.md, the causes in
docs/doctor.md.
"""

import re
from pathlib import Path

import click

from .cli import COMMANDS, cli
from .doctor import causes
from .settings_table import table


def cli_help() -> str:
    """The help of every command, as the terminal shows it at 100 columns."""
    pages: list[tuple[str, click.Command]] = [("earshot", cli)]
    with click.Context(cli, info_name="earshot") as ctx:
        for name in COMMANDS:
            command = cli.get_command(ctx, name)
            assert command is not None
            pages.append((f"earshot {name}", command))
            pages += _below(f"earshot {name}", command)
    blocks = []
    for name, command in pages:
        # as on a terminal, where the options of help come from the group
        with click.Context(
            command,
            info_name=name,
            max_content_width=100,
            terminal_width=100,
            **cli.context_settings,
        ) as c:
            text = "\n".join(line.rstrip() for line in command.get_help(c).splitlines())
        blocks.append(f"```text\n$ {name} --help\n{text}\n```")
    return "\n\n".join(blocks)


def _below(name: str, command: click.Command) -> list[tuple[str, click.Command]]:
    pages: list[tuple[str, click.Command]] = []
    if isinstance(command, click.Group):
        for n, c in command.commands.items():
            pages += [(f"{name} {n}", c), *_below(f"{name} {n}", c)]
    return pages


def rendered(folder: Path) -> dict[Path, str]:
    """The files with generated parts in a checkout, those parts made anew."""
    settings, commands = folder / "docs" / "settings.md", folder / "docs" / "cli.md"
    doctor = folder / "docs" / "doctor.md"
    return {
        settings: between(settings.read_text(), "settings", table()),
        commands: between(commands.read_text(), "help", cli_help()),
        doctor: between(doctor.read_text(), "causes", causes.table()),
    }


def between(text: str, mark: str, content: str) -> str:
    """Replaces what stands between <!-- mark: begin --> and <!-- mark: end -->."""
    pattern = re.compile(f"(<!-- {mark}: begin -->\n).*?(<!-- {mark}: end -->)", re.S)
    if not pattern.search(text):
        raise ValueError(f"the marks of {mark!r} are missing")
    return pattern.sub(lambda m: f"{m[1]}{content}\n{m[2]}", text)


if __name__ == "__main__":
    for path, text in rendered(Path(__file__).parents[3]).items():
        path.write_text(text)
