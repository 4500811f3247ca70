"""`earshot init`."""

from pathlib import Path

import click

from .path_type import UserPath


@click.command("init")
@click.option("--yes", is_flag=True, help="Ask nothing: take the best address, and say which.")
@click.option(
    "--address", default="", metavar="IP", help="The address of this machine for callers."
)
@click.option(
    "--ports", type=click.Choice(["as-set", "auto"]), default="as-set", show_default=True,
    help="`auto`: take free ports where those of the settings are in use.",
)  # fmt: skip
@click.option("--profile", default="", metavar="NAME", help="Which models, at first.")
@click.option(
    "--folder", type=UserPath(file_okay=False), default=Path(), metavar="DIR",
    help="Where compose.yaml is; default: here.",
)  # fmt: skip
def command(yes: bool, address: str, ports: str, profile: str, folder: Path) -> int:
    """Prepare this folder for docker compose.

    Finds the address that callers use, makes the secrets, checks ports and Docker, and writes
    .env and .earshot/. What is there already stays: change .env and run it again.

    \b
    earshot init && docker compose up -d --wait
    """
    from ..init.folder import Options, prepare

    prepare(Options(folder, address, yes, ports == "auto", profile), click.echo)
    return 0
