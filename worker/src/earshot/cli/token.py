"""`earshot token …`: create, inspect."""

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ..operator.options import Duration, Pair, json_option, key_options

if TYPE_CHECKING:
    from ..operator.connection import Connection

F = TypeVar("F", bound=Callable[..., Any])

SOURCES = ("camera", "microphone", "screen_share", "screen_share_audio")
KINDS = ("standard", "agent", "sip", "egress", "ingress")


@click.group("token")
def command() -> None:
    """Make tokens; see what a token allows.

    \b
    Examples:
      earshot token create --room lobby --identity anna
      earshot token create --room lobby --token-only | earshot token inspect
    """


def _flag(name: str, field: str, text: str) -> Callable[[F], F]:
    return click.option(name, field, is_flag=True, help=text)


@command.command("create", short_help="Make a token.")
@key_options
@click.option("--room", "-r", metavar="ROOM", help="The room that it is for.")
@click.option("--identity", "-i", metavar="ID", help="Who joins; default: a new guest.")
@click.option("--name", "-n", metavar="NAME", help="Shown to the others.")
@click.option("--metadata", metavar="TEXT", help="Given to the participant.")
@click.option("--attribute", "attributes", type=Pair(), multiple=True, help="Several: repeat it.")
@click.option("--attribute-file", metavar="FILE", help="Attributes as a JSON object; - = stdin.")
@click.option("--kind", type=click.Choice(KINDS), help="The kind of the participant.")
@click.option(
    "--valid-for", type=Duration(1, 3.2e9), default="10m", show_default=True, metavar="TIME",
    help="90s, 10m, 1h30m, 2d.",
)  # fmt: skip
@_flag("--join", "room_join", "Join the room; so without any other of these.")
@_flag("--admin", "room_admin", "Administer the room.")
@_flag("--create", "room_create", "Make and end rooms.")
@_flag("--list", "room_list", "List rooms.")
@_flag("--egress", "room_record", "Start and stop recordings.")
@_flag("--ingress", "ingress_admin", "Manage ingress.")
@_flag("--sip-admin", "sip_admin", "Manage SIP trunks and rules.")
@_flag("--sip-call", "sip_call", "Make telephone calls.")
@_flag("--worker", "agent_grant", "Register as a worker of agents.")
@click.option("--destination-room", metavar="ROOM", help="With --admin: move participants there.")
@_flag("--no-publish", "no_publish", "Joined: publish nothing.")
@click.option(
    "--allow-source", "sources", type=click.Choice(SOURCES), multiple=True,
    help="Joined: publish this, and nothing that is not named.",
)  # fmt: skip
@_flag("--no-subscribe", "no_subscribe", "Joined: neither hear nor see the others.")
@_flag("--no-data", "no_data", "Joined: send no data.")
@_flag("--allow-update-metadata", "can_update_own_metadata", "Joined: change its own name, …")
@_flag("--subscribe-metrics", "can_subscribe_metrics", "Joined: read metrics.")
@_flag("--manage-agent", "can_manage_agent_session", "Joined: manage an agent's session.")
@_flag("--hidden", "hidden", "Joined: unseen by the others.")
@_flag("--recorder", "recorder", "Joined: counts as a recorder.")
@click.option("--grant", metavar="JSON", help='Further grants, as {"canPublishData": false}.')
@click.option("--agent", "agents", multiple=True, metavar="NAME", help="Call it into the room.")
@click.option("--job-metadata", metavar="TEXT", help="With --agent: what the agent is told.")
@click.option("--deployment", metavar="NAME", help="With --agent: which deployment.")
@click.option("--room-config", metavar="FILE", help="How to open the room, as JSON; - = stdin.")
@click.option("--room-preset", metavar="NAME", help="How to open the room: one of the server's.")
@click.option("--sha256", metavar="HASH", help="Of a body that it signs, as webhooks have it.")
@json_option
@click.option("--token-only", is_flag=True, help="The token and nothing else.")
def create(server: "Connection", **given: Any) -> None:
    """Make a token, and say what it allows.

    With a room and nothing else, it joins the room. The server is not asked: any that has the key
    takes the token. Whoever holds the token is let in until it expires.

    \b
    Examples:
      earshot token create --room lobby --identity anna --name Anna
      earshot token create --room lobby --identity ear --no-publish --hidden --valid-for 1h
      earshot token create --room lobby --agent helper --job-metadata '{"shop": 7}'
      earshot token create --create --list --admin --room lobby --json
      earshot token create --sip-admin --sip-call --token-only
    """
    from livekit import api

    from ..operator import requests, tokens
    from ..operator.tables import show_json

    if given["as_json"] and given["token_only"]:
        raise click.UsageError("--json and --token-only: one of them was expected")
    video = tokens.video_grants(_chosen(given), given["grant"])
    sip = api.SIPGrants(admin=given["sip_admin"], call=given["sip_call"])
    _check(video, sip, given)
    attributes = requests.read(given["attribute_file"], "--attribute-file")
    attributes |= dict(given["attributes"])
    if bad := [k for k, v in attributes.items() if not isinstance(v, str)]:
        raise click.UsageError(f"--attribute-file: {bad[0]}: text was expected")
    identity = given["identity"] or (_guest() if video.room_join else "")
    token = tokens.mint(
        server,
        video=video,
        sip=sip,
        valid_s=given["valid_for"],
        identity=identity,
        name=given["name"] or "",
        metadata=given["metadata"] or "",
        attributes=attributes,
        kind=given["kind"] or "",
        room=tokens.room_config(
            requests.read(given["room_config"], "--room-config"),
            given["agents"],
            metadata=given["job_metadata"],
            deployment=given["deployment"],
        ),
        room_preset=given["room_preset"] or "",
        sha256=given["sha256"] or "",
    )
    seen = tokens.inspect(token, [server])
    if given["token_only"]:
        click.echo(token)
    elif given["as_json"]:
        show_json(
            {
                "token": token,
                "url": server.url,
                "identity": identity,
                "room": video.room,
                "expires_at": seen.claims["exp"],
                "allows": seen.allows,
                "claims": seen.claims,
            }
        )
    else:
        click.echo(token)
        click.echo()
        _tell(seen.allows, seen.claims)
        place = f"{server.url} (key {server.api_key}, {server.origin})"
        alone = f"any server that has the key {server.api_key} ({server.origin})"
        click.echo(f"for {place if server.url else alone}")


