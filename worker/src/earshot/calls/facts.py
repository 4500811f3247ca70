"""What is told of calls, each a small fact that may come twice, late, or in another order.

A call is one life of a room, known by livekit-server's id of it (`RM_…`). Knows nothing of SQLite.
"""

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from ..errors import CallLogError

if TYPE_CHECKING:
    from livekit import api

    from ..turn import Turn

CHECK_ROOMS = "check-"
"""Rooms in which the page checks its connection: not calls."""
TEXT_MAX = 4000
NAME_MAX = 256


@dataclass(frozen=True)
class Room:
    """A room that exists."""

    call: str
    room: str
    began_at: float
    """Seconds since 1970, as all times here."""


@dataclass(frozen=True)
class RoomEnded(Room):
    at: float
    why: str
    """`idle_timeout`, `api_delete`, …; empty = not told."""


@dataclass(frozen=True)
class Joined(Room):
    """Somebody came in."""

    sid: str
    """Of this connection: who comes back has another."""
    identity: str
    name: str
    agent: bool
    joined_at: float


@dataclass(frozen=True)
class Left(Joined):
    at: float
    why: str
    """`client_initiated`, `connection_timeout`, …"""


@dataclass(frozen=True)
class TurnTold:
    """A turn that was answered; the same number of the same job again replaces it."""

    call: str
    room: str
    job: str
    turn: int
    at: float
    asked: bool
    """False where the agent spoke up by itself."""
    interrupted: bool
    latency_ms: dict[str, float | None]
    tools: list[str]
    heard: str = ""
    reply: str = ""
    decided: str = ""
    """Who decided whether a tool is needed: `sentence`, `router`, `model`; empty = nobody."""


@dataclass(frozen=True)
class HungUp:
    """The agent ended the call."""

    call: str
    room: str
    at: float
    why: str
    """`silence` or `longest`."""


@dataclass(frozen=True)
class Alive:
    """Every room that there is; a call that is not among them is over."""

    calls: frozenset[str] = field(repr=False)
    asked_at: float
    """time.monotonic() when it was asked: what began later is not meant."""
    why: str = "lost"
    """How the others ended: `lost`, or `stopped`."""


Fact = Room | RoomEnded | Joined | Left | TurnTold | HungUp | Alive


def of_webhook(event: "api.WebhookEvent") -> list[Fact]:
    """The facts of a verified webhook; [] if it tells nothing of a call."""
    from livekit import api

    room = event.room
    if not room.sid or room.name.startswith(CHECK_ROOMS):
        return []
    began_at = room.creation_time_ms / 1000 or float(room.creation_time)
    here = (room.sid, room.name[:NAME_MAX], began_at)
    at = float(event.created_at)
    if event.event == "room_started":
        return [Room(*here)]
    if event.event == "room_finished":
        # by its number: a server newer than our protocol may send one without a name
        why = _lower(api.RoomEndReason, event.room_end_reason, "room_end_")
        return [RoomEnded(*here, at, "" if why == "unknown" else why)]
    who = event.participant
    if (event.event not in _COMING and event.event not in _GOING) or not who.sid:
        return []
    kind = api.ParticipantInfo.Kind
    if who.kind in (kind.EGRESS, kind.INGRESS):
        return [Room(*here)]
    person = Joined(
        *here,
        sid=who.sid,
        identity=who.identity[:NAME_MAX],
        name=who.name[:NAME_MAX],
        agent=who.kind == kind.AGENT,
        joined_at=who.joined_at_ms / 1000 or float(who.joined_at),
    )
    if event.event in _COMING:
        return [person]
    return [Left(**asdict(person), at=at, why=_lower(api.DisconnectReason, who.disconnect_reason))]


_COMING = {"participant_joined"}
_GOING = {"participant_left", "participant_connection_aborted"}


def of_turn(
    turn: "Turn", call: str, room: str, job: str, at: float, *, keep_words: bool
) -> TurnTold:
    """What is kept of a turn: its words only if that is wanted."""
    return TurnTold(
        call=call,
        room=room,
        job=job,
        turn=turn.turn,
        at=at,
        asked=bool(turn.heard),
        interrupted=turn.interrupted,
        latency_ms=asdict(turn.latency_ms),
        tools=[tool.name[:NAME_MAX] for tool in turn.tools[:50]],
        heard=turn.heard[:TEXT_MAX] if keep_words else "",
        reply=turn.reply[:TEXT_MAX] if keep_words else "",
        decided=turn.decided.by if turn.decided else "",
    )


def encode(fact: TurnTold | HungUp) -> bytes:
    """A message between our own processes."""
    return json.dumps({"fact": type(fact).__name__, **asdict(fact)}).encode()


def decode(message: bytes) -> TurnTold | HungUp:
    """Raises: CallLogError: it is none of ours, or of another version."""
    try:
        values: dict[str, Any] = json.loads(message)
        return TurnTold(**values) if values.pop("fact") == "TurnTold" else HungUp(**values)
    except (ValueError, KeyError, TypeError, AttributeError) as e:
        raise CallLogError(f"a message of a call can't be read: {type(e).__name__}") from e


def _lower(enum: Any, value: int, prefix: str = "") -> str:
    try:
        name: str = enum.Name(value)
    except ValueError:
        return ""
    return name.lower().removeprefix(prefix).removesuffix("_reason")
