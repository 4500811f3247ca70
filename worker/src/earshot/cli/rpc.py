"""`earshot rpc …`: call."""

import asyncio
import sys
from typing import TYPE_CHECKING

import click

from ..operator import completing
from ..operator.options import Duration, server_options

if TYPE_CHECKING:
    from ..operator.connection import Connection

MOST_BYTES = 15 * 1024


@click.group("rpc")
def command() -> None:
    """Call a method of a participant.

    \b
    Examples:
      earshot rpc call lobby anna greet '{"name": "Ben"}'
    """


@command.command("call", short_help="Call a method, and print its answer.")
@server_options
@click.argument("room", shell_complete=completing.rooms)
@click.argument("identity", shell_complete=completing.identities)
@click.argument("method")
@click.argument("payload", required=False, default="")
@click.option(
    "--timeout", "timeout_s", type=Duration(0.1, 600), default="10s", show_default=True,
    metavar="TIME", help="How long its answer may take.",
)  # fmt: skip
@click.option("--as", "caller", metavar="ID", help="Join as this participant and call from there.")
def call(
    server: "Connection",
    room: str,
    identity: str,
    method: str,
    payload: str,
    timeout_s: float,
    caller: str | None,
) -> None:
    """Call a METHOD that IDENTITY has registered, and print its answer.

    The server calls it; with --as a participant does, who joins for it and leaves. PAYLOAD is text;
    - = standard input.

    \b
    Examples:
      earshot rpc call lobby anna greet '{"name": "Ben"}'
      earshot rpc call lobby anna greet '{"name": "Ben"}' --as operator --timeout 5s
    """
    from ..operator import rpc

    if payload == "-":
        try:
            payload = sys.stdin.buffer.read(MOST_BYTES + 1).decode()
        except UnicodeDecodeError as e:
            raise click.UsageError("standard input: PAYLOAD was expected in UTF-8") from e
    if len(payload.encode()) > MOST_BYTES:
        raise click.UsageError(f"PAYLOAD is too long: at most {MOST_BYTES} bytes")
    if caller:
        work = rpc.as_participant(server, caller, room, identity, method, payload, timeout_s)
    else:
        work = rpc.from_server(server, room, identity, method, payload, timeout_s)
    click.echo(asyncio.run(work))
