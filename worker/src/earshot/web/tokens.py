"""LiveKit's standard token endpoint: what may be asked for, and the token that is given.

https://docs.livekit.io/frontends/build/authentication/endpoint/ fixes the fields. All are optional.
A token lets one identity join one room within ten minutes (livekit-server renews it while the call
lasts), publish a microphone and data, and hear what is in the room. The room takes one caller,
which livekit-server enforces (agents don't count), so that nobody can listen in.
"""

import json
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from google.protobuf.json_format import ParseDict, ParseError
from livekit.api import AccessToken, RoomAgentDispatch, RoomConfiguration, VideoGrants

from ..credentials import Credentials
from .refusal import Refusal

TTL = timedelta(minutes=10)
CALLERS_MAX = 1

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 ._:@+-]{0,62}[A-Za-z0-9])?")
_NAME_FORM = (
    "1 to 64 letters (a-z), digits, spaces and . _ : @ + -, with a letter or digit at both ends"
)
_ATTRIBUTES_MAX = 16
_RESERVED = ("lk.", "earshot.")


@dataclass(frozen=True)
class TokenRequest:
    """A request, checked, with names made up where none were given."""

    room: str
    room_chosen: bool
    """Whether the caller named the room: then it may be guessed."""
    identity: str
    name: str = ""
    metadata: str = ""
    attributes: dict[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, body: bytes, agent_name: str) -> "TokenRequest":
        """Reads the body of a request.

        Args:
            body: JSON in UTF-8; empty means that nothing is asked for in particular.
            agent_name: the only agent that a caller may ask for.

        Raises:
            Refusal: 400 `bad_request`, which names the key and what was expected.
        """
        fields = _object(body)
        unknown = sorted(set(fields) - set(_READERS))
        if unknown:
            raise _bad(f"{_shown(unknown[0])}: no such key; known: {', '.join(_READERS)}")
        values = {
            key: _READERS[key](key, value) for key, value in fields.items() if value is not None
        }
        _check_room_config(values.get("room_config") or {}, agent_name)
        room = values.get("room_name")
        return cls(
            room=room or f"call-{secrets.token_hex(12)}",
            room_chosen=bool(room),
            identity=values.get("participant_identity") or f"caller-{secrets.token_hex(8)}",
            name=values.get("participant_name", ""),
            metadata=values.get("participant_metadata", ""),
            attributes=values.get("participant_attributes", {}),
        )


def mint(request: TokenRequest, credentials: Credentials, agent_name: str) -> str:
    """The token for a request.

    Args:
        agent_name: the agent that is called into the room; empty: whichever answers every room.
    """
    agents = [RoomAgentDispatch(agent_name=agent_name)] if agent_name else []
    return (
        AccessToken(credentials.api_key, credentials.api_secret)
        .with_identity(request.identity)
        .with_name(request.name)
        .with_metadata(request.metadata)
        .with_attributes(request.attributes)
        .with_ttl(TTL)
        .with_grants(
            VideoGrants(
                room_join=True,
                room=request.room,
                can_publish=True,
                can_publish_sources=["microphone"],
                can_publish_data=True,
                can_subscribe=True,
            )
        )
        .with_room_config(RoomConfiguration(max_participants=CALLERS_MAX, agents=agents))
        .to_jwt()
    )


def _object(body: bytes) -> dict[str, Any]:
    if not body.strip():
        return {}
    try:
        fields = json.loads(body.decode("utf-8"))
    except UnicodeDecodeError as e:
        raise _bad("the body is not UTF-8") from e
    except RecursionError as e:
        raise _bad("the body is not JSON that anybody needs: too deep") from e
    except ValueError as e:
        where = f" (character {e.pos})" if isinstance(e, json.JSONDecodeError) else ""
        raise _bad(f"the body is not JSON{where}") from e
    if not isinstance(fields, dict):
        raise _bad(f"expected a JSON object, got {_kind(fields)}")
    return fields


def _identifier(key: str, value: Any) -> str:
    # an empty one is an absent one: protobuf, by which clients write JSON, knows no difference
    text = _text(key, value, 64)
    if text and not _NAME.fullmatch(text):
        raise _bad(f"{key}: expected {_NAME_FORM}")
    return text


def _display_name(key: str, value: Any) -> str:
    text = _text(key, value, 64).strip()
    if not all(c.isprintable() or c in "\u200c\u200d" for c in text):  # joiners: emoji, Persian
        raise _bad(f"{key}: expected printable characters")
    return text


def _metadata(key: str, value: Any) -> str:
    return _text(key, value, 4096)


def _attributes(key: str, value: Any) -> dict[str, str]:
    attributes = _mapping(key, value)
    if len(attributes) > _ATTRIBUTES_MAX:
        raise _bad(f"{key}: expected {_ATTRIBUTES_MAX} or fewer, got {len(attributes)}")
    for name, text in attributes.items():
        if not _NAME.fullmatch(name) or name.startswith(_RESERVED):
            raise _bad(
                f"{key}: {_shown(name)}: expected {_NAME_FORM}, and not lk. or earshot. first"
            )
        _text(f"{key}.{name}", text, 1024)
    return attributes


def _mapping(key: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _bad(f"{key}: expected an object, got {_kind(value)}")
    return value


_READERS: dict[str, Callable[[str, Any], Any]] = {
    "room_name": _identifier,
    "participant_identity": _identifier,
    "participant_name": _display_name,
    "participant_metadata": _metadata,
    "participant_attributes": _attributes,
    "room_config": _mapping,
}


def _check_room_config(value: dict[str, Any], agent_name: str) -> None:
    """A caller may ask for the agent that comes anyway, and for nothing else.

    The rest of a room's configuration could record the room, open it to more people, or hand data
    to the agent that it takes for the operator's.
    """
    try:
        config = ParseDict(value, RoomConfiguration())
    except (ParseError, ValueError, RecursionError) as e:
        raise _bad("room_config: not a LiveKit RoomConfiguration") from e
    for descriptor, _ in config.ListFields():
        if descriptor.name != "agents":
            raise _bad(f"room_config.{descriptor.name}: callers can't choose this; leave it out")
    for dispatch in config.agents:
        for descriptor, _ in dispatch.ListFields():
            if descriptor.name != "agent_name":
                raise _bad(
                    f"room_config.agents.{descriptor.name}: callers can't choose this; leave it out"
                )
        if dispatch.agent_name != agent_name:
            expected = f"only {agent_name!r} answers here" if agent_name else "leave it out"
            raise _bad(f"room_config.agents.agent_name: no such agent; {expected}")


def _text(key: str, value: Any, characters_max: int) -> str:
    if not isinstance(value, str):
        raise _bad(f"{key}: expected a string, got {_kind(value)}")
    if len(value) > characters_max:
        raise _bad(f"{key}: expected {characters_max} characters or fewer, got {len(value)}")
    try:
        value.encode()
    except UnicodeEncodeError as e:
        raise _bad(f"{key}: expected whole characters, got half a surrogate pair") from e
    return value


def _bad(message: str) -> Refusal:
    return Refusal(400, "bad_request", message)


def _shown(key: str) -> str:
    return ascii(key if len(key) <= 40 else key[:40] + "…")


def _kind(value: Any) -> str:
    names = {
        dict: "an object",
        list: "a list",
        str: "a string",
        bool: "a boolean",
        type(None): "null",
    }
    return names.get(type(value), "a number")
