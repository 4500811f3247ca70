"""`earshot egress …`: start, list, stop, layout, stream."""

from typing import TYPE_CHECKING, Any

import click

from ..operator.options import json_option, server_options

if TYPE_CHECKING:
    from livekit import api

    from ..operator.connection import Connection

KINDS = ("room", "participant", "tracks", "track", "web", "any")
START_TIMEOUT_S = 40.0
"""livekit-server looks for an egress service for 22 s before it says that there is none."""
PRESETS = (
    "H264_720P_30", "H264_720P_60", "H264_1080P_30", "H264_1080P_60", "PORTRAIT_H264_720P_30",
    "PORTRAIT_H264_720P_60", "PORTRAIT_H264_1080P_30", "PORTRAIT_H264_1080P_60",
)  # fmt: skip


@click.group("egress")
def command() -> None:
    """Record rooms, or stream them elsewhere.

    Needs redis and the egress service: docker compose --profile egress up -d.

    \b
    Examples:
      earshot egress list
      earshot egress start room --room lobby --file /out/lobby.mp4 --dry-run
    """


@command.command("start", short_help="Start a recording or a stream.")
@server_options
@click.argument("kind", type=click.Choice(KINDS))
@click.option("--room", "room_name", metavar="ROOM", help="Which room.")
@click.option("--identity", metavar="ID", help="participant: whose sound and picture.")
@click.option("--track", "track_id", metavar="TRACK", help="track: which.")
@click.option("--audio-track", "audio_track_id", metavar="TRACK", help="tracks: which sound.")
@click.option("--video-track", "video_track_id", metavar="TRACK", help="tracks: which picture.")
@click.option("--page", "url", metavar="URL", help="web: which page.")
@click.option("--layout", metavar="NAME", help="room: grid, speaker, single-speaker, …")
@click.option("--base-url", "custom_base_url", metavar="URL", help="room: a template of your own.")
@click.option("--audio-only", is_flag=True, help="room, web: no picture.")
@click.option("--video-only", is_flag=True, help="room, web: no sound.")
@click.option("--screen-share", is_flag=True, help="participant: the screen, not the camera.")
@click.option("--await-start-signal", is_flag=True, help="web: the page says when to start.")
@click.option("--preset", type=click.Choice(PRESETS), help="Size and rate of the picture.")
@click.option("--file", metavar="PATH", help="To a file of the service: .mp4, .ogg, .mp3.")
@click.option("--stream", multiple=True, metavar="URL", help="To rtmp:// or srt://; repeat it.")
@click.option("--segments", metavar="PREFIX", help="To HLS segments and their playlist.")
@click.option("--images", metavar="PREFIX", help="To a picture every 5 s.")
@click.option("--websocket", metavar="URL", help="track: raw to ws://.")
@click.option("--no-manifest", is_flag=True, help="Without the JSON beside the file.")
@click.option("--request", metavar="FILE", help="The request as JSON; - = standard input.")
@click.option("--dry-run", is_flag=True, help="Check the request, show it, and do nothing.")
@json_option
def start(server: "Connection", kind: str, as_json: bool, **given: Any) -> None:
    """Start to record or stream.

    \b
    room         all of a room, in a layout
    participant  one participant's sound and picture
    tracks       one sound and one picture
    track        one track, as it is
    web          a page
    any          what the newest request of LiveKit says (StartEgressRequest)

    Options fill the request of that kind, over what --request says. A TRACK is a sid, a name, or a
    source (microphone, camera, …) that one participant of the room publishes.

    \b
    Examples:
      earshot egress start room --room lobby --audio-only --file /out/lobby.ogg --dry-run
      earshot egress start participant --room lobby --identity anna --file /out/a.mp4 --dry-run
      earshot egress start track --room lobby --track microphone --file /out/a.ogg --dry-run
      echo '{"roomName": "lobby", "fileOutputs": [{"filepath": "/out/x.mp4"}]}' |
        earshot egress start room --request - --dry-run
    """
    from ..operator import egress, requests
    from ..operator.server import run
    from ..operator.tables import plain, show_json

    outputs = {name: given[name] for name in ("file", "stream", "segments", "images", "websocket")}
    outputs["manifest"] = not given["no_manifest"]
    fields = {
        name: given[name]
        for name in (
            "room_name", "identity", "track_id", "audio_track_id", "video_track_id", "url",
            "layout", "custom_base_url", "audio_only", "video_only", "screen_share",
            "await_start_signal", "preset",
        )
    }  # fmt: skip
    request = egress.request(kind, requests.read(given["request"]), fields, outputs)
    run(server, lambda s: _name_tracks(s, request))
    if given["dry_run"]:
        show_json({"would_start": type(request).__name__, "request": plain(request, secrets=False)})
        return
    info = run(
        server,
        lambda s: egress.start(s, kind, request),
        service="egress",
        timeout_s=START_TIMEOUT_S,
    )
    if as_json:
        show_json(plain(info, secrets=False))
    else:
        click.echo(f"{info.egress_id}: {egress.row(info)[1]}")


