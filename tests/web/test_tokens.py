"""What may be asked for, and what a token holds."""

import json
import time
from typing import Any

import jwt
import pytest

from .conftest import CREDENTIALS, Site, Start


def claims_of(body: dict[str, Any]) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(
        body["participant_token"],
        CREDENTIALS.api_secret,
        algorithms=["HS256"],
        issuer=CREDENTIALS.api_key,
    )
    return claims


async def test_grants_are_what_a_caller_needs_and_no_more(site: Site) -> None:
    _, body, headers = await site.token()
    claims = claims_of(body)
    assert claims["video"] == {
        "roomJoin": True,
        "room": body["room_name"],
        "canPublish": True,
        "canPublishSources": ["microphone"],
        "canPublishData": True,
        "canSubscribe": True,
    }
    assert claims["sub"] == body["participant_identity"]
    assert 0 < claims["exp"] - time.time() <= 600
    assert claims["roomConfig"] == {"maxParticipants": 1}
    assert set(claims) <= {"sub", "iss", "nbf", "exp", "video", "roomConfig", "attributes"}
    assert headers["Cache-Control"] == "no-store"
    assert headers["Content-Type"].startswith("application/json")


async def test_names_are_made_up_unguessably(site: Site) -> None:
    bodies = [(await site.token())[1] for _ in range(10)]
    for key, prefix, length in (
        ("room_name", "call-", 24),
        ("participant_identity", "caller-", 16),
    ):
        names = {body[key] for body in bodies}
        assert len(names) == 10
        assert all(name.startswith(prefix) and len(name) == len(prefix) + length for name in names)


async def test_everything_that_may_be_asked_for(site: Site) -> None:
    status, body, _ = await site.token(
        {
            "room_name": "kitchen table",
            "participant_identity": "anna@home",
            "participant_name": "Анна 👩‍👩‍👧 O’Neil",
            "participant_metadata": '{"seat": "ü"}',
            "participant_attributes": {"language": "日本語", "x.y": ""},
            "room_config": {},
        }
    )
    assert status == 201
    claims = claims_of(body)
    assert (claims["video"]["room"], body["room_name"]) == ("kitchen table", "kitchen table")
    assert (claims["sub"], body["participant_identity"]) == ("anna@home", "anna@home")
    assert claims["name"] == "Анна 👩‍👩‍👧 O’Neil"
    assert claims["metadata"] == '{"seat": "ü"}'
    assert claims["attributes"] == {"language": "日本語", "x.y": ""}


@pytest.mark.parametrize("data", [b"", b" ", b"{}", b'{"room_name": null}', b'{"room_name": ""}'])
async def test_nothing_in_particular(site: Site, data: bytes) -> None:
    async with site.http.post(
        "/api/token", data=data, headers={**site.own, "Content-Type": "application/json"}
    ) as r:
        assert r.status == 201
        assert (await r.json())["room_name"].startswith("call-")


