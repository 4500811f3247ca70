"""Tokens: made for a key, and looked into. What they allow is said by `grants`."""

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import click
import jwt
from livekit import api

from . import grants, requests
from .connection import Connection


def video_grants(chosen: dict[str, Any], further: str | None) -> api.VideoGrants:
    """The grants of the options, and those of a JSON object over them.

    Raises:
        click.UsageError: a grant that does not exist, or a value that is none of its.
    """
    values = dict(chosen)
    if further:
        try:
            more = json.loads(further)
        except json.JSONDecodeError as e:
            raise click.UsageError(f"--grant: not JSON: {e.msg} at column {e.colno}") from e
        names = grants.names()
        if not isinstance(more, dict):
            raise click.UsageError("--grant: a JSON object was expected")
        for key, value in more.items():
            name = names.get(str(key), str(key))
            if name not in names.values():
                raise click.UsageError(f"--grant: no grant {key!r}; there are: {', '.join(names)}")
            expected = _type_of(name)
            if not isinstance(value, expected):
                raise click.UsageError(
                    f"--grant: {key} = {value!r}: {expected.__name__} was expected"
                )
            values[name] = value
    return api.VideoGrants(**values)


def _type_of(grant: str) -> type:
    if grant in ("room", "destination_room"):
        return str
    return list if grant == "can_publish_sources" else bool


def room_config(
    config: dict[str, Any],
    agents: Iterable[str],
    *,
    metadata: str | None,
    deployment: str | None,
) -> api.RoomConfiguration | None:
    """What the token says about the room that it opens; None when nothing."""
    message = requests.build(api.RoomConfiguration, config)
    for name in agents:
        message.agents.add(agent_name=name, metadata=metadata or "", deployment=deployment or "")
    return message if message.ByteSize() else None


def mint(
    connection: Connection,
    *,
    video: api.VideoGrants,
    sip: api.SIPGrants,
    valid_s: float,
    identity: str = "",
    name: str = "",
    metadata: str = "",
    attributes: dict[str, str] | None = None,
    kind: str = "",
    room: api.RoomConfiguration | None = None,
    room_preset: str = "",
    sha256: str = "",
) -> str:
    """A signed token."""
    token = api.AccessToken(connection.api_key, connection.api_secret)
    token.with_identity(identity).with_ttl(timedelta(seconds=valid_s)).with_grants(video)
    if name:
        token.with_name(name)
    if metadata:
        token.with_metadata(metadata)
    if attributes:
        token.with_attributes(attributes)
    if kind:
        token.claims.kind = kind
    if sip.admin or sip.call:
        token.with_sip_grants(sip)
    if room is not None:
        token.with_room_config(room)
    if room_preset:
        token.with_room_preset(room_preset)
    if sha256:
        token.with_sha256(sha256)
    return token.to_jwt()


@dataclass(frozen=True)
class Inspection:
    """What a token says, and what is wrong with it."""

    header: dict[str, Any]
    claims: dict[str, Any]
    signed_by: str
    """Whose key proved the signature; empty when none that is known here did."""
    problems: list[str]

    @property
    def allows(self) -> list[str]:
        return grants.words(self.claims)


def inspect(token: str, known: Iterable[Connection]) -> Inspection:
    """Decodes a token and checks it against the keys that are known here.

    Raises:
        click.UsageError: not a token.
    """
    token = token.strip().removeprefix("Bearer ")
    try:
        header = jwt.get_unverified_header(token)
        claims = jwt.decode(token, options={"verify_signature": False})
    except jwt.PyJWTError as e:
        raise click.UsageError(f"not a token (JWT): {e}") from e
    problems = grants.problems(claims, time.time())
    if header.get("alg") != "HS256":
        problems.append(f"it is signed by {header.get('alg')!r}; LiveKit takes HS256 alone")
    candidates = [c for c in known if c.api_key == claims.get("iss")]
    signed_by = next((c.origin for c in candidates if _signed(token, c.api_secret)), "")
    if candidates and not signed_by:
        origins = ", ".join(c.origin for c in candidates)
        problems.append(f"its signature is not that of {claims['iss']} as known here ({origins})")
    return Inspection(header, claims, signed_by, problems)


def _signed(token: str, secret: str) -> bool:
    options: Any = dict.fromkeys(("verify_exp", "verify_nbf", "verify_iat", "verify_aud"), False)
    try:
        jwt.decode(token, secret, algorithms=["HS256"], options=options)
    except jwt.PyJWTError:
        return False
    return True
