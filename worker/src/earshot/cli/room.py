"""`earshot room …`: list, show, create, update, delete; and join, which is in `join`."""

import importlib.util
from typing import TYPE_CHECKING, Any

import click

from ..operator import completing
from ..operator.options import Duration, agreed, destroys, json_option, server_options

if TYPE_CHECKING:
    from livekit import api

    from ..operator.connection import Connection


@click.group("room")
def command() -> None:
    """List, make, change and end rooms.

    \b
    Examples:
      earshot room create lobby
      earshot room list
      earshot room show lobby
      earshot room delete lobby --yes
    """


@command.command("list", short_help="Rooms that are open.")
@server_options
@click.argument("names", nargs=-1, metavar="[ROOM]...", shell_complete=completing.rooms)
@json_option
def list_(server: "Connection", names: tuple[str, ...], as_json: bool) -> None:
    """Show the rooms that are open: all, or those that are named.

    The server counts participants some seconds late; `room show` asks who is there now.

    \b
    Examples:
      earshot room list
      earshot room list lobby --json
    """
    from livekit import api

    from ..operator.rooms import ROOM_COLUMNS, room_row
    from ..operator.server import run
    from ..operator.tables import show, show_json

    found = run(server, lambda s: s.room.list_rooms(api.ListRoomsRequest(names=names))).rooms
    rooms = sorted(found, key=lambda room: room.name)
    if as_json:
        show_json(rooms)
    else:
        show(ROOM_COLUMNS, map(room_row, rooms), none="no room is open")


@command.command("show", short_help="A room: who is in it, what is published, which agents.")
@server_options
@click.argument("room", shell_complete=completing.rooms)
@json_option
def show_(server: "Connection", room: str, as_json: bool) -> None:
    """Show all of a room: its settings, who is in it, what is published, which agents are called.

    \b
    Examples:
      earshot room show lobby
      earshot room show lobby --json
    """
    from ..operator import rooms
    from ..operator.server import run
    from ..operator.tables import plain, show, show_fields, show_json, span, when

    async def look(s: "api.LiveKitAPI") -> Any:
        found = await rooms.get(s, room)
        return found, await rooms.participants(s, room), await s.agent_dispatch.list_dispatch(room)

    found, inside, dispatches = run(server, look)
    if as_json:
        more = {
            "participants": [plain(who) for who in inside],
            "dispatches": [plain(dispatch) for dispatch in dispatches],
        }
        show_json({**plain(found), **more})
        return
    show_fields(
        [
            ("room", found.name),
            ("sid", found.sid),
            ("since", when(found.creation_time)),
            ("metadata", found.metadata),
            ("participants at most", found.max_participants or ""),
            ("ends when empty", f"after {span(found.empty_timeout)}"),
            ("ends when left", f"after {span(found.departure_timeout)}"),
            ("recorded", "yes" if found.active_recording else ""),
            ("agents called", ", ".join(d.agent_name or "(any)" for d in dispatches)),
        ]
    )
    click.echo()
    show(rooms.PARTICIPANT_COLUMNS, map(rooms.participant_row, inside), none="nobody is in it")
    published = [rooms.track_row(who, track) for who in inside for track in who.tracks]
    if published:
        click.echo()
        show(rooms.TRACK_COLUMNS, published, none="")


