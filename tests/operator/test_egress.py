"""`earshot egress …` and `ingress …`: requests, and what is said without redis or the service."""

import json
from pathlib import Path

import pytest

from .conftest import Earshot, joined, publish, until


async def test_a_request_of_every_kind(there: Path, earshot: Earshot, server_url: str) -> None:
    async with joined(server_url, "eg-a", "anna") as anna:
        sid = await publish(anna)

        async def listed() -> bool:
            return sid in (await earshot("track", "list", "eg-a")).out

        await until(listed)

        async def would(*args: str, stdin: str = "") -> tuple[str, dict[str, object]]:
            result = await earshot("egress", "start", *args, "--dry-run", stdin=stdin)
            assert result.status == 0, result.err
            filled = {k: v for k, v in result.json["request"].items() if v}
            return result.json["would_start"], filled

        kind, request = await would(
            "room", "--room", "eg-a", "--file", "/out/a.ogg", "--audio-only", "--layout", "grid",
            "--stream", "rtmp://h/live", "--segments", "/out/hls/a", "--images", "/out/i",
            "--preset", "H264_1080P_30", "--no-manifest",
        )  # fmt: skip
        assert kind == "RoomCompositeEgressRequest" and request["audio_only"] is True
        assert request["file_outputs"][0]["file_type"] == "OGG"  # type: ignore[index]
        assert request["segment_outputs"][0]["playlist_name"] == "a.m3u8"  # type: ignore[index]
        kind, request = await would(
            "track", "--room", "eg-a", "--track", "microphone", "--websocket", "ws://h"
        )
        assert (kind, request["track_id"]) == ("TrackEgressRequest", sid)
        kind, request = await would(
            "tracks", "--room", "eg-a", "--audio-track", "mic", "--file", "/a.mp4"
        )
        assert request["audio_track_id"] == sid
        kind, _ = await would(
            "participant", "--room", "eg-a", "--identity", "anna", "--file", "/a.mp4"
        )
        assert kind == "ParticipantEgressRequest"
        kind, _ = await would("web", "--page", "http://h/", "--file", "/a.mp4")
        assert kind == "WebEgressRequest"
        text = {"roomName": "eg-a", "outputs": [{"file": {"filepath": "/a.mp4"}}]}
        kind, _ = await would("any", "--request", "-", stdin=json.dumps(text))
        assert kind == "StartEgressRequest"
        secret = {"fileOutputs": [{"filepath": "a", "s3": {"accessKey": "AK", "secret": "S3CRET"}}]}
        _, request = await would("room", "--room", "r", "--request", "-", stdin=json.dumps(secret))
        assert "S3CRET" not in json.dumps(request)


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (("room",), "room_name is missing: give --room"),
        (("room", "--room", "r"), "where to?"),
        (("room", "--room", "r", "--file", "a.avi"), ".mp4, .ogg or .mp3"),
        (("room", "--room", "r", "--stream", "http://h"), "rtmp://"),
        (("room", "--room", "r", "--identity", "x", "--file", "a.mp4"), "has no identity"),
        (("room", "--room", "r", "--websocket", "ws://h"), "--websocket is not for"),
        (("track", "--room", "r", "--track", "TR_a", "--stream", "rtmp://h"), "--stream is not"),
        (("tracks", "--room", "r", "--file", "a.mp4"), "what is recorded?"),
        (("room", "--room", "r", "--audio-only", "--video-only", "--file", "a"), "one of them"),
        (("participant", "--room", "r", "--file", "a.mp4"), "give --identity"),
    ],
)
async def test_a_wrong_request_is_not_sent(
    there: Path, earshot: Earshot, args: tuple[str, ...], expected: str
) -> None:
    result = await earshot("egress", "start", *args)
    assert (result.status, result.out) == (2, ""), result
    assert expected in result.err and result.err.count("\n") == 1, result.err


