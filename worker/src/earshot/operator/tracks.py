"""Muting tracks, and who is subscribed to them."""

from collections.abc import Sequence

from livekit import api

from ..errors import OperatorError
from .rooms import source


async def set_muted(
    server: api.LiveKitAPI,
    room: str,
    tracks: Sequence[tuple[api.ParticipantInfo, api.TrackInfo]],
    muted: bool,
) -> list[str]:
    """Mutes or unmutes tracks; returns what to say of each.

    Raises:
        OperatorError: the server does not allow it.
    """
    said = []
    for who, track in tracks:
        request = api.MuteRoomTrackRequest(
            room=room, identity=who.identity, track_sid=track.sid, muted=muted
        )
        try:
            await server.room.mute_published_track(request)
        except api.ServerError as e:
            if "unmute" in e.message:
                raise OperatorError(
                    f"{who.identity}: {e.message}: a voice is given back by its owner, unless"
                    " livekit.yaml has `room: {enable_remote_unmute: true}`"
                ) from e
            raise
        said.append(
            f"{who.identity}: {source(track)} ({track.sid}) {'muted' if muted else 'unmuted'}"
        )
    return said
