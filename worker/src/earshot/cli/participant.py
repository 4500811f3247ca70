"""`earshot participant …`: list, get, update, mute, remove, move, forward."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ..operator import completing
from ..operator.options import Pair, agreed, destroys, json_option, server_options

if TYPE_CHECKING:
    from livekit import api

    from ..operator.connection import Connection

F = TypeVar("F", bound=Callable[..., Any])

SOURCES = ("camera", "microphone", "screen_share", "screen_share_audio")


@click.group("participant")
def command() -> None:
    """Who is in a room; change, mute or remove them.

    \b
    Examples:
      earshot participant list lobby
      earshot participant mute lobby anna
      earshot participant remove lobby anna --yes
    """


@command.command("list", short_help="Who is in a room.")
@server_options
@click.argument("room", shell_complete=completing.rooms)
@json_option
def list_(server: "Connection", room: str, as_json: bool) -> None:
    """Show who is in ROOM.

    \b
    Examples:
      earshot participant list lobby
      earshot participant list lobby --json
    """
    from ..operator import rooms
    from ..operator.server import run
    from ..operator.tables import show, show_json

    inside = run(server, lambda s: rooms.participants(s, room))
    inside.sort(key=lambda who: who.joined_at)
    if as_json:
        show_json(inside)
    else:
        show(rooms.PARTICIPANT_COLUMNS, map(rooms.participant_row, inside), none="nobody is in it")


@command.command("get", short_help="All of one participant.")
@server_options
@click.argument("room", shell_complete=completing.rooms)
@click.argument("identity", shell_complete=completing.identities)
@json_option
def get(server: "Connection", room: str, identity: str, as_json: bool) -> None:
    """Show all that the server knows of a participant: attributes, permissions, tracks.

    \b
    Examples:
      earshot participant get lobby anna
      earshot participant get lobby anna --json
    """
    from ..operator import rooms
    from ..operator.server import run
    from ..operator.tables import plain, show, show_fields, show_json, when

    who = run(server, lambda s: rooms.participant(s, room, identity))
    if as_json:
        show_json(who)
        return
    row = dict(zip(rooms.PARTICIPANT_COLUMNS, rooms.participant_row(who), strict=True))
    allowed = [name for name, value in plain(who.permission).items() if value]
    show_fields(
        [
            ("identity", who.identity),
            ("sid", who.sid),
            ("name", who.name),
            ("kind", row["kind"]),
            ("state", row["state"]),
            ("since", when(who.joined_at)),
            ("metadata", who.metadata),
            *((f"attribute {key}", value) for key, value in sorted(who.attributes.items())),
            ("permissions", ", ".join(allowed)),
        ]
    )
    if who.tracks:
        click.echo()
        show(rooms.TRACK_COLUMNS, [rooms.track_row(who, track) for track in who.tracks], none="")


def _switch(name: str, field: str, text: str) -> Callable[[F], F]:
    return click.option(f"--{name}/--no-{name}", field, default=None, help=text)


@command.command("update", short_help="Change name, metadata, attributes, permissions.")
@server_options
@click.argument("room", shell_complete=completing.rooms)
@click.argument("identity", shell_complete=completing.identities)
@click.option("--name", metavar="NAME")
@click.option("--metadata", metavar="TEXT")
@click.option(
    "--attribute", "attributes", type=Pair(), multiple=True,
    help="Several: repeat it. An empty value takes the attribute away.",
)  # fmt: skip
@_switch("publish", "can_publish", "May it publish?")
@_switch("subscribe", "can_subscribe", "May it hear and see the others?")
@_switch("data", "can_publish_data", "May it send data?")
@_switch("own-metadata", "can_update_metadata", "May it change its own name, …?")
@_switch("metrics", "can_subscribe_metrics", "May it read metrics?")
@_switch("hidden", "hidden", "Is it unseen by the others?")
@click.option(
    "--allow-source", "sources", type=click.Choice([*SOURCES, "all"]), multiple=True,
    help="What it may publish; several: repeat it.",
)  # fmt: skip
@click.option(
    "--permissions", metavar="FILE", help="ParticipantPermission as JSON; - = stdin. Replaces all."
)
@json_option
def update(server: "Connection", room: str, identity: str, as_json: bool, **given: Any) -> None:
    """Change what is known of a participant, or what it may do. What is not named stays as it is.

    \b
    Examples:
      earshot participant update lobby anna --name Anna --attribute seat=4
      earshot participant update lobby anna --no-own-metadata
      earshot participant update lobby anna --allow-source microphone
    """
    from livekit import api

    from ..operator import requests, rooms
    from ..operator.server import run
    from ..operator.tables import show_json

    sources = [name.upper() for name in given["sources"] if name != "all"]
    if "all" in given["sources"] and sources:
        raise click.UsageError("--allow-source all is all of them: give it alone")
    switches = {
        name: given[name]
        for name in (
            "can_publish", "can_subscribe", "can_publish_data", "can_update_metadata",
            "can_subscribe_metrics", "hidden",
        )
        if given[name] is not None
    }  # fmt: skip
    permissions = requests.read(given["permissions"], "--permissions")
    plain = {"name": given["name"], "metadata": given["metadata"]}
    asked = [*(v for v in plain.values() if v is not None), *given["attributes"]]
    if not (asked or switches or given["sources"] or permissions):
        raise click.UsageError("nothing to change: give --name, --metadata, --attribute, …")

    async def change(s: "api.LiveKitAPI") -> "api.ParticipantInfo":
        who = await rooms.participant(s, room, identity)
        request = api.UpdateParticipantRequest(room=room, identity=identity)
        # the server takes an empty name or metadata for "leave it"
        request.name, request.metadata = plain["name"] or "", plain["metadata"] or ""
        request.attributes.update(dict(given["attributes"]))
        if switches or given["sources"] or permissions:
            # permissions are set as a whole
            request.permission.CopyFrom(
                requests.build(api.ParticipantPermission, permissions)
                if permissions
                else who.permission
            )
            for name, value in switches.items():
                setattr(request.permission, name, value)
            if given["sources"]:
                del request.permission.can_publish_sources[:]
                values = [api.TrackSource.Value(name) for name in sources]
                request.permission.can_publish_sources.extend(values)  # type: ignore[arg-type]
        return await s.room.update_participant(request)

    changed = run(server, change)
    if as_json:
        show_json(changed)
    else:
        click.echo(f"{changed.identity}: changed")


@command.command("mute", short_help="Silence a participant.")
@server_options
@click.argument("room", shell_complete=completing.rooms)
@click.argument("identity", shell_complete=completing.identities)
@click.argument("tracks", nargs=-1, metavar="[TRACK]...")
@click.option("--unmute", is_flag=True, help="Give the voice back, where the server allows it.")
def mute(
    server: "Connection", room: str, identity: str, tracks: tuple[str, ...], unmute: bool
) -> None:
    """Mute what a participant publishes: all of it, or the TRACKs that are named.

    A TRACK is a sid, a name, or a source: microphone, camera, screen_share, screen_share_audio.

    \b
    Examples:
      earshot participant mute lobby anna
      earshot participant mute lobby anna microphone
    """
    from ..operator import rooms
    from ..operator.server import run
    from ..operator.tracks import set_muted

    async def change(s: "api.LiveKitAPI") -> list[str]:
        who = await rooms.participant(s, room, identity)
        return await set_muted(s, room, [(who, t) for t in rooms.tracks(who, tracks)], not unmute)

    done = run(server, change)
    for line in done:
        click.echo(line)
    if not done:
        click.echo(f"{identity} publishes nothing")


@command.command("remove", short_help="Disconnect a participant.")
@server_options
@click.argument("room", shell_complete=completing.rooms)
@click.argument("identity", shell_complete=completing.identities)
@click.option("--revoke", is_flag=True, help="Tokens that it was given before now are void.")
@destroys
def remove(
    server: "Connection", room: str, identity: str, revoke: bool, yes: bool, dry_run: bool
) -> None:
    """Disconnect a participant. With its token it may come back, unless that is revoked.

    \b
    Examples:
      earshot participant remove lobby anna --dry-run
      earshot participant remove lobby anna --yes
    """
    import time

    from livekit import api

    from ..operator import rooms
    from ..operator.server import run

    async def end(s: "api.LiveKitAPI") -> None:
        request = api.RoomParticipantIdentity(room=room, identity=identity)
        if revoke:
            request.revoke_token_ts = int(time.time())
        await s.room.remove_participant(request)

    who = run(server, lambda s: rooms.participant(s, room, identity))
    if agreed(f"remove {who.identity} from {room}", yes=yes, dry_run=dry_run):
        run(server, end)
        click.echo(f"{identity}: removed")


@command.command("move", short_help="Move a participant to another room.")
@server_options
@click.argument("room", shell_complete=completing.rooms)
@click.argument("identity", shell_complete=completing.identities)
@click.option("--to", "destination", required=True, metavar="ROOM")
def move(server: "Connection", room: str, identity: str, destination: str) -> None:
    """Move a participant to another room, where the server can: the open livekit-server can't.

    \b
    Examples:
      earshot participant move lobby anna --to clinic || echo "exit status $?"
    """
    from livekit import api

    from ..operator.server import run

    request = api.MoveParticipantRequest(room=room, identity=identity, destination_room=destination)
    _cloud(server, room, identity, lambda: run(server, lambda s: s.room.move_participant(request)))
    click.echo(f"{identity}: moved to {destination}")


@command.command("forward", short_help="Let a second room hear a participant.")
@server_options
@click.argument("room", shell_complete=completing.rooms)
@click.argument("identity", shell_complete=completing.identities)
@click.option("--to", "destination", required=True, metavar="ROOM")
def forward(server: "Connection", room: str, identity: str, destination: str) -> None:
    """Let a second room hear a participant, where the server can: the open livekit-server can't.

    \b
    Examples:
      earshot participant forward lobby anna --to clinic || echo "exit status $?"
    """
    from livekit import api

    from ..operator.server import run

    request = api.ForwardParticipantRequest(
        room=room, identity=identity, destination_room=destination
    )
    _cloud(
        server, room, identity, lambda: run(server, lambda s: s.room.forward_participant(request))
    )
    click.echo(f"{identity}: forwarded to {destination}")


def _cloud(server: "Connection", room: str, identity: str, ask: Any) -> None:
    """Says what the open server means by its answer to what it does not have."""
    from ..errors import OperatorError
    from ..operator import rooms
    from ..operator.server import run

    run(server, lambda s: rooms.participant(s, room, identity))
    try:
        ask()
    except OperatorError as e:
        raise OperatorError(
            f"{server.url} can't do it: the open livekit-server has it not (LiveKit Cloud has): {e}"
        ) from e
