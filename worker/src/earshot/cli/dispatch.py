"""`earshot dispatch …`: list, create, delete."""

from typing import TYPE_CHECKING, Any

import click

from ..operator import completing
from ..operator.options import Pair, agreed, destroys, json_option, server_options

if TYPE_CHECKING:
    from livekit import api

    from ..operator.connection import Connection


@click.group("dispatch")
def command() -> None:
    """Call agents into a room.

    An agent without a name comes into every room by itself; one with a name must be called.

    \b
    Examples:
      earshot dispatch create lobby --agent helper
      earshot dispatch list lobby
    """


@command.command("list", short_help="Which agents are called into a room.")
@server_options
@click.argument("room", shell_complete=completing.rooms)
@click.argument("dispatch_id", required=False, metavar="[ID]")
@json_option
def list_(server: "Connection", room: str, dispatch_id: str | None, as_json: bool) -> None:
    """Show which agents are called into ROOM, and how far their jobs are; or one dispatch.

    \b
    Examples:
      earshot dispatch list lobby
      earshot dispatch list lobby --json
    """
    from ..errors import MissingError
    from ..operator import rooms
    from ..operator.server import run
    from ..operator.tables import show, show_json

    async def look(s: "api.LiveKitAPI") -> list["api.AgentDispatch"]:
        await rooms.get(s, room)
        if dispatch_id is None:
            return await s.agent_dispatch.list_dispatch(room)
        found = await s.agent_dispatch.get_dispatch(dispatch_id, room)
        if found is None:
            raise MissingError(f"no dispatch {dispatch_id!r} in room {room!r}")
        return [found]

    found = run(server, look)
    if as_json:
        show_json(found)
    else:
        show(("dispatch", "agent", "jobs", "metadata"), map(_row, found), none="nobody is called")


def _row(dispatch: "api.AgentDispatch") -> tuple[str, str, str, str]:
    from livekit import api

    jobs = [
        f"{api.JobStatus.Name(job.state.status).removeprefix('JS_').lower()}"
        f" ({job.state.participant_identity or job.id})"
        for job in dispatch.state.jobs
    ]
    return (
        dispatch.id,
        dispatch.agent_name or "(any)",
        ", ".join(jobs) or "none: no worker has it",
        dispatch.metadata,
    )


@command.command("create", short_help="Call an agent into a room.")
@server_options
@click.argument("room", required=False, shell_complete=completing.rooms)
@click.option("--new-room", is_flag=True, help="Into a new room with a name of its own.")
@click.option("--agent", metavar="NAME", help="Its name; default: the setting calls.agent_name.")
@click.option("--metadata", metavar="TEXT", help="What the agent is told (job metadata).")
@click.option("--attribute", "attributes", type=Pair(), multiple=True, help="Of the agent.")
@click.option("--deployment", metavar="NAME", help="Which deployment of the agent.")
@json_option
def create(
    server: "Connection", room: str | None, new_room: bool, as_json: bool, **given: Any
) -> None:
    """Call an agent into ROOM, which is opened where it is not open yet.

    \b
    Examples:
      earshot dispatch create lobby --agent helper --metadata '{"shop": 7}'
      earshot dispatch create --new-room --agent helper --json
    """
    import secrets

    from livekit import api

    from ..operator import requests
    from ..operator.server import run
    from ..operator.tables import show_json
    from ..settings import load

    if new_room == bool(room):
        raise click.UsageError("the name of a room was expected, or --new-room")
    agent = given["agent"] if given["agent"] is not None else load().calls.agent_name
    request = requests.build(
        api.CreateAgentDispatchRequest,
        {"room": room or f"room-{secrets.token_hex(4)}", "agent_name": agent},
        {
            "metadata": given["metadata"],
            "deployment": given["deployment"],
            "attributes": dict(given["attributes"]),
        },
    )
    dispatch = run(server, lambda s: s.agent_dispatch.create_dispatch(request))
    if as_json:
        show_json(dispatch)
    else:
        name = dispatch.agent_name or "any agent without a name"
        click.echo(f"{name} is called into {dispatch.room} ({dispatch.id})")


@command.command("delete", short_help="Take a call back; its agent leaves.")
@server_options
@click.argument("room", shell_complete=completing.rooms)
@click.argument("dispatch_ids", nargs=-1, metavar="[ID]...")
@click.option("--agent", metavar="NAME", help="All of this agent.")
@destroys
def delete(
    server: "Connection",
    room: str,
    dispatch_ids: tuple[str, ...],
    agent: str | None,
    yes: bool,
    dry_run: bool,
) -> None:
    """Take calls of agents into ROOM back, by ID or by the agent's name. The agents leave.

    \b
    Examples:
      earshot dispatch delete lobby --agent helper --dry-run
      earshot dispatch delete lobby --agent helper --yes
    """
    from ..errors import MissingError
    from ..operator import rooms
    from ..operator.server import run

    if bool(dispatch_ids) == (agent is not None):
        raise click.UsageError("the ID of a dispatch was expected, or --agent")

    async def look(s: "api.LiveKitAPI") -> list["api.AgentDispatch"]:
        await rooms.get(s, room)
        there = await s.agent_dispatch.list_dispatch(room)
        found = [d for d in there if d.id in dispatch_ids or d.agent_name == agent]
        absent = set(dispatch_ids) - {d.id for d in found}
        if absent or not found:
            named = ", ".join(sorted(absent)) or f"of {agent!r}"
            raise MissingError(f"no dispatch {named} in room {room!r}")
        return found

    async def end(s: "api.LiveKitAPI") -> None:
        for dispatch in found:
            await s.agent_dispatch.delete_dispatch(dispatch.id, room)
            click.echo(f"{dispatch.id}: taken back")

    found = run(server, look)
    what = ", ".join(f"{d.id} ({d.agent_name or 'any agent'})" for d in found)
    if agreed(f"take back {what} in {room}", yes=yes, dry_run=dry_run):
        run(server, end)
