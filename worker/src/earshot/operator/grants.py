"""What a token allows, in words, and what is wrong with it. Knows claims, not keys.

Claims are those of LiveKit's tokens as JSON: `{"sub": …, "video": {"roomJoin": true, …}, …}`.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from livekit import api
from livekit.api.access_token import snake_to_lower_camel

SOURCES = ("camera", "microphone", "screen_share", "screen_share_audio")

NOTHING = "allows nothing"
_WORDS = {
    "roomCreate": "makes and ends rooms",
    "roomList": "lists rooms",
    "roomRecord": "starts and stops recordings (egress)",
    "ingressAdmin": "manages ingress",
    "agent": "registers as a worker of agents",
}
_INSIDE = {
    "canUpdateOwnMetadata": "may change its own name, metadata and attributes",
    "hidden": "is hidden from the others",
    "recorder": "counts as a recorder",
    "canSubscribeMetrics": "may read metrics",
    "canManageAgentSession": "may manage an agent's session",
}


def names() -> dict[str, str]:
    """Every grant there is: its name in a token, and in VideoGrants."""
    return {snake_to_lower_camel(f.name): f.name for f in dataclasses.fields(api.VideoGrants)}


def words(claims: Mapping[str, Any]) -> list[str]:
    """What the token lets its holder do, one thing a line."""
    video = claims.get("video") or {}
    sip = claims.get("sip") or {}
    lines = []
    if video.get("roomJoin"):
        lines += _joining(claims, video)
    lines += [text for name, text in _WORDS.items() if video.get(name)]
    if video.get("roomAdmin"):
        lines.append(f"administers room {video.get('room', '')!r}")
    if video.get("destinationRoom"):
        lines.append(f"moves participants to room {video['destinationRoom']!r}")
    if sip.get("admin"):
        lines.append("manages SIP trunks and rules")
    if sip.get("call"):
        lines.append("makes telephone calls")
    lines += _room(claims)
    return lines or [NOTHING]


def _joining(claims: Mapping[str, Any], video: Mapping[str, Any]) -> list[str]:
    kind = f" as a participant of kind {claims['kind']!r}" if claims.get("kind") else ""
    name = f" ({claims['name']})" if claims.get("name") else ""
    lines = [f"joins room {video.get('room', '')!r} as {claims.get('sub', '')!r}{name}{kind}"]
    sources = video.get("canPublishSources")
    if not video.get("canPublish", True):
        lines.append("may not publish")
    elif sources:
        lines.append(f"may publish {', '.join(sources)} and nothing else")
    else:
        lines.append("may publish audio and video")
    subscribe, data = video.get("canSubscribe", True), video.get("canPublishData", True)
    lines.append("may hear and see the others" if subscribe else "may not hear or see the others")
    lines.append("may send data and text" if data else "may not send data")
    return lines + [text for name, text in _INSIDE.items() if video.get(name)]


def _room(claims: Mapping[str, Any]) -> list[str]:
    lines = []
    config = claims.get("roomConfig") or {}
    for agent in config.get("agents", []):
        name = agent.get("agentName") or agent.get("agent_name") or ""
        lines.append(f"calls agent {name!r} when it opens the room")
    if others := sorted(set(config) - {"agents"}):
        lines.append(f"sets {', '.join(others)} of the room when it opens it")
    if claims.get("roomPreset"):
        lines.append(f"opens the room by the server's preset {claims['roomPreset']!r}")
    return lines


def problems(claims: Mapping[str, Any], now: float) -> list[str]:
    """Why a server would not take the token, or why it would disappoint its holder.

    Args:
        now: seconds since 1970.
    """
    video = claims.get("video")
    if not isinstance(video, Mapping):
        video = {}
    found = []
    if words(claims) == [NOTHING]:
        found.append("it has no grants")
    if not claims.get("iss"):
        found.append("it names no API key (iss)")
    found += _times(claims, now)
    if unknown := sorted(set(video) - set(names())):
        found.append(f"grants that no server knows: {', '.join(unknown)}")
    if video.get("roomJoin"):
        if not video.get("room"):
            found.append("it joins no room: `room` is empty")
        if not claims.get("sub"):
            found.append("it joins as nobody: the identity (sub) is empty")
        if video.get("canPublish", True) is False and video.get("canPublishSources"):
            found.append("it names sources to publish, but may not publish")
        bad = [s for s in video.get("canPublishSources") or [] if str(s).lower() not in SOURCES]
        if bad:
            found.append(f"sources that nobody knows: {', '.join(map(str, bad))}")
    elif video.get("room") and not video.get("roomAdmin"):
        found.append(f"it names room {video['room']!r}, but may neither join nor administer it")
    if video.get("roomAdmin") and not video.get("room"):
        found.append("it administers no room: `room` is empty")
    return found


def _times(claims: Mapping[str, Any], now: float) -> list[str]:
    from .tables import span, when

    expires, starts = claims.get("exp"), claims.get("nbf")
    found = []
    if not isinstance(expires, int | float):
        found.append("it never expires (no `exp`): servers refuse it")
    elif expires <= now:
        found.append(f"it expired {span(now - expires)} ago, at {when(expires)}")
    if isinstance(starts, int | float) and starts > now:
        found.append(
            f"it begins in {span(starts - now)}, at {when(starts)}: is a clock wrong somewhere?"
        )
    return found
