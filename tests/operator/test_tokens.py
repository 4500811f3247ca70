"""`earshot token …`: what is made, what it says, and what a real server does with it."""

import json
import time
from datetime import timedelta
from pathlib import Path

import aiohttp
import jwt
import pytest
from earshot.operator import grants
from livekit import api

from .conftest import KEY, SECRET, Earshot, joined


async def test_a_token_lets_in_and_says_what_it_allows(
    there: object, earshot: Earshot, server_url: str
) -> None:
    made = await earshot(
        "token", "create", "--room", "tok-a", "--identity", "anna", "--name", "Anna",
        "--attribute", "seat=4", "--metadata", "m", "--allow-source", "microphone",
        "--agent", "helper", "--job-metadata", "told", "--valid-for", "1h30m",
    )  # fmt: skip
    token = made.out.splitlines()[0]
    assert made.out.splitlines()[2:] == [
        "joins room 'tok-a' as 'anna' (Anna)",
        "may publish microphone and nothing else",
        "may hear and see the others",
        "may send data and text",
        "calls agent 'helper' when it opens the room",
        made.out.splitlines()[7],
        f"for {server_url} (key {KEY}, environment)",
    ]
    assert "for 1 h 30 min" in made.out or "for 1 h 29 min" in made.out
    http = server_url.replace("ws", "http", 1)
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{http}/rtc/validate", params={"access_token": token}) as r,
    ):
        assert (r.status, await r.text()) == (200, "success")
    claims = api.TokenVerifier(KEY, SECRET).verify(token)
    assert claims.attributes == {"seat": "4"} and claims.metadata == "m"
    assert claims.room_config and claims.room_config.agents[0].metadata == "told"
    seen = await earshot("token", "inspect", stdin=token)
    assert seen.status == 0 and "verified with the key of environment" in seen.out


async def test_every_grant_of_the_library_can_be_given(there: object, earshot: Earshot) -> None:
    made = await earshot(
        "token", "create", "--room", "r", "--join", "--admin", "--create", "--list", "--egress",
        "--ingress", "--worker", "--destination-room", "d", "--no-publish", "--no-subscribe",
        "--no-data", "--allow-update-metadata", "--subscribe-metrics", "--manage-agent",
        "--hidden", "--recorder", "--sip-admin", "--sip-call",
        "--grant", '{"canPublishSources": ["camera"]}', "--json",
    )  # fmt: skip
    assert made.status == 0, made.err
    claims = made.json["claims"]
    assert set(claims["video"]) == set(grants.names())
    assert claims["sip"] == {"admin": True, "call": True}
    assert claims["sub"].startswith("guest-")
    assert "may not publish" in made.json["allows"]


async def test_a_token_needs_no_address(
    nowhere: Path, earshot: Earshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIVEKIT_API_KEY", KEY)
    monkeypatch.setenv("LIVEKIT_API_SECRET", SECRET)
    for url in (None, "", "not an address"):
        if url is not None:
            monkeypatch.setenv("LIVEKIT_URL", url)
        made = await earshot("token", "create", "--room", "r", "--identity", "i", "--token-only")
        if url == "not an address":  # what is given has to be right
            assert made.status == 2 and "LIVEKIT_URL" in made.err
            monkeypatch.delenv("LIVEKIT_URL")
        else:
            assert made.status == 0, made.err
            claims = api.TokenVerifier(KEY, SECRET).verify(made.out.strip())
            assert (claims.identity, claims.video.room) == ("i", "r")
    seen = await earshot("token", "inspect", "--json", made.out.strip() or _sign({"iss": KEY}))
    assert seen.json["signed_by"] == "environment"
    shown = await earshot("token", "create", "--room", "r")
    assert f"for any server that has the key {KEY} (environment)" in shown.out
    as_json = await earshot("token", "create", "--room", "r", "--json")
    assert as_json.json["url"] == ""
    # a command that asks a server needs to know which
    listed = await earshot("room", "list")
    assert listed.status == 2 and "neither LIVEKIT_URL nor --url" in listed.err
    monkeypatch.delenv("LIVEKIT_API_SECRET")
    half = await earshot("token", "create", "--room", "r")
    assert half.status == 2 and "LIVEKIT_API_KEY is set, but not LIVEKIT_API_SECRET" in half.err


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ((), "what is the token for?"),
        (("--join",), "a room is needed"),
        (("--admin",), "a room is needed"),
        (("--create", "--agent", "x"), "--agent is for who joins"),
        (("--room", "r", "--job-metadata", "x"), "add --agent"),
        (("--room", "r", "--valid-for", "soon"), "90s, 10m"),
        (("--room", "r", "--valid-for", "0s"), "expected 1 to"),
        (("--room", "r", "--attribute", "x"), "KEY=VALUE"),
        (("--room", "r", "--grant", '{"canPublis": true}'), "no grant 'canPublis'"),
        (("--room", "r", "--grant", '{"hidden": "yes"}'), "bool was expected"),
        (("--room", "r", "--json", "--token-only"), "one of them"),
        (("--room", "r", "--no-publish", "--allow-source", "camera"), "contradict"),
    ],
)
async def test_mistakes(
    there: object, earshot: Earshot, args: tuple[str, ...], expected: str
) -> None:
    result = await earshot("token", "create", *args)
    assert (result.status, result.out) == (2, ""), result
    assert expected in result.err and result.err.count("\n") == 1


