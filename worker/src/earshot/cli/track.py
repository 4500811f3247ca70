"""`earshot track …`: list, mute, unmute, subscribe, unsubscribe."""

from typing import TYPE_CHECKING

import click

from ..operator import completing
from ..operator.options import json_option, server_options

if TYPE_CHECKING:
    from livekit import api

    from ..operator.connection import Connection


@click.group("track")
def command() -> None:
    """What is published in a room; mute, subscribe.

    A TRACK is a sid, a name, or a source: microphone, camera, screen_share, screen_share_audio.

    \b
    Examples:
      earshot track list lobby
      earshot track mute lobby microphone
      earshot track unsubscribe lobby ben microphone
    """


@command.command("list", short_help="What is published in a room.")
@server_options
@click.argument("room", shell_complete=completing.rooms)
@json_option
def list_(server: "Connection", room: str, as_json: bool) -> None:
    """Show what is published in ROOM, and by whom.

    \b
    Examples:
      earshot track list lobby
      earshot track list lobby --json
    """
    from ..operator import rooms
    from ..operator.server import run
    from ..operator.tables import plain, show, show_json

    found = run(server, lambda s: rooms.tracks_in(s, room, ()))
    if as_json:
        show_json([{"identity": who.identity, **plain(track)} for who, track in found])
    else:
        rows = [rooms.track_row(who, track) for who, track in found]
        show(rooms.TRACK_COLUMNS, rows, none="nothing is published")


@command.command("mute", short_help="Mute tracks of a room.")
@server_options
@click.argument("room", shell_complete=completing.rooms)
@click.argument("tracks", nargs=-1, required=True, metavar="TRACK...")
def mute(server: "Connection", room: str, tracks: tuple[str, ...]) -> None:
    """Mute tracks in ROOM, whoever publishes them; `microphone` is everybody's.

    \b
    Examples:
      earshot track mute lobby microphone
    """
    _mute(server, room, tracks, True)


@command.command("unmute", short_help="Unmute tracks of a room, where the server allows it.")
@server_options
@click.argument("room", shell_complete=completing.rooms)
@click.argument("tracks", nargs=-1, required=True, metavar="TRACK...")
def unmute(server: "Connection", room: str, tracks: tuple[str, ...]) -> None:
    """Unmute tracks, which the server must allow: `room: {enable_remote_unmute: true}`.

    \b
    Examples:
      earshot track unmute lobby microphone || echo "exit status $?"
    """
    _mute(server, room, tracks, False)


def _mute(server: "Connection", room: str, tracks: tuple[str, ...], muted: bool) -> None:
    from ..operator import rooms
    from ..operator.server import run
    from ..operator.tracks import set_muted

    async def change(s: "api.LiveKitAPI") -> list[str]:
        return await set_muted(s, room, await rooms.tracks_in(s, room, tracks), muted)

    for line in run(server, change):
        click.echo(line)


@command.command("subscribe", short_help="Let a participant hear or see tracks.")
@server_options
@click.argument("room", shell_complete=completing.rooms)
@click.argument("identity", shell_complete=completing.identities)
@click.argument("tracks", nargs=-1, required=True, metavar="TRACK...")
def subscribe(server: "Connection", room: str, identity: str, tracks: tuple[str, ...]) -> None:
    """Let IDENTITY hear or see tracks of the others.

    \b
    Examples:
      earshot track subscribe lobby ben microphone
    """
    _subscribe(server, room, identity, tracks, True)


@command.command("unsubscribe", short_help="Keep tracks from a participant.")
@server_options
@click.argument("room", shell_complete=completing.rooms)
@click.argument("identity", shell_complete=completing.identities)
@click.argument("tracks", nargs=-1, required=True, metavar="TRACK...")
def unsubscribe(server: "Connection", room: str, identity: str, tracks: tuple[str, ...]) -> None:
    """Keep tracks of the others from IDENTITY.

    \b
    Examples:
      earshot track unsubscribe lobby ben microphone
    """
    _subscribe(server, room, identity, tracks, False)


def _subscribe(
    server: "Connection", room: str, identity: str, tracks: tuple[str, ...], wanted: bool
) -> None:
    from livekit import api

    from ..errors import MissingError
    from ..operator import rooms
    from ..operator.server import run

    async def change(s: "api.LiveKitAPI") -> list[str]:
        await rooms.participant(s, room, identity)
        found = await rooms.tracks_in(s, room, tracks)
        others = [(who, track) for who, track in found if who.identity != identity]
        if not others:
            raise MissingError(f"those tracks are {identity!r}'s own")
        await s.room.update_subscriptions(
            api.UpdateSubscriptionsRequest(
                room=room,
                identity=identity,
                track_sids=[track.sid for _, track in others],
                subscribe=wanted,
            )
        )
        verb = "hears" if wanted else "no longer hears"
        return [f"{identity} {verb} {rooms.source(t)} of {who.identity}" for who, t in others]

    for line in run(server, change):
        click.echo(line)
