"""`earshot sip rule …`: list, create, update, delete."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ..operator.options import Pair, agreed, destroys, json_option, server_options
from .sip_trunk import find as find_trunk

if TYPE_CHECKING:
    from livekit import api

    from ..operator.connection import Connection

F = TypeVar("F", bound=Callable[..., Any])

COLUMNS = ("rule", "name", "room", "trunks", "numbers", "pin", "agents", "metadata")


@click.group("rule")
def command() -> None:
    """Which room an inbound call comes into.

    \b
    Examples:
      earshot sip rule create --name desk --direct lobby
      earshot sip rule list
    """


def _where(function: F) -> F:
    """Where a call goes."""
    for option in reversed((
        click.option("--name", metavar="NAME"),
        click.option("--direct", metavar="ROOM", help="All callers into this room."),
        click.option("--caller", metavar="PREFIX", help="Each caller into a room of its own."),
        click.option("--callee", metavar="PREFIX", help="A room for each number that is called."),
        click.option("--randomize", is_flag=True, help="With --callee: and for each call."),
        click.option("--pin-file", metavar="FILE", help="Callers must type this; - = stdin."),
        click.option("--trunk", "trunks", multiple=True, metavar="ID|NAME", help="Of these alone."),
        click.option("--metadata", metavar="TEXT"),
        click.option("--attribute", "attributes", type=Pair(), multiple=True, help="Its caller."),
        click.option("--request", metavar="FILE", help="The request as JSON; - = stdin."),
    )):  # fmt: skip
        function = option(function)
    return function


def _rule(options: dict[str, Any]) -> dict[str, Any] | None:
    from ..operator import requests

    named = [name for name in ("direct", "caller", "callee") if options[name] is not None]
    if len(named) > 1:
        raise click.UsageError(f"--{named[0]} and --{named[1]}: one of them was expected")
    if options["randomize"] and named != ["callee"]:
        raise click.UsageError("--randomize is for --callee")
    if not named:
        if options["pin_file"]:
            raise click.UsageError("--pin-file is for --direct, --caller or --callee")
        return None
    (kind,) = named
    pin = {"pin": requests.read_secret(options["pin_file"])} if options["pin_file"] else {}
    if kind == "direct":
        return {"dispatch_rule_direct": {"room_name": options["direct"], **pin}}
    if kind == "caller":
        return {"dispatch_rule_individual": {"room_prefix": options["caller"], **pin}}
    return {
        "dispatch_rule_callee": {
            "room_prefix": options["callee"],
            "randomize": options["randomize"],
            **pin,
        }
    }


def _row(info: "api.SIPDispatchRuleInfo") -> tuple[object, ...]:
    from ..operator.tables import HIDDEN

    kind = info.rule.WhichOneof("rule") or ""
    rule = getattr(info.rule, kind) if kind else None
    where = ""
    if kind == "dispatch_rule_direct":
        where = info.rule.dispatch_rule_direct.room_name
    elif kind == "dispatch_rule_individual":
        where = f"{info.rule.dispatch_rule_individual.room_prefix}_CALLER"
    elif kind == "dispatch_rule_callee":
        callee = info.rule.dispatch_rule_callee
        where = f"{callee.room_prefix}CALLEE{'_…' if callee.randomize else ''}"
    return (
        info.sip_dispatch_rule_id,
        info.name,
        where,
        ", ".join(info.trunk_ids) or "all",
        ", ".join([*info.inbound_numbers, *info.numbers]),
        HIDDEN if rule is not None and rule.pin else "",
        ", ".join(agent.agent_name for agent in info.room_config.agents),
        info.metadata,
    )


async def _all(server: "api.LiveKitAPI") -> list["api.SIPDispatchRuleInfo"]:
    from livekit import api

    return list((await server.sip.list_dispatch_rule(api.ListSIPDispatchRuleRequest())).items)


async def _find(server: "api.LiveKitAPI", name: str) -> "api.SIPDispatchRuleInfo":
    from ..errors import MissingError, OperatorError

    found = [r for r in await _all(server) if name in (r.sip_dispatch_rule_id, r.name)]
    if not found:
        raise MissingError(f"no rule {name!r}")
    if len(found) > 1:
        ids = ", ".join(rule.sip_dispatch_rule_id for rule in found)
        raise OperatorError(f"several rules are called {name!r}: {ids}")
    return found[0]


async def _trunk_ids(server: "api.LiveKitAPI", names: tuple[str, ...]) -> list[str]:
    return [(await find_trunk(server, name, ("inbound",))).sip_trunk_id for name in names]


@command.command("list", short_help="All rules.")
@server_options
@json_option
def list_(server: "Connection", as_json: bool) -> None:
    """Show all rules. PINs are hidden.

    \b
    Examples:
      earshot sip rule list
      earshot sip rule list --json
    """
    from ..operator.server import run
    from ..operator.tables import plain, show, show_json

    found = run(server, _all, service="sip")
    if as_json:
        show_json([plain(info, secrets=False) for info in found])
    else:
        show(COLUMNS, map(_row, found), none="no rules: inbound calls come into no room")


@command.command("create", short_help="Make a rule.")
@server_options
@_where
@click.option("--agent", "agents", multiple=True, metavar="NAME", help="Call it into the room.")
@click.option("--agent-metadata", metavar="TEXT", help="With --agent: what the agent is told.")
@click.option("--hide-phone-number", is_flag=True, help="From the others in the room.")
@json_option
def create(server: "Connection", as_json: bool, **options: Any) -> None:
    """Make a rule.

    \b
    Examples:
      earshot sip rule create --name desk --direct lobby --agent helper
      earshot sip rule create --name shop --caller shop- --trunk desk --json
    """
    from livekit import api

    from ..operator import requests
    from ..operator.server import run
    from ..operator.tables import plain, show_json

    data = requests.read(options["request"])
    data = data.get("dispatchRule", data.get("dispatch_rule", data))
    if options["agent_metadata"] and not options["agents"]:
        raise click.UsageError("--agent-metadata is told to an agent: add --agent")
    agents = [
        {"agent_name": name, "metadata": options["agent_metadata"] or ""}
        for name in options["agents"]
    ]
    info = requests.build(
        api.SIPDispatchRuleInfo,
        data,
        {
            "name": options["name"],
            "rule": _rule(options),
            "metadata": options["metadata"],
            "attributes": dict(options["attributes"]),
            "room_config": {"agents": agents} if agents else None,
            "hide_phone_number": options["hide_phone_number"] or None,
        },
    )
    if info.rule.WhichOneof("rule") is None:
        raise click.UsageError("where do calls go? Give --direct, --caller or --callee")

    async def make(s: "api.LiveKitAPI") -> "api.SIPDispatchRuleInfo":
        info.trunk_ids.extend(await _trunk_ids(s, options["trunks"]))
        return await s.sip.create_dispatch_rule(
            api.CreateSIPDispatchRuleRequest(dispatch_rule=info)
        )

    made = run(server, make, service="sip")
    if as_json:
        show_json(plain(made, secrets=False))
    else:
        click.echo(f"{made.sip_dispatch_rule_id}: calls come into {_row(made)[2]}")


@command.command("update", short_help="Change a rule.")
@server_options
@click.argument("rule", metavar="ID|NAME")
@_where
@json_option
def update(server: "Connection", rule: str, as_json: bool, **options: Any) -> None:
    """Change a rule. What is not named stays as it is.

    \b
    Examples:
      earshot sip rule update desk --direct clinic
    """
    from livekit import api

    from ..operator import requests
    from ..operator.server import run
    from ..operator.tables import plain, show_json

    data = requests.read(options["request"])
    data = data.get("update", data)
    fields = {
        "name": options["name"],
        "rule": _rule(options),
        "metadata": options["metadata"],
        "attributes": dict(options["attributes"]),
    }

    async def change(s: "api.LiveKitAPI") -> "api.SIPDispatchRuleInfo":
        found = await _find(s, rule)
        trunks = await _trunk_ids(s, options["trunks"])
        more = {"trunk_ids": {"set": trunks} if trunks else None}
        change = requests.build(api.SIPDispatchRuleUpdate, data, fields, more)
        if not change.ListFields():
            raise click.UsageError("nothing to change: give --direct, --trunk, --name, …")
        service = s.sip
        request = api.UpdateSIPDispatchRuleRequest(
            sip_dispatch_rule_id=found.sip_dispatch_rule_id, update=change
        )
        # livekit-api's own method takes single fields, and not the update that the protocol has
        header = service._auth_header(api.VideoGrants(), sip=api.SIPGrants(admin=True))
        return await service._client.request(
            "SIP", "UpdateSIPDispatchRule", request, header, api.SIPDispatchRuleInfo
        )

    changed = run(server, change, service="sip")
    if as_json:
        show_json(plain(changed, secrets=False))
    else:
        click.echo(f"{changed.sip_dispatch_rule_id}: calls come into {_row(changed)[2]}")


@command.command("delete", short_help="Delete rules.")
@server_options
@click.argument("rules", nargs=-1, required=True, metavar="ID|NAME...")
@destroys
def delete(server: "Connection", rules: tuple[str, ...], yes: bool, dry_run: bool) -> None:
    """Delete rules. Calls that run go on.

    \b
    Examples:
      earshot sip rule delete desk shop --dry-run
      earshot sip rule delete desk shop --yes
    """
    from ..operator.server import run

    async def look(s: "api.LiveKitAPI") -> list["api.SIPDispatchRuleInfo"]:
        return [await _find(s, name) for name in rules]

    async def end(s: "api.LiveKitAPI") -> None:
        from livekit import api

        for info in found:
            rule_id = info.sip_dispatch_rule_id
            await s.sip.delete_dispatch_rule(
                api.DeleteSIPDispatchRuleRequest(sip_dispatch_rule_id=rule_id)
            )
            click.echo(f"{rule_id}: deleted")

    found = run(server, look, service="sip")
    what = ", ".join(f"{info.sip_dispatch_rule_id} ({info.name})" for info in found)
    if agreed(f"delete {what}", yes=yes, dry_run=dry_run):
        run(server, end, service="sip")