EGRESS = ("egress", "start", "room", "--room", "eg-b", "--file", "/out/a.ogg")
INGRESS = ("ingress", "create", "rtmp", "--room", "r", "--identity", "i")
URL = ("ingress", "create", "url", "--from", "http://h/a", "--room", "r", "--identity", "i")


async def test_the_part_that_is_missing_is_named(
    there: Path, earshot: Earshot, lone_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("earshot.cli.egress.START_TIMEOUT_S", 1.0)
    await earshot("room", "create", "eg-b")
    for command, cure in ((EGRESS, "--profile egress up -d"), (URL, "livekit/ingress")):
        result = await earshot(*command)
        assert result.status == 5 and result.err.count("\n") == 1, result
        assert "service answers" in result.err and cure in result.err
    await earshot("room", "delete", "eg-b", "--yes")
    await earshot("room", "create", "eg-b", "--url", lone_url)
    for command, cure in (
        (EGRESS, "--profile egress"),
        (("egress", "list"), "--profile egress"),
        (INGRESS, "livekit/ingress"),
        (("ingress", "list"), "livekit/ingress"),
        (("sip", "trunk", "list"), "--profile sip"),
        (("sip", "rule", "list"), "--profile sip"),
    ):
        result = await earshot(*command, "--url", lone_url)
        assert result.status == 5, (command, result)
        # its start can't tell a service that is missing from a redis that is
        assert ("without redis" in result.err) == (command != EGRESS), result.err
        assert "redis" in result.err and cure in result.err


async def test_what_is_not_recorded(there: Path, earshot: Earshot) -> None:
    assert "nothing is recorded" in (await earshot("egress", "list", "--room", "eg-c")).out
    assert (await earshot("egress", "list", "--active", "--json")).json == []
    assert "nothing is recorded" in (await earshot("egress", "stop", "--room", "eg-c")).out
    for command in (
        ("stop", "EG_nothing"),
        ("layout", "EG_nothing", "grid"),
    ):
        result = await earshot("egress", *command)
        assert result.status == 3, (command, result)
    assert (await earshot("egress", "stop")).status == 2
    assert (await earshot("egress", "stream", "EG_x")).status == 2


async def test_ingress(there: Path, earshot: Earshot) -> None:
    made = await earshot(
        "ingress", "create", "rtmp", "--room", "in-a", "--identity", "camera", "--name", "desk",
        "--json",
    )  # fmt: skip
    assert made.status == 0, made.err
    key, ingress = made.json["stream_key"], made.json["ingress_id"]
    assert key and made.json["url"] == "rtmp://127.0.0.1:1935/x"
    listed = await earshot("ingress", "list", "--room", "in-a")
    assert "desk" in listed.out and key not in listed.out
    assert key not in (await earshot("ingress", "list", "--json", "--id", ingress)).out
    assert key in (await earshot("ingress", "list", "--secrets")).out
    changed = await earshot("ingress", "update", ingress, "--name", "door", "--json")
    assert changed.status == 0 and changed.json["name"] == "door", changed.err
    assert "would end" in (await earshot("ingress", "delete", ingress, "--dry-run")).out
    assert (await earshot("ingress", "delete", ingress, "--yes")).status == 0
    gone = await earshot("ingress", "delete", ingress, "--yes")
    assert gone.status == 3, gone
    assert (await earshot("ingress", "update", "IN_nothing", "--name", "x")).status == 3
    for args, expected in (
        ((), "rtmp, whip or url"),
        (("rtmp", "--room", "r"), "--identity"),
        (("url", "--room", "r", "--identity", "i"), "--from"),
        (("url", "--from", "ftp://h", "--room", "r", "--identity", "i"), "srt://"),
        (("whip", "--from", "http://h", "--room", "r", "--identity", "i"), "is for `url`"),
    ):
        wrong = await earshot("ingress", "create", *args)
        assert wrong.status == 2 and expected in wrong.err, wrong
    person = await earshot("ingress", "create", "whip", "--room", "in-b", "--identity", "c")
    assert "stream key" in person.out
    await earshot("ingress", "delete", person.out.split()[1], "--yes")