BAD = [
    ({"room_name": 7}, "room_name: expected a string, got a number"),
    ({"room_name": ["a"]}, "room_name: expected a string, got a list"),
    ({"room_name": True}, "room_name: expected a string, got a boolean"),
    ({"room_name": "x" * 65}, "room_name: expected 64 characters or fewer, got 65"),
    ({"room_name": "../etc"}, "room_name: expected 1 to 64 letters"),
    ({"room_name": "a\nb"}, "room_name: expected 1 to 64 letters"),
    ({"room_name": " a"}, "room_name: expected 1 to 64 letters"),
    ({"room_name": "küche"}, "room_name: expected 1 to 64 letters"),
    ({"participant_identity": "a#b"}, "participant_identity: expected 1 to 64 letters"),
    ({"participant_identity": {}}, "participant_identity: expected a string, got an object"),
    ({"participant_name": "a\u202eb"}, "participant_name: expected printable characters"),
    ({"participant_name": "a\0b"}, "participant_name: expected printable characters"),
    ({"participant_name": "\ud800"}, "participant_name: expected whole characters"),
    ({"participant_metadata": "\udfff"}, "participant_metadata: expected whole characters"),
    (
        {"participant_metadata": "x" * 4097},
        "participant_metadata: expected 4096 characters or fewer",
    ),
    ({"participant_attributes": []}, "participant_attributes: expected an object, got a list"),
    (
        {"participant_attributes": {"a": 1}},
        "participant_attributes.a: expected a string, got a number",
    ),
    (
        {"participant_attributes": {"a": None}},
        "participant_attributes.a: expected a string, got null",
    ),
    (
        {"participant_attributes": {"lk.agent.state": "x"}},
        "participant_attributes: 'lk.agent.state'",
    ),
    ({"participant_attributes": {"earshot.state": "x"}}, "participant_attributes: 'earshot.state'"),
    (
        {"participant_attributes": {str(i): "" for i in range(17)}},
        "participant_attributes: expected 16",
    ),
    ({"roomName": "a"}, "'roomName': no such key; known: room_name, "),
    ({"ttl": 99999}, "'ttl': no such key"),
    ({"video": {"roomAdmin": True}}, "'video': no such key"),
    ({"room_config": "x"}, "room_config: expected an object, got a string"),
    ({"room_config": {"nonsense": 1}}, "room_config: not a LiveKit RoomConfiguration"),
    ({"room_config": {"max_participants": 9}}, "room_config.max_participants: callers can't"),
    ({"room_config": {"maxParticipants": 9}}, "room_config.max_participants: callers can't"),
    ({"room_config": {"egress": {"room": {}}}}, "room_config.egress: callers can't"),
    ({"room_config": {"metadata": "x"}}, "room_config.metadata: callers can't"),
    (
        {"room_config": {"agents": [{"agent_name": "other"}]}},
        "room_config.agents.agent_name: no such",
    ),
    (
        {"room_config": {"agents": [{"metadata": "x"}]}},
        "room_config.agents.metadata: callers can't",
    ),
    ([], "expected a JSON object, got a list"),
    ("x", "expected a JSON object, got a string"),
    (3, "expected a JSON object, got a number"),
]


@pytest.mark.parametrize(("body", "message"), BAD, ids=lambda value: str(value)[:50])
async def test_what_is_wrong_is_named(site: Site, body: object, message: str) -> None:
    status, answer, _ = await site.token(
        body,
        data=json.dumps(body),
        json=None,
        headers={**site.own, "Content-Type": "application/json"},
    )
    assert (status, answer["error"]) == (400, "bad_request")
    assert answer["message"].startswith(message)
    assert "\n" not in answer["message"]


@pytest.mark.parametrize(
    "data",
    [
        b"{",
        b"not json",
        b'{"room_name": "a"',
        b"\xff\xfe",
        b'{"room_name": "\xc3"}',
        b"[" * 16_000,
        b'{"a":' * 3_000,
        b'{"room_config": {"agents": ' + b"[" * 900 + b"]" * 900 + b"}}",
        "{}".encode("utf-16"),
        b"\x00",
    ],
    ids=lambda data: repr(data[:20]),
)
async def test_malformed_bodies(site: Site, data: bytes) -> None:
    async with site.http.post(
        "/api/token", data=data, headers={**site.own, "Content-Type": "application/json"}
    ) as r:
        answer = await r.json()
    assert (r.status, answer["error"]) == (400, "bad_request")
    assert "\n" not in answer["message"] and len(answer["message"]) < 200


async def test_the_agent_that_answers_is_called(start: Start) -> None:
    site = await start(calls={"agent_name": "earshot-1"})
    for body in (
        None,
        {"room_config": {"agents": [{"agent_name": "earshot-1"}]}},
        {"room_config": {"agents": [{"agentName": "earshot-1"}]}},
    ):
        status, answer, _ = await site.token(body)
        assert status == 201
        assert claims_of(answer)["roomConfig"]["agents"] == [{"agentName": "earshot-1"}]
    status, answer, _ = await site.token({"room_config": {"agents": [{"agent_name": "other"}]}})
    assert status == 400
    assert "only 'earshot-1' answers here" in answer["message"]
