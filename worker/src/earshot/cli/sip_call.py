"""`earshot sip call …`: start, list, transfer, end."""

from typing import TYPE_CHECKING, Any

import click

from ..operator import completing
from ..operator.options import Duration, Pair, agreed, destroys, json_option, server_options
from .sip_trunk import find as find_trunk

if TYPE_CHECKING:
    from livekit import api

    from ..operator.connection import Connection

COLUMNS = ("room", "identity", "status", "number", "trunk", "call", "since")


@click.group("call")
def command() -> None:
    """Telephone calls: start, list, transfer, end.

    \b
    Examples:
      earshot sip call list
    """


@command.command("start", short_help="Call a number into a room.")
@server_options
@click.option("--trunk", metavar="ID|NAME", help="The outbound trunk.")
@click.option("--to", "sip_call_to", metavar="NUMBER", help="Who is called.")
@click.option("--room", "room_name", metavar="ROOM", help="Into which room.")
@click.option("--from", "sip_number", metavar="NUMBER", help="Default: one of the trunk's.")
@click.option("--identity", "participant_identity", metavar="ID", help="Default: sip_NUMBER.")
@click.option("--name", "participant_name", metavar="NAME", help="Shown to the others.")
@click.option("--metadata", "participant_metadata", metavar="TEXT")
@click.option("--attribute", "attributes", type=Pair(), multiple=True, help="Repeat it.")
@click.option("--display-name", metavar="NAME", help="Shown on the telephone.")
@click.option("--header", "headers", type=Pair(), multiple=True, help="Sent; repeat it.")
@click.option("--dtmf", metavar="KEYS", help="Typed when it is answered: 123#, w = half a second.")
@click.option("--dialtone", "play_dialtone", is_flag=True, help="The room hears it ring.")
@click.option("--hide-phone-number", is_flag=True, help="From the others in the room.")
@click.option("--ring", "ringing_timeout", type=Duration(1, 80), metavar="TIME", help="At most.")
@click.option("--longest", type=Duration(1), metavar="TIME", help="The call, at most.")
@click.option("--wait", "wait_until_answered", is_flag=True, help="Until it is answered.")
@click.option("--request", metavar="FILE", help="CreateSIPParticipantRequest as JSON; - = stdin.")
@click.option("--dry-run", is_flag=True, help="Check the request, show it, and call nobody.")
@json_option
def start(server: "Connection", trunk: str | None, as_json: bool, **given: Any) -> None:
    """Call a number, and bring it into a room.

    \b
    Examples:
      echo '{"trunk": {"hostname": "10.0.0.5"}, "sip_number": "+4930124"}' |
        earshot sip call start --to +4930999 --room lobby --request - --dry-run
    """
    from livekit import api

    from ..operator import requests
    from ..operator.server import TIMEOUT_S, run
    from ..operator.tables import plain, show_json

    data = requests.read(given["request"])
    same = (
        "sip_call_to", "room_name", "sip_number", "participant_identity", "participant_name",
        "participant_metadata", "display_name", "dtmf",
    )  # fmt: skip
    flags = ("play_dialtone", "hide_phone_number", "wait_until_answered")
    fields: dict[str, Any] = {name: given[name] for name in same}
    fields |= {name: given[name] or None for name in flags}
    fields["participant_attributes"] = dict(given["attributes"])
    fields["headers"] = dict(given["headers"])
    for name, option in (("ringing_timeout", "ringing_timeout"), ("max_call_duration", "longest")):
        fields[name] = None if given[option] is None else f"{given[option]:g}s"
    request = requests.build(api.CreateSIPParticipantRequest, data, fields)
    requests.require(request, sip_call_to="--to", room_name="--room")
    if trunk:
        found = run(server, lambda s: find_trunk(s, trunk, ("outbound",)), service="sip")
        request.sip_trunk_id = found.sip_trunk_id
    if not request.sip_trunk_id and not request.HasField("trunk"):
        raise click.UsageError("which way? Give --trunk, or `trunk` in --request")
    if given["dry_run"]:
        show_json({"would_call": request.sip_call_to, "request": plain(request, secrets=False)})
        return
    wait_s = 90.0 if request.wait_until_answered else 30 + TIMEOUT_S
    call = run(
        server,
        lambda s: s.sip.create_sip_participant(request, timeout=wait_s),
        service="sip",
        timeout_s=wait_s,
    )
    if as_json:
        show_json(call)
    else:
        click.echo(f"{call.sip_call_id}: {call.participant_identity} in {call.room_name}")