async def test_the_words_of_a_token_are_what_the_server_does(
    there: object, earshot: Earshot, server_url: str
) -> None:
    made = await earshot("token", "create", "--list", "--token-only")
    token = made.out.strip()
    async with api.LiveKitAPI.with_token(token, server_url) as server:
        await server.room.list_rooms(api.ListRoomsRequest())
        with pytest.raises(api.ServerError):
            await server.room.create_room(api.CreateRoomRequest(name="tok-b"))
    hidden = await earshot(
        "token", "create", "--room", "tok-c", "-i", "ear", "--hidden", "--token-only"
    )
    async with joined(server_url, "tok-c", "anna") as anna:
        from livekit import rtc

        ear = rtc.Room()
        await ear.connect(server_url, hidden.out.strip())
        assert "anna" in ear.remote_participants and not anna.remote_participants
        await ear.disconnect()


def _sign(claims: dict[str, object], secret: str = SECRET, algorithm: str = "HS256") -> str:
    return jwt.encode(claims, secret, algorithm=algorithm)


async def test_what_is_wrong_with_a_token(there: object, earshot: Earshot) -> None:
    now = int(time.time())
    good = {
        "iss": KEY, "sub": "anna", "nbf": now - 600, "exp": now + 600,
        "video": {"roomJoin": True, "room": "r"},
    }  # fmt: skip
    for claims, expected in (
        (good | {"exp": now - 300}, "expired 5 min"),
        (good | {"nbf": now + 300}, "is a clock wrong"),
        ({k: v for k, v in good.items() if k != "exp"}, "never expires"),
        (good | {"sub": ""}, "joins as nobody"),
        (good | {"video": {"roomJoin": True}}, "joins no room"),
        (good | {"video": {"room": "r"}}, "neither join nor administer"),
        (good | {"video": {}}, "no grants"),
        (good | {"video": {"roomJoin": True, "room": "r", "canFly": True}}, "canFly"),
    ):
        seen = await earshot("token", "inspect", _sign(claims))
        assert seen.status == 1 and expected in seen.out, seen
    forged = await earshot("token", "inspect", "--json", _sign(good, "x" * 40))
    assert forged.status == 1 and not forged.json["verified"]
    assert "signature is not that of" in forged.json["problems"][0]
    other = await earshot("token", "inspect", _sign(good | {"iss": "APIother"}))
    assert other.status == 0 and "not verified" in other.out
    fine = await earshot("token", "inspect", "--json", _sign(good))
    assert fine.status == 0 and fine.json["verified"] and fine.json["signed_by"] == "environment"
    none = await earshot("token", "inspect", "hello")
    assert none.status == 2 and "not a token" in none.err


async def test_a_token_of_the_library_is_read(there: object, earshot: Earshot) -> None:
    token = (
        api.AccessToken(KEY, SECRET)
        .with_ttl(timedelta(seconds=30))
        .with_grants(api.VideoGrants(room_list=True))
        .to_jwt()
    )
    seen = await earshot("token", "inspect", f"Bearer {token}", "--json")
    assert seen.json["allows"] == ["lists rooms"] and not seen.json["problems"]


async def test_attributes_and_the_room_from_files(there: Path, earshot: Earshot) -> None:
    (there / "a.json").write_text('{"seat": "4"}')
    (there / "r.json").write_text('{"maxParticipants": 2, "metadata": "m"}')
    made = await earshot(
        "token", "create", "-r", "r", "--attribute-file", "a.json", "--room-config", "r.json",
        "--json",
    )  # fmt: skip
    assert made.json["claims"]["attributes"] == {"seat": "4"}
    assert made.json["claims"]["roomConfig"] == {"maxParticipants": 2, "metadata": "m"}
    (there / "r.json").write_text(json.dumps({"maxPeople": 2}))
    wrong = await earshot("token", "create", "-r", "r", "--room-config", "r.json")
    assert wrong.status == 2 and "maxPeople" in wrong.err
