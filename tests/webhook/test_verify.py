"""Only what the server with our key signed, whole and in time, is an event."""

import datetime
from collections.abc import Callable

import pytest
from earshot.errors import WebhookRefusedError
from earshot.webhook.verify import Verifier
from livekit import api

from .conftest import KEY, SECRET, body_of, signed

BODY = body_of()


def test_an_event() -> None:
    event = Verifier(KEY, SECRET).check(BODY, signed(BODY))
    assert (event.event, event.room.name, event.created_at) == (
        "room_started",
        "lobby",
        1_700_000_000,
    )
    # of a newer server: what is not known is passed over
    newer = body_of("room_paused", somethingNew={"a": 1})
    assert Verifier(KEY, SECRET).check(newer, signed(newer)).event == "room_paused"


def grant() -> str:
    """A caller's token: signed with the same secret."""
    token = api.AccessToken(KEY, SECRET).with_identity("anna")
    return token.with_grants(api.VideoGrants(room_join=True, room="lobby")).to_jwt()


@pytest.mark.parametrize(
    ("body", "authorization", "reason"),
    [
        (BODY, lambda: "", "no signature"),
        (BODY, lambda: "rubbish", "can't be read"),
        (BODY, lambda: signed(BODY, secret="x" * 43), "not that of our secret"),
        (BODY, lambda: signed(BODY, key="other"), "signed with another key, expected earshot-test"),
        (BODY, lambda: signed(BODY, ttl_s=-600), "too old"),
        (BODY + b" ", lambda: signed(BODY), "the body was changed"),
        (BODY, lambda: signed(BODY, sha256=""), "no sha256"),
        (BODY, lambda: signed(BODY, sha256="?"), "sha256 can't be read"),
        (BODY, lambda: grant(), "no sha256"),
        (b"\xff", lambda: signed(b"\xff"), "not a webhook event"),
        (b"[1]", lambda: signed(b"[1]"), "not a webhook event"),
        (b'{"event": 1}', lambda: signed(b'{"event": 1}'), "not a webhook event"),
    ],
)
def test_refused(body: bytes, authorization: Callable[[], str], reason: str) -> None:
    # signed now: what was signed when the tests were collected is too old by now
    with pytest.raises(WebhookRefusedError, match=reason):
        Verifier(KEY, SECRET).check(body, authorization())


def test_no_algorithm_of_the_senders_choice() -> None:
    import jwt

    claims = {
        "iss": KEY,
        "exp": datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=1),
    }
    token = jwt.encode(claims, None, algorithm="none")
    with pytest.raises(WebhookRefusedError):
        Verifier(KEY, SECRET).check(BODY, token)