async def _calls(server: "api.LiveKitAPI", room: str | None) -> list[tuple[str, Any]]:
    from livekit import api

    from ..operator import rooms

    names = [room] if room else []
    if not room:
        listed = await server.room.list_rooms(api.ListRoomsRequest())
        names = [found.name for found in listed.rooms]
    found = []
    for name in names:
        request = api.ListParticipantsRequest(room=name)
        inside = (
            await rooms.participants(server, name)
            if room
            else (await server.room.list_participants(request)).participants
        )
        found += [(name, who) for who in inside if who.kind == api.ParticipantInfo.Kind.SIP]
    return found


@command.command("list", short_help="Calls that run.")
@server_options
@click.option("--room", metavar="ROOM", help="In this room.")
@json_option
def list_(server: "Connection", room: str | None, as_json: bool) -> None:
    """Show the telephone calls that run, in all rooms or in one.

    \b
    Examples:
      earshot sip call list
      earshot sip call list --room lobby --json
    """
    from ..operator.server import run
    from ..operator.tables import plain, show, show_json, when

    found = run(server, lambda s: _calls(s, room))
    if as_json:
        show_json([{"room": name, **plain(who)} for name, who in found])
        return
    rows = []
    for name, who in found:
        said = who.attributes
        rows.append(
            (
                name,
                who.identity,
                said.get("sip.callStatus", ""),
                said.get("sip.phoneNumber", ""),
                said.get("sip.trunkID", ""),
                said.get("sip.callID", ""),
                when(who.joined_at),
            )
        )
    show(COLUMNS, rows, none="no telephone calls")


@command.command("transfer", short_help="Pass a call on to another number.")
@server_options
@click.argument("room", shell_complete=completing.rooms)
@click.argument("identity", shell_complete=completing.identities)
@click.option("--to", "transfer_to", required=True, metavar="URI", help="tel:+4930… or sip:…")
@click.option("--dialtone", "play_dialtone", is_flag=True, help="The caller hears it ring.")
@click.option("--header", "headers", type=Pair(), multiple=True, help="Sent; repeat it.")
@click.option("--ring", type=Duration(1, 80), metavar="TIME", help="At most.")
@json_option
def transfer(server: "Connection", room: str, identity: str, as_json: bool, **given: Any) -> None:
    """Pass a call on to another number; it leaves the room.

    \b
    Examples:
      earshot sip call transfer lobby sip_+4930999 --to tel:+4930111 || echo "exit status $?"
    """
    from livekit import api

    from ..operator import requests, rooms
    from ..operator.server import run
    from ..operator.tables import show_json

    to = given["transfer_to"]
    if to.partition(":")[0] not in ("tel", "sip", "sips"):
        raise click.UsageError(f"--to {to}: tel:NUMBER or sip:USER@HOST was expected")
    fields = {
        "room_name": room,
        "participant_identity": identity,
        "transfer_to": to,
        "play_dialtone": given["play_dialtone"] or None,
        "headers": dict(given["headers"]),
        "ringing_timeout": None if given["ring"] is None else f"{given['ring']:g}s",
    }
    request = requests.build(api.TransferSIPParticipantRequest, fields)
    run(server, lambda s: rooms.participant(s, room, identity))
    result = run(
        server,
        lambda s: s.sip.transfer_sip_participant(request, timeout=90),
        service="sip",
        timeout_s=90,
    )
    if as_json:
        show_json(result)
    else:
        click.echo(f"{identity}: passed on to {to}")


@command.command("end", short_help="Hang up.")
@server_options
@click.argument("room", shell_complete=completing.rooms)
@click.argument("identity", shell_complete=completing.identities)
@destroys
def end(server: "Connection", room: str, identity: str, yes: bool, dry_run: bool) -> None:
    """Hang a telephone call up.

    \b
    Examples:
      earshot sip call end lobby sip_+4930999 --yes || echo "exit status $?"
    """
    from livekit import api

    from ..errors import MissingError
    from ..operator import rooms
    from ..operator.server import run

    async def look(s: "api.LiveKitAPI") -> "api.ParticipantInfo":
        who = await rooms.participant(s, room, identity)
        if who.kind != api.ParticipantInfo.Kind.SIP:
            raise MissingError(f"{identity!r} in room {room!r} is no telephone call")
        return who

    run(server, look)
    if agreed(f"hang up {identity} in {room}", yes=yes, dry_run=dry_run):
        request = api.RoomParticipantIdentity(room=room, identity=identity)
        run(server, lambda s: s.room.remove_participant(request))
        click.echo(f"{identity}: hung up")
