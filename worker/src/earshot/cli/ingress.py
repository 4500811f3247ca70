"""`earshot ingress …`: create, list, update, delete."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from ..operator.options import agreed, destroys, json_option, server_options

if TYPE_CHECKING:
    from livekit import api

    from ..operator.connection import Connection

KINDS = ("rtmp", "whip", "url")
COLUMNS = ("ingress", "kind", "name", "room", "identity", "status", "url", "stream key")


@click.group("ingress")
def command() -> None:
    """Bring streams into a room.

    Needs redis and the ingress service, livekit/ingress.

    \b
    Examples:
      earshot ingress create rtmp --room lobby --identity camera
      earshot ingress list
    """


def _row(info: "api.IngressInfo", secrets: bool) -> Sequence[object]:
    from livekit import api

    from ..operator.tables import HIDDEN

    status = api.IngressState.Status.Name(info.state.status).removeprefix("ENDPOINT_").lower()
    key = info.stream_key if secrets or not info.stream_key else HIDDEN
    return (
        info.ingress_id,
        api.IngressInput.Name(info.input_type).removesuffix("_INPUT").lower(),
        info.name,
        info.room_name,
        info.participant_identity,
        status + (f": {info.state.error}" if info.state.error else ""),
        info.url,
        key,
    )


@command.command("create", short_help="Make a place to stream to, or pull a stream.")
@server_options
@click.argument("kind", type=click.Choice(KINDS), required=False)
@click.option("--room", "room_name", metavar="ROOM", help="Into which room.")
@click.option("--identity", "participant_identity", metavar="ID", help="As whom.")
@click.option("--participant-name", metavar="NAME", help="Shown to the others.")
@click.option("--participant-metadata", metavar="TEXT", help="Given to the participant.")
@click.option("--name", metavar="NAME", help="Of the ingress.")
@click.option("--from", "url", metavar="URL", help="url: what to pull, http(s):// or srt://.")
@click.option("--transcode/--no-transcode", "enable_transcoding", default=None)
@click.option("--request", metavar="FILE", help="CreateIngressRequest as JSON; - = stdin.")
@click.option("--dry-run", is_flag=True, help="Check the request, show it, and do nothing.")
@json_option
def create(server: "Connection", kind: str | None, as_json: bool, **given: Any) -> None:
    """Make a place that RTMP or WHIP is streamed to, or pull a stream from an address.

    Prints the address and the stream key: whoever has both may stream into the room.

    \b
    Examples:
      earshot ingress create rtmp --room lobby --identity camera --name desk
      earshot ingress create whip --room lobby --identity camera2 --json
      earshot ingress create url --from http://10.0.0.8/r.mp3 --room lobby --identity r --dry-run
    """
    from livekit import api

    from ..operator import requests
    from ..operator.server import run
    from ..operator.tables import plain, show_fields, show_json

    data = requests.read(given["request"])
    fields = {
        name: given[name]
        for name in (
            "room_name", "participant_identity", "participant_name", "participant_metadata",
            "name", "url", "enable_transcoding",
        )
    }  # fmt: skip
    given_kind = {"input_type": f"{kind.upper()}_INPUT" if kind else None}
    request = requests.build(api.CreateIngressRequest, data, fields, given_kind)
    if not kind and "input_type" not in data and "inputType" not in data:
        raise click.UsageError("the kind was expected: rtmp, whip or url")
    requests.require(request, room_name="--room", participant_identity="--identity")
    pulls = request.input_type == api.IngressInput.URL_INPUT
    if pulls:
        requests.require(request, url="--from")
        if request.url.partition("://")[0] not in ("http", "https", "srt"):
            raise click.UsageError(f"--from {request.url}: http(s):// or srt:// was expected")
    elif request.url:
        raise click.UsageError("--from is for `url`: the others are given an address")
    if given["dry_run"]:
        show_json({"would_create": "ingress", "request": plain(request)})
        return
    info = run(server, lambda s: s.ingress.create_ingress(request), service="ingress")
    if as_json:
        show_json(info)
        return
    show_fields(zip(COLUMNS, _row(info, secrets=True), strict=True))
    if not info.url:
        click.echo("no address: livekit.yaml has no `ingress: {rtmp_base_url, whip_base_url}`")


@command.command("list", short_help="What is streamed in, or may be.")
@server_options
@click.option("--room", metavar="ROOM", help="Into this room.")
@click.option("--id", "ingress_id", metavar="ID", help="This one.")
@click.option("--secrets", is_flag=True, help="Show the stream keys.")
@json_option
def list_(
    server: "Connection", room: str | None, ingress_id: str | None, secrets: bool, as_json: bool
) -> None:
    """Show what is streamed in, or may be. Stream keys are hidden, unless --secrets is given.

    \b
    Examples:
      earshot ingress list
      earshot ingress list --room lobby --json
    """
    from livekit import api

    from ..operator.server import run
    from ..operator.tables import plain, show, show_json

    request = api.ListIngressRequest(room_name=room or "", ingress_id=ingress_id or "")
    found = list(run(server, lambda s: s.ingress.list_ingress(request), service="ingress").items)
    if as_json:
        show_json([plain(info, secrets=secrets) for info in found])
    else:
        show(COLUMNS, [_row(info, secrets) for info in found], none="no ingress")


@command.command("update", short_help="Change an ingress that nobody streams to.")
@server_options
@click.argument("ingress_id", metavar="ID")
@click.option("--room", "room_name", metavar="ROOM")
@click.option("--identity", "participant_identity", metavar="ID")
@click.option("--participant-name", metavar="NAME")
@click.option("--participant-metadata", metavar="TEXT")
@click.option("--name", metavar="NAME")
@click.option("--enable/--disable", "enabled", default=None, help="May anybody stream to it?")
@click.option("--transcode/--no-transcode", "enable_transcoding", default=None)
@click.option("--request", metavar="FILE", help="UpdateIngressRequest as JSON; - = stdin.")
@json_option
def update(server: "Connection", ingress_id: str, as_json: bool, **given: Any) -> None:
    """Change an ingress, where nobody streams to it now. What is not named stays as it is.

    \b
    Examples:
      earshot ingress update IN_nothing --name door || echo "exit status $?"
    """
    from livekit import api

    from ..operator import requests
    from ..operator.server import run
    from ..operator.tables import plain, show_json

    data = requests.read(given.pop("request"))
    request = requests.build(api.UpdateIngressRequest, data, given, {"ingress_id": ingress_id})
    if not [field for field, _ in request.ListFields() if field.name != "ingress_id"]:
        raise click.UsageError("nothing to change: give --room, --identity, --name, …")
    info = run(server, lambda s: s.ingress.update_ingress(request), service="ingress")
    if as_json:
        show_json(plain(info, secrets=False))
    else:
        click.echo(f"{info.ingress_id}: changed")


@command.command("delete", short_help="End an ingress; its key is void.")
@server_options
@click.argument("ingress_ids", nargs=-1, required=True, metavar="ID...")
@destroys
def delete(server: "Connection", ingress_ids: tuple[str, ...], yes: bool, dry_run: bool) -> None:
    """End ingresses: what streams to them is cut off, and their keys are void.

    \b
    Examples:
      earshot ingress delete IN_nothing --yes || echo "exit status $?"
    """
    from livekit import api

    from ..errors import MissingError
    from ..operator.server import run

    async def look(s: "api.LiveKitAPI") -> list[str]:
        said = []
        for ingress_id in ingress_ids:
            request = api.ListIngressRequest(ingress_id=ingress_id)
            found = (await s.ingress.list_ingress(request)).items
            if not found:
                raise MissingError(f"no ingress {ingress_id!r}")
            said.append(f"{ingress_id} ({found[0].name or found[0].room_name})")
        return said

    async def end(s: "api.LiveKitAPI") -> None:
        for ingress_id in ingress_ids:
            await s.ingress.delete_ingress(api.DeleteIngressRequest(ingress_id=ingress_id))
            click.echo(f"{ingress_id}: ended")

    found = run(server, look, service="ingress")
    if agreed(f"end {', '.join(found)}", yes=yes, dry_run=dry_run):
        run(server, end, service="ingress")
