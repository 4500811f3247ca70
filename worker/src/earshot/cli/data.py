"""`earshot data …`: send."""

from typing import IO, TYPE_CHECKING

import click

from ..operator import completing
from ..operator.options import server_options
from .path_type import UserFile

if TYPE_CHECKING:
    from livekit import api

    from ..operator.connection import Connection

MOST_BYTES = 15 * 1024
"""What every client takes in one packet."""


@click.group("data")
def command() -> None:
    """Send data to the participants of a room.

    \b
    Examples:
      earshot data send lobby "The shop closes in ten minutes." --topic notice
    """


@command.command("send", short_help="Send data to all, or to some.")
@server_options
@click.argument("room", shell_complete=completing.rooms)
@click.argument("text", required=False)
@click.option("--file", type=UserFile(), metavar="FILE", help="Bytes instead; - = stdin.")
@click.option("--topic", metavar="TOPIC", help="What the receivers tell it by.")
@click.option(
    "--to", "identities", multiple=True, metavar="ID", help="To this one; several: repeat it."
)
@click.option("--lossy", is_flag=True, help="May be lost, but never comes late.")
def send(
    server: "Connection",
    room: str,
    text: str | None,
    file: IO[bytes] | None,
    topic: str | None,
    identities: tuple[str, ...],
    lossy: bool,
) -> None:
    """Send TEXT, or the bytes of a file, to everybody in ROOM or to some.

    It comes from the server, and arrives as data received, with the topic: at most 15 kB.

    \b
    Examples:
      earshot data send lobby "The shop closes in ten minutes." --topic notice
      echo '{"volume": 3}' | earshot data send lobby --file - --topic settings --to anna
    """
    from livekit import api

    from ..operator import rooms
    from ..operator.server import run

    if (text is None) == (file is None):
        raise click.UsageError("TEXT or --file was expected")
    payload = (text or "").encode() if file is None else file.read(MOST_BYTES + 1)
    if len(payload) > MOST_BYTES:
        raise click.UsageError(f"too long for one packet: at most {MOST_BYTES} bytes")
    kind = api.DataPacket.Kind.LOSSY if lossy else api.DataPacket.Kind.RELIABLE

    async def deliver(s: "api.LiveKitAPI") -> list[str]:
        inside = [who.identity for who in await rooms.participants(s, room)]
        for identity in identities:
            await rooms.participant(s, room, identity)
        request = api.SendDataRequest(
            room=room, data=payload, kind=kind, destination_identities=identities
        )
        if topic:
            request.topic = topic
        await s.room.send_data(request)
        return list(identities) or inside

    receivers = run(server, deliver)
    click.echo(f"{len(payload)} bytes to {', '.join(receivers) or 'nobody: the room is empty'}")
