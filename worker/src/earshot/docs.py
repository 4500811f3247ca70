"""Writes the generated parts of the README: `python -m earshot.docs`. A test finds drift."""

import re
from pathlib import Path

import click

from .cli import COMMANDS, cli
from .settings import table


def cli_help() -> str:
    """The help of every command, as the terminal shows it at 100 columns."""
    pages: list[tuple[str, click.Command]] = [("earshot", cli)]
    with click.Context(cli, info_name="earshot") as ctx:
        for name in COMMANDS:
            command = cli.get_command(ctx, name)
            assert command is not None
            pages.append((f"earshot {name}", command))
    blocks = []
    for name, command in pages:
        with click.Context(command, info_name=name, max_content_width=100, terminal_width=100) as c:
            text = "\n".join(line.rstrip() for line in command.get_help(c).splitlines())
        blocks.append(f"```text\n$ {name} --help\n{text}\n```")
    return "\n\n".join(blocks)


def rendered(readme: str) -> str:
    """The README with its generated parts made anew."""
    return between(between(readme, "settings", table()), "help", cli_help())


def between(text: str, mark: str, content: str) -> str:
    """Replaces what stands between <!-- mark: begin --> and <!-- mark: end -->."""
    pattern = re.compile(f"(<!-- {mark}: begin -->\n).*?(<!-- {mark}: end -->)", re.S)
    if not pattern.search(text):
        raise ValueError(f"the marks of {mark!r} are missing")
    return pattern.sub(lambda m: f"{m[1]}{content}\n{m[2]}", text)


if __name__ == "__main__":
    readme = Path(__file__).parents[3] / "README.md"
    readme.write_text(rendered(readme.read_text()))