async def _name_tracks(server: "api.LiveKitAPI", request: Any) -> None:
    """Puts sids where names or sources stand."""
    from ..operator import rooms

    for field in ("track_id", "audio_track_id", "video_track_id"):
        name = getattr(request, field, "")
        if name and not name.startswith("TR_"):
            found = await rooms.tracks_in(server, request.room_name, [name])
            if len(found) > 1:
                owners = ", ".join(f"{track.sid} ({who.identity})" for who, track in found)
                raise click.UsageError(
                    f"{name!r} are several tracks: {owners}; name one by its sid"
                )
            setattr(request, field, found[0][1].sid)


@command.command("list", short_help="Recordings and streams.")
@server_options
@click.option("--room", metavar="ROOM", help="Of this room.")
@click.option("--id", "egress_ids", multiple=True, metavar="ID", help="This one; repeat it.")
@click.option("--active", is_flag=True, help="Those that run.")
@click.option("--limit", type=click.IntRange(1, 10000), metavar="N", help="The newest N.")
@json_option
def list_(
    server: "Connection",
    room: str | None,
    egress_ids: tuple[str, ...],
    active: bool,
    limit: int | None,
    as_json: bool,
) -> None:
    """Show recordings and streams, the newest first.

    \b
    Examples:
      earshot egress list --active
      earshot egress list --room lobby --json
    """
    from livekit import api

    from ..operator import egress
    from ..operator.server import run
    from ..operator.tables import plain, show, show_json

    async def look(s: "api.LiveKitAPI") -> list["api.EgressInfo"]:
        found: list[api.EgressInfo] = []
        for egress_id in egress_ids or ("",):
            request = api.ListEgressRequest(
                room_name=room or "", egress_id=egress_id, active=active
            )
            found += (await s.egress.list_egress(request)).items
        return found

    found = run(server, look, service="egress")
    found.sort(key=lambda info: info.started_at, reverse=True)
    found = found[:limit]
    if as_json:
        show_json([plain(info, secrets=False) for info in found])
    else:
        show(egress.COLUMNS, map(egress.row, found), none="nothing is recorded")


@command.command("stop", short_help="Stop recordings or streams.")
@server_options
@click.argument("egress_ids", nargs=-1, metavar="[ID]...")
@click.option("--room", metavar="ROOM", help="All that run in this room.")
def stop(server: "Connection", egress_ids: tuple[str, ...], room: str | None) -> None:
    """Stop recordings or streams; what is recorded stays.

    \b
    Examples:
      earshot egress stop --room lobby
    """
    from livekit import api

    from ..operator import egress
    from ..operator.server import run

    if bool(egress_ids) == bool(room):
        raise click.UsageError("the ID of an egress was expected, or --room")

    async def end(s: "api.LiveKitAPI") -> list["api.EgressInfo"]:
        ids = list(egress_ids)
        if room:
            request = api.ListEgressRequest(room_name=room, active=True)
            ids = [info.egress_id for info in (await s.egress.list_egress(request)).items]
        return [await s.egress.stop_egress(api.StopEgressRequest(egress_id=i)) for i in ids]

    stopped = run(server, end, service="egress")
    for info in stopped:
        click.echo(f"{info.egress_id}: {egress.row(info)[1]}")
    if not stopped:
        click.echo(f"nothing is recorded in {room}")


@command.command("layout", short_help="Change the layout of a recording that runs.")
@server_options
@click.argument("egress_id", metavar="ID")
@click.argument("layout")
def layout(server: "Connection", egress_id: str, layout: str) -> None:
    """Change the LAYOUT of a room's recording that runs: grid, speaker, single-speaker, …

    \b
    Examples:
      earshot egress layout EG_nothing speaker || echo "exit status $?"
    """
    from livekit import api

    from ..operator.server import run

    request = api.UpdateLayoutRequest(egress_id=egress_id, layout=layout)
    run(server, lambda s: s.egress.update_layout(request), service="egress")
    click.echo(f"{egress_id}: {layout}")


@command.command("stream", short_help="Add or remove addresses of a stream that runs.")
@server_options
@click.argument("egress_id", metavar="ID")
@click.option("--add", multiple=True, metavar="URL", help="Stream there too; repeat it.")
@click.option("--remove", multiple=True, metavar="URL", help="No longer there; repeat it.")
def stream(
    server: "Connection", egress_id: str, add: tuple[str, ...], remove: tuple[str, ...]
) -> None:
    """Add or remove addresses of a stream that runs.

    \b
    Examples:
      earshot egress stream EG_nothing --add rtmp://10.0.0.9/live/key || echo "exit status $?"
    """
    from livekit import api

    from ..operator.server import run

    if not add and not remove:
        raise click.UsageError("nothing to change: give --add or --remove")
    request = api.UpdateStreamRequest(
        egress_id=egress_id, add_output_urls=add, remove_output_urls=remove
    )
    run(server, lambda s: s.egress.update_stream(request), service="egress")
    click.echo(f"{egress_id}: changed")
