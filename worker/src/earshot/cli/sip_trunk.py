"""`earshot sip trunk …`: list, create, update, delete."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ..operator.options import Pair, agreed, destroys, json_option, server_options

if TYPE_CHECKING:
    from livekit import api

    from ..operator.connection import Connection

F = TypeVar("F", bound=Callable[..., Any])

DIRECTIONS = ("inbound", "outbound")
TRANSPORTS = ("auto", "udp", "tcp", "tls")
ENCRYPTION = ("disable", "allow", "require")
COLUMNS = ("trunk", "direction", "name", "numbers", "address", "user", "allowed", "metadata")


@click.group("trunk")
def command() -> None:
    """Ways to a telephone provider or exchange.

    \b
    Examples:
      earshot sip trunk create inbound --name desk --number +4930123
      earshot sip trunk list
    """


def _fields(function: F) -> F:
    """What a trunk has."""
    for option in reversed((
        click.option("--name", metavar="NAME"),
        click.option("--number", "numbers", multiple=True, metavar="NUMBER", help="Repeat it."),
        click.option("--auth-user", "auth_username", metavar="NAME", help="To log in."),
        click.option(
            "--auth-pass-file", metavar="FILE", help="Where the password is; - = standard input."
        ),
        click.option("--metadata", metavar="TEXT"),
        click.option(
            "--encryption", type=click.Choice(ENCRYPTION), help="Of the sound (SRTP)."
        ),
        click.option("--header", "headers", type=Pair(), multiple=True, help="Sent; repeat it."),
        click.option(
            "--allow-address", "allowed_addresses", multiple=True, metavar="ADDRESS",
            help="inbound: who may call, as address or network.",
        ),
        click.option(
            "--allow-number", "allowed_numbers", multiple=True, metavar="NUMBER",
            help="inbound: which callers are taken.",
        ),
        click.option("--address", metavar="HOST", help="outbound: where calls go."),
        click.option("--transport", type=click.Choice(TRANSPORTS), help="outbound."),
        click.option("--country", "destination_country", metavar="XX", help="outbound."),
        click.option("--from-host", metavar="HOST", help="outbound: in the From header."),
        click.option("--request", metavar="FILE", help="The request as JSON; - = stdin."),
    )):  # fmt: skip
        function = option(function)
    return function


def _given(options: dict[str, Any]) -> dict[str, Any]:
    """The fields of a trunk, by their names in the protocol."""
    from ..operator import requests

    fields: dict[str, Any] = {
        name: options[name] or None
        for name in (
            "name", "auth_username", "metadata", "address", "destination_country", "from_host",
        )
    }  # fmt: skip
    for name in ("numbers", "allowed_addresses", "allowed_numbers"):
        fields[name] = list(options[name]) or None
    fields["headers"] = dict(options["headers"]) or None
    if options["transport"]:
        fields["transport"] = f"SIP_TRANSPORT_{options['transport'].upper()}"
    if options["encryption"]:
        fields["media_encryption"] = f"SIP_MEDIA_ENCRYPT_{options['encryption'].upper()}"
    if options["auth_pass_file"]:
        fields["auth_password"] = requests.read_secret(options["auth_pass_file"])
    return {name: value for name, value in fields.items() if value is not None}


def _row(trunk: Any) -> tuple[object, ...]:
    outbound = hasattr(trunk, "transport")
    allowed = [] if outbound else [*trunk.allowed_addresses, *trunk.allowed_numbers]
    return (
        trunk.sip_trunk_id,
        "outbound" if outbound else "inbound",
        trunk.name,
        ", ".join(trunk.numbers),
        trunk.address if outbound else "",
        trunk.auth_username,
        ", ".join(allowed),
        trunk.metadata,
    )


async def _all(server: "api.LiveKitAPI", directions: tuple[str, ...] = DIRECTIONS) -> list[Any]:
    from livekit import api

    found: list[Any] = []
    if "inbound" in directions:
        found += (await server.sip.list_inbound_trunk(api.ListSIPInboundTrunkRequest())).items
    if "outbound" in directions:
        found += (await server.sip.list_outbound_trunk(api.ListSIPOutboundTrunkRequest())).items
    return found


async def find(
    server: "api.LiveKitAPI", name: str, directions: tuple[str, ...] = DIRECTIONS
) -> Any:
    """A trunk, by its ID or its name.

    Raises:
        MissingError: there is none; OperatorError: there are several.
    """
    from ..errors import MissingError, OperatorError

    found = [t for t in await _all(server, directions) if name in (t.sip_trunk_id, t.name)]
    if not found:
        raise MissingError(f"no {' or '.join(directions)} trunk {name!r}")
    if len(found) > 1:
        ids = ", ".join(trunk.sip_trunk_id for trunk in found)
        raise OperatorError(f"several trunks are called {name!r}: {ids}")
    return found[0]


@command.command("list", short_help="All trunks.")
@server_options
@click.argument("direction", type=click.Choice(DIRECTIONS), required=False)
@json_option
def list_(server: "Connection", direction: str | None, as_json: bool) -> None:
    """Show all trunks, or those of one direction. Passwords are hidden.

    \b
    Examples:
      earshot sip trunk list
      earshot sip trunk list outbound --json
    """
    from ..operator.server import run
    from ..operator.tables import plain, show, show_json

    wanted = (direction,) if direction else DIRECTIONS
    found = run(server, lambda s: _all(s, wanted), service="sip")
    if as_json:
        show_json([{"direction": _row(t)[1], **plain(t, secrets=False)} for t in found])
    else:
        show(COLUMNS, map(_row, found), none="no trunks")


@command.command("create", short_help="Make a trunk.")
@server_options
@click.argument("direction", type=click.Choice(DIRECTIONS))
@_fields
@json_option
def create(server: "Connection", direction: str, as_json: bool, **options: Any) -> None:
    """Make a trunk. The server refuses two inbound trunks for one number.

    \b
    Examples:
      earshot sip trunk create inbound --name desk --number +4930123 --allow-address 10.0.0.0/8
      earshot sip trunk create outbound --name out --address sip.example --number +4930124
    """
    from livekit import api

    from ..operator import requests
    from ..operator.server import run
    from ..operator.tables import plain, show_json

    data = requests.read(options["request"])
    data = data.get("trunk", data)
    fields = _given(options)
    _fits(direction, fields)
    if direction == "inbound":
        inbound = requests.build(api.SIPInboundTrunkInfo, data, fields)
        open_to_all = not (inbound.numbers or inbound.allowed_addresses or inbound.auth_username)
        if open_to_all:
            raise click.UsageError(
                "it would be open to everybody: give --number, --allow-address or --auth-user"
            )
        made: Any = run(
            server,
            lambda s: s.sip.create_inbound_trunk(api.CreateSIPInboundTrunkRequest(trunk=inbound)),
            service="sip",
        )
    else:
        outbound = requests.build(api.SIPOutboundTrunkInfo, data, fields)
        requests.require(outbound, address="--address", numbers="--number")
        made = run(
            server,
            lambda s: s.sip.create_outbound_trunk(
                api.CreateSIPOutboundTrunkRequest(trunk=outbound)
            ),
            service="sip",
        )
    if as_json:
        show_json(plain(made, secrets=False))
    else:
        click.echo(f"{made.sip_trunk_id}: {direction} trunk {made.name!r}")


def _fits(direction: str, fields: dict[str, Any]) -> None:
    of_inbound = ("allowed_addresses", "allowed_numbers")
    of_outbound = ("address", "transport", "destination_country", "from_host")
    for name in of_outbound if direction == "inbound" else of_inbound:
        if name in fields:
            raise click.UsageError(f"an {direction} trunk has no {name}")


@command.command("update", short_help="Change a trunk.")
@server_options
@click.argument("trunk", metavar="ID|NAME")
@_fields
@json_option
def update(server: "Connection", trunk: str, as_json: bool, **options: Any) -> None:
    """Change a trunk. What is not named stays as it is; lists are replaced as a whole.

    \b
    Examples:
      earshot sip trunk update desk --metadata 'front desk' --number +4930123 --number +4930125
    """
    from ..operator import requests
    from ..operator.server import run
    from ..operator.tables import plain, show_json

    fields = _given(options)
    data = requests.read(options["request"])
    data = data.get("update", data)
    if not fields and not data:
        raise click.UsageError("nothing to change: give --name, --number, …")

    async def change(s: "api.LiveKitAPI") -> Any:
        from livekit import api

        found = await find(s, trunk)
        outbound = isinstance(found, api.SIPOutboundTrunkInfo)
        _fits("outbound" if outbound else "inbound", fields)
        kind: Any = api.SIPOutboundTrunkUpdate if outbound else api.SIPInboundTrunkUpdate
        if "headers" in fields:
            raise click.UsageError("headers can't be changed: make a new trunk")
        lists = {
            name: {"set": value} if isinstance(value, list) else value
            for name, value in fields.items()
        }
        change = requests.build(kind, data, lists)
        if outbound:
            request = api.UpdateSIPOutboundTrunkRequest(
                sip_trunk_id=found.sip_trunk_id, update=change
            )
            return await _ask(s, "UpdateSIPOutboundTrunk", request, api.SIPOutboundTrunkInfo)
        asked = api.UpdateSIPInboundTrunkRequest(sip_trunk_id=found.sip_trunk_id, update=change)
        return await _ask(s, "UpdateSIPInboundTrunk", asked, api.SIPInboundTrunkInfo)

    changed = run(server, change, service="sip")
    if as_json:
        show_json(plain(changed, secrets=False))
    else:
        click.echo(f"{changed.sip_trunk_id}: changed")


async def _ask(server: "api.LiveKitAPI", method: str, request: Any, answer: Any) -> Any:
    from livekit import api

    service = server.sip
    # livekit-api's own methods take single fields, and not the update that the protocol has
    header = service._auth_header(api.VideoGrants(), sip=api.SIPGrants(admin=True))
    return await service._client.request("SIP", method, request, header, answer)


@command.command("delete", short_help="Delete trunks.")
@server_options
@click.argument("trunks", nargs=-1, required=True, metavar="ID|NAME...")
@destroys
def delete(server: "Connection", trunks: tuple[str, ...], yes: bool, dry_run: bool) -> None:
    """Delete trunks. Calls that run go on.

    \b
    Examples:
      earshot sip trunk delete desk out --dry-run
      earshot sip trunk delete desk out --yes
    """
    from ..operator.server import run

    async def look(s: "api.LiveKitAPI") -> list[Any]:
        return [await find(s, name) for name in trunks]

    async def end(s: "api.LiveKitAPI") -> None:
        from livekit import api

        for trunk in found:
            await s.sip.delete_trunk(api.DeleteSIPTrunkRequest(sip_trunk_id=trunk.sip_trunk_id))
            click.echo(f"{trunk.sip_trunk_id}: deleted")

    found = run(server, look, service="sip")
    what = ", ".join(f"{t.sip_trunk_id} ({_row(t)[1]} {t.name})" for t in found)
    if agreed(f"delete {what}", yes=yes, dry_run=dry_run):
        run(server, end, service="sip")
