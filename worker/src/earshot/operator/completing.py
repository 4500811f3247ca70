"""What a shell may offer for ROOM, IDENTITY and --project: what is there now."""

import click

from ..errors import EarshotError

_WAIT_S = 2.0
"""A person who pressed Tab waits no longer."""


def rooms(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Names of open rooms; none when the server can't be asked, for there is no place to say so."""
    from livekit import api

    from .connection import resolve
    from .server import run

    try:
        there = run(
            resolve(ctx.params.get("server_url"), ctx.params.get("server_project")),
            lambda s: s.room.list_rooms(api.ListRoomsRequest()),
            timeout_s=_WAIT_S,
        ).rooms
    except EarshotError:
        return []
    return sorted(room.name for room in there if room.name.startswith(incomplete))


def projects(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Names of servers that are known."""
    from . import projects

    try:
        return [name for name in projects.load().by_name if name.startswith(incomplete)]
    except EarshotError:
        return []


def identities(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Who is in the room that was named before."""
    from livekit import api

    from .connection import resolve
    from .server import run

    room = ctx.params.get("room")
    if not room:
        return []
    try:
        there = run(
            resolve(ctx.params.get("server_url"), ctx.params.get("server_project")),
            lambda s: s.room.list_participants(api.ListParticipantsRequest(room=room)),
            timeout_s=_WAIT_S,
        ).participants
    except EarshotError:
        return []
    return sorted(who.identity for who in there if who.identity.startswith(incomplete))
