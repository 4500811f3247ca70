"""Rooms, participants and tracks: found by the names that people use, and shown in rows."""

from collections.abc import Sequence

from livekit import api

from ..errors import MissingError
from .tables import when

ROOM_COLUMNS = ("room", "sid", "participants", "publishers", "since", "metadata")
PARTICIPANT_COLUMNS = ("identity", "name", "kind", "state", "since", "tracks", "metadata")
TRACK_COLUMNS = ("identity", "track", "source", "kind", "name", "muted", "codec")


def room_row(room: api.Room) -> Sequence[object]:
    since = when(room.creation_time)
    metadata = room.metadata
    return room.name, room.sid, room.num_participants, room.num_publishers, since, metadata


def participant_row(who: api.ParticipantInfo) -> Sequence[object]:
    tracks = ", ".join(_short(track) for track in who.tracks)
    return (
        who.identity,
        who.name,
        api.ParticipantInfo.Kind.Name(who.kind).lower(),
        api.ParticipantInfo.State.Name(who.state).lower(),
        when(who.joined_at),
        tracks,
        who.metadata,
    )


def track_row(who: api.ParticipantInfo, track: api.TrackInfo) -> Sequence[object]:
    codec = track.mime_type.rpartition("/")[2]
    kind = api.TrackType.Name(track.type).lower()
    muted = "yes" if track.muted else "no"
    return who.identity, track.sid, source(track), kind, track.name, muted, codec


def source(track: api.TrackInfo) -> str:
    """`microphone`, `camera`, `screen_share`, …"""
    return api.TrackSource.Name(track.source).lower()


def _short(track: api.TrackInfo) -> str:
    return source(track) + (" (muted)" if track.muted else "")


async def get(server: api.LiveKitAPI, name: str) -> api.Room:
    """
    Raises:
        MissingError: it is not open.
    """
    found = await server.room.list_rooms(api.ListRoomsRequest(names=[name]))
    if not found.rooms:
        raise MissingError(f"no room {name!r} is open")
    return found.rooms[0]


async def participants(server: api.LiveKitAPI, room: str) -> list[api.ParticipantInfo]:
    """Who is in a room.

    Raises:
        MissingError: the room is not open. The server itself answers with nobody.
    """
    found = await server.room.list_participants(api.ListParticipantsRequest(room=room))
    if not found.participants:
        await get(server, room)
    return list(found.participants)


async def participant(server: api.LiveKitAPI, room: str, identity: str) -> api.ParticipantInfo:
    """
    Raises:
        MissingError: no such room, or not in it.
    """
    inside = await participants(server, room)
    for who in inside:
        if who.identity == identity:
            return who
    there = ", ".join(repr(who.identity) for who in inside) or "nobody"
    raise MissingError(f"no {identity!r} in room {room!r}; there: {there}")


def tracks(who: api.ParticipantInfo, named: Sequence[str]) -> list[api.TrackInfo]:
    """The tracks of a participant that are called so: by sid, source or name; all without names.

    Raises:
        MissingError: it publishes none that is called so.
    """
    if not named:
        return list(who.tracks)
    found = []
    for name in named:
        hits = [t for t in who.tracks if name in (t.sid, t.name) or name.lower() == source(t)]
        if not hits:
            there = ", ".join(f"{t.sid} ({source(t)})" for t in who.tracks) or "none"
            raise MissingError(f"{who.identity!r} publishes no track {name!r}; there: {there}")
        found += [hit for hit in hits if hit not in found]
    return found


async def tracks_in(
    server: api.LiveKitAPI, room: str, named: Sequence[str]
) -> list[tuple[api.ParticipantInfo, api.TrackInfo]]:
    """The tracks of a room that are called so, with who publishes them.

    Raises:
        MissingError: one of the names is nobody's.
    """
    inside = await participants(server, room)
    every = [(who, track) for who in inside for track in who.tracks]
    for name in named:
        if not any(name in (t.sid, t.name) or name.lower() == source(t) for _, t in every):
            raise MissingError(f"nobody in room {room!r} publishes a track {name!r}")
    return [
        (who, t)
        for who, t in every
        if not named or {t.sid, t.name, source(t)} & {*named, *map(str.lower, named)}
    ]