@command.command("create", short_help="Open a room.")
@server_options
@click.argument("room", required=False)
@click.option("--empty-timeout", type=Duration(1), metavar="TIME", help="Ends when nobody comes.")
@click.option(
    "--departure-timeout", type=Duration(1), metavar="TIME", help="Ends when everybody has left."
)
@click.option("--max-participants", type=click.IntRange(0, 2**31 - 1), metavar="N")
@click.option("--metadata", metavar="TEXT", help="Told to the participants.")
@click.option("--agent", "agents", multiple=True, metavar="NAME", help="Call it into the room.")
@click.option("--agent-metadata", metavar="TEXT", help="With --agent: what the agent is told.")
@click.option(
    "--min-playout-delay", type=click.IntRange(0, 60000), metavar="MS", help="Least delay of sound."
)
@click.option("--max-playout-delay", type=click.IntRange(0, 60000), metavar="MS")
@click.option("--sync-streams", is_flag=True, default=None, help="Keep sound and picture together.")
@click.option("--room-preset", metavar="NAME", help="One of the server's (setting `room.…`).")
@click.option("--egress", metavar="FILE", help="Record it from the start: RoomEgress as JSON.")
@click.option("--request", metavar="FILE", help="CreateRoomRequest as JSON; - = standard input.")
@json_option
def create(server: "Connection", as_json: bool, **given: Any) -> None:
    """Open ROOM before anybody joins it. One that is open already stays as it is.

    \b
    Examples:
      earshot room create lobby --metadata '{"floor": 2}' --empty-timeout 10m
      earshot room create clinic --agent helper --agent-metadata '{"lang": "de"}' --json
      echo '{"name": "hall", "maxParticipants": 4}' | earshot room create --request -
    """
    from livekit import api

    from ..operator import requests
    from ..operator.server import run
    from ..operator.tables import show_json

    seconds = ("empty_timeout", "departure_timeout")
    same = (
        "max_participants", "metadata", "min_playout_delay", "max_playout_delay", "sync_streams",
        "room_preset",
    )  # fmt: skip
    fields = {name: given[name] for name in same}
    fields |= {n: None if given[n] is None else round(given[n]) for n in seconds}
    agents = [
        {"agent_name": name, "metadata": given["agent_metadata"] or ""} for name in given["agents"]
    ]
    if given["agent_metadata"] and not agents:
        raise click.UsageError("--agent-metadata is told to an agent: add --agent")
    egress = requests.read(given["egress"], "--egress") or None
    request = requests.build(
        api.CreateRoomRequest,
        requests.read(given["request"]),
        {"name": given["room"], "agents": agents or None, "egress": egress, **fields},
    )
    requests.require(request, name="ROOM")
    room = run(server, lambda s: s.room.create_room(request), service="egress" if egress else "")
    if as_json:
        show_json(room)
    else:
        click.echo(f"{room.name} is open ({room.sid})")


@command.command("update", short_help="Change a room's metadata.")
@server_options
@click.argument("room", shell_complete=completing.rooms)
@click.option("--metadata", required=True, metavar="TEXT", help="Told to the participants.")
@json_option
def update(server: "Connection", room: str, metadata: str, as_json: bool) -> None:
    """Change a room's metadata, and tell the participants.

    \b
    Examples:
      earshot room update lobby --metadata '{"floor": 3}'
    """
    from livekit import api

    from ..operator.server import run
    from ..operator.tables import show_json

    request = api.UpdateRoomMetadataRequest(room=room, metadata=metadata)
    changed = run(server, lambda s: s.room.update_room_metadata(request))
    if as_json:
        show_json(changed)
    else:
        click.echo(f"{changed.name}: metadata changed")


@command.command("delete", short_help="End rooms, with all calls in them.")
@server_options
@click.argument(
    "rooms", nargs=-1, required=True, metavar="ROOM...", shell_complete=completing.rooms
)
@destroys
def delete(server: "Connection", rooms: tuple[str, ...], yes: bool, dry_run: bool) -> None:
    """End rooms: everybody in them is disconnected, agents too.

    \b
    Examples:
      earshot room delete lobby --dry-run
      earshot room delete lobby --yes
    """
    from livekit import api

    from ..operator.rooms import participants
    from ..operator.server import run

    async def look(s: "api.LiveKitAPI") -> list[str]:
        return [f"{name} ({len(await participants(s, name))} in it)" for name in rooms]

    async def end(s: "api.LiveKitAPI") -> None:
        for name in rooms:
            await s.room.delete_room(api.DeleteRoomRequest(room=name))
            click.echo(f"{name}: ended")

    found = run(server, look)
    if agreed(f"end {', '.join(found)}", yes=yes, dry_run=dry_run):
        run(server, end)


if importlib.util.find_spec("earshot.cli.join"):
    from .join import add_join

    add_join(command)