def _chosen(given: dict[str, Any]) -> dict[str, Any]:
    """The grants by the names of VideoGrants; what was not asked for stays out of the token."""
    fields = (
        "room_join", "room_admin", "room_create", "room_list", "room_record", "ingress_admin",
        "can_update_own_metadata", "can_subscribe_metrics", "can_manage_agent_session", "hidden",
        "recorder", "destination_room",
    )  # fmt: skip
    chosen = {name: given[name] for name in fields if given[name]}
    if given["agent_grant"]:
        chosen["agent"] = True
    if given["room"]:
        chosen["room"] = given["room"]
    for name, field in (
        ("no_publish", "can_publish"),
        ("no_subscribe", "can_subscribe"),
        ("no_data", "can_publish_data"),
    ):
        if given[name]:
            chosen[field] = False
    if given["sources"]:
        chosen["can_publish_sources"] = list(given["sources"])
    others = ("room_admin", "room_create", "room_list", "room_record", "ingress_admin", "agent")
    asked = any(name in chosen for name in others) or given["sip_admin"] or given["sip_call"]
    if not asked and (given["room"] or given["identity"]):
        chosen["room_join"] = True
    return chosen


def _check(video: Any, sip: Any, given: dict[str, Any]) -> None:
    if video.room_join and not video.room:
        raise click.UsageError("to join, a room is needed: give --room")
    if video.room_admin and not video.room:
        raise click.UsageError("to administer, a room is needed: give --room")
    if not (
        video.room_join or video.room_admin or video.room_create or video.room_list
        or video.room_record or video.ingress_admin or video.agent or sip.admin or sip.call
    ):  # fmt: skip
        raise click.UsageError(
            "what is the token for? Give --room to join one, or --admin, --create, --list, …"
        )
    inside = [
        option
        for option, name in (
            ("--agent", "agents"), ("--room-config", "room_config"),
            ("--room-preset", "room_preset"), ("--allow-source", "sources"),
            ("--no-publish", "no_publish"), ("--no-subscribe", "no_subscribe"),
            ("--no-data", "no_data"), ("--hidden", "hidden"), ("--name", "name"),
        )
        if given[name]
    ]  # fmt: skip
    if inside and not video.room_join:
        raise click.UsageError(f"{inside[0]} is for who joins a room: add --join")
    if video.can_publish is False and given["sources"]:
        raise click.UsageError("--no-publish and --allow-source contradict each other")
    for option, name in (("--job-metadata", "job_metadata"), ("--deployment", "deployment")):
        if given[name] and not given["agents"]:
            raise click.UsageError(f"{option} is told to an agent: add --agent")


def _guest() -> str:
    import secrets

    return f"guest-{secrets.token_hex(4)}"


def _tell(allows: list[str], claims: dict[str, Any]) -> None:
    from ..operator.tables import printable, span, when

    for line in allows:
        click.echo(printable(line))
    if isinstance(claims.get("exp"), int | float) and claims["exp"] > time.time():
        click.echo(f"until {when(claims['exp'])}, for {span(claims['exp'] - time.time())}")


@command.command("inspect", short_help="See what a token allows, and what is wrong with it.")
@click.argument("token", required=False, metavar="[TOKEN]")
@click.option("--url", metavar="URL", help="Check it against this server's key.")
@click.option("--project", metavar="NAME", help="Check it against this project's key.")
@json_option
def inspect(token: str | None, url: str | None, project: str | None, as_json: bool) -> int:
    """See what a token allows, when it expires, and what is wrong with it.

    TOKEN comes from standard input where it is not given. Its signature is checked where its key
    is known here: of the running stack, of the environment, of a project. Nobody is asked.

    Exit status: 0 = nothing is wrong with it, 1 = something is, 2 = it is no token.

    \b
    Examples:
      earshot token create --room lobby --token-only | earshot token inspect
      earshot token create --room lobby --token-only | earshot token inspect --json
    """
    from ..operator import connection, tokens
    from ..operator.tables import show_json

    if token in (None, "-"):
        if sys.stdin.isatty():
            raise click.UsageError("a token was expected, as argument or on standard input")
        token = sys.stdin.buffer.read(65536).decode("utf-8-sig", "replace")
    assert token is not None
    given = [connection.resolve(url, project)] if url or project else connection.known()
    seen = tokens.inspect(token, given)
    if as_json:
        show_json(
            {
                "ok": not seen.problems,
                "verified": bool(seen.signed_by),
                "signed_by": seen.signed_by,
                "problems": seen.problems,
                "allows": seen.allows,
                "header": seen.header,
                "claims": seen.claims,
            }
        )
        return 1 if seen.problems else 0
    _tell(seen.allows, seen.claims)
    issuer = seen.claims.get("iss", "")
    if seen.signed_by:
        click.echo(f"signed by {issuer}: verified with the key of {seen.signed_by}")
    elif not any("signature" in problem for problem in seen.problems):
        click.echo(f"signed by {issuer or '?'}: not verified, its secret is not known here")
    for problem in seen.problems:
        click.echo(f"WRONG: {problem}")
    return 1 if seen.problems else 0
