"""`earshot up`."""

from pathlib import Path

import click

from .path_type import UserPath


@click.command("up")
@click.option(
    "--ports", type=click.Choice(["as-set", "auto"]), default="as-set", show_default=True,
    help="`auto`: take free ports where those of the settings are in use.",
)  # fmt: skip
@click.option(
    "--lan", is_flag=True, help="For callers on the network too, not on this machine alone."
)
@click.option("--profile", metavar="NAME", help="Which models; overrides the setting `profile`.")
@click.option(
    "--fetch", is_flag=True,
    help="Download what is missing of --profile, and use it from now on; at a terminal, offer real"
    " models to whoever has none.",
)  # fmt: skip
@click.option("--open", "open_page", is_flag=True, help="Open the page in a browser when ready.")
@click.option(
    "--demo", is_flag=True, help="A scripted caller asks three questions; then everything stops."
)
@click.option(
    "-o", "--output", type=UserPath(), default=Path("answer.wav"),
    show_default=True, metavar="ANSWER.wav", help="With --demo: what the caller heard.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="One JSON object per event, nothing else.")
def command(
    ports: str,
    lan: bool,
    profile: str | None,
    fetch: bool,
    open_page: bool,
    demo: bool,
    output: Path,
    as_json: bool,
) -> int:
    """Start everything that a call needs, and keep it running.

    livekit-server, the engine with the models, the worker and its web page; redis too where it is
    installed. Prints the page's address when a caller would be answered. Ctrl-C or SIGTERM stops
    all of it.

    \b
    earshot up
    earshot up --lan --ports auto
    earshot up --profile mini --fetch
    earshot up --demo
    earshot up --json | jq -r 'select(.event == "ready").page'
    """
    from ..up.command import Options, up

    return up(Options(ports == "auto", lan, profile, as_json, open_page, demo, output, fetch))
