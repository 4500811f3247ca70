"""`earshot room join`."""

import secrets
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..operator.options import Duration, Pair, server_options
from .path_type import UserPath

if TYPE_CHECKING:
    from ..operator.connection import Connection


def add_join(group: click.Group) -> None:
    """Adds the command to `earshot room`."""
    group.add_command(command)


@click.command("join", short_help="Join a room and show what happens in it.")
@server_options
@click.argument("room")
@click.option("--identity", metavar="NAME", help="Who you are; default: a new name each time.")
@click.option("--agent", metavar="NAME", help="Call this agent into the room.")
@click.option(
    "--publish", type=UserPath(str), metavar="FILE|mic|tone",
    help="Speak: a recording once, this machine's microphone, or 440 Hz.",
)  # fmt: skip
@click.option(
    "--chat", multiple=True, metavar="TEXT", help="Write this first; may be given several times."
)
@click.option(
    "--record", type=UserPath(), metavar="OUT.wav",
    help="Write what all the others say to this WAV file.",
)  # fmt: skip
@click.option("--for", "for_s", type=Duration(1), metavar="TIME", help="Leave after this long.")
@click.option(
    "--answer", "answers", type=Pair(), multiple=True, metavar="METHOD=TEXT",
    help="Answer calls (RPC) of a method; may be given several times.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="One JSON object with its time per event.")
def command(
    server: "Connection",
    room: str,
    identity: str | None,
    agent: str | None,
    publish: str | None,
    chat: tuple[str, ...],
    record: Path | None,
    for_s: float | None,
    answers: tuple[tuple[str, str], ...],
    as_json: bool,
) -> int:
    """Join ROOM as a participant, and show everything that happens in it, as it happens.

    Participants, tracks, attributes, the agent's state, transcripts, text streams, data, calls,
    who speaks, how good connections are, reconnects (docs/room-join.md lists them). Lines that you
    type are sent as chat. Ctrl-C leaves. Exit status: 0 = left, 1 = was made to leave.

    \b
    Examples:
      earshot room join lobby
      earshot room join lobby --publish question.wav --record answer.wav --for 15s
      earshot room join lobby --agent helper --chat "What time is it?" --for 15s
      earshot room join lobby --json --for 5s
    """
    from ..join.command import Options, join

    for name, value in (("ROOM", room), ("--identity", identity), ("--agent", agent)):
        if value is not None and not value.strip():
            raise click.UsageError(f"{name}: a name was expected, not an empty text")
    me = identity or f"operator-{secrets.token_hex(3)}"
    options = Options(room, me, agent, publish, chat, record, for_s, dict(answers), as_json)
    return join(options, server)
