"""Recordings, pulled streams and telephone calls, to the end of livekit-server's own part.

Behind it a stand-in takes the place of the egress, ingress and SIP services (`services.py`).
"""

import json
from pathlib import Path

from livekit import api, rtc

from .conftest import KEY, SECRET, Earshot, joined, until
from .services import services


async def test_a_recording_from_start_to_stop(
    there: Path, earshot: Earshot, server_url: str, redis_port: int
) -> None:
    async with services(redis_port) as behind, joined(server_url, "svc-a", "anna"):
        start = ("egress", "start", "room", "--room", "svc-a")
        made = await earshot(*start, "--stream", "rtmp://10.0.0.9/live/k", "--json")
        assert made.status == 0, made.err
        egress = made.json["egress_id"]
        kind, asked = behind.asked[-1]
        assert kind == "room_composite" and list(asked.stream_outputs[0].urls) == [
            "rtmp://10.0.0.9/live/k"
        ]
        listed = await earshot("egress", "list", "--room", "svc-a", "--active")
        assert egress in listed.out and "active" in listed.out
        assert (await earshot("egress", "list", "--id", egress, "--json")).json[0][
            "room_name"
        ] == "svc-a"
        more = await earshot(
            "egress", "stream", egress, "--add", "rtmp://h/b", "--remove", "rtmp://h/a"
        )
        assert more.status == 0, more.err
        assert list(behind.asked[-1][1].add_output_urls) == ["rtmp://h/b"]
        # a layout reaches the recorder in the room as its metadata
        async with joined(server_url, "svc-a", egress, can_update_own_metadata=True) as recorder:

            async def changed() -> bool:
                result = await earshot("egress", "layout", egress, "speaker")
                return result.status == 0 and "speaker" in recorder.local_participant.metadata

            await until(changed)
        stopped = await earshot("egress", "stop", "--room", "svc-a")
        assert stopped.out == f"{egress}: ending\n", stopped.err
        assert behind.asked[-1][0] == "stop"


async def test_the_other_kinds_of_recording(
    there: Path, earshot: Earshot, server_url: str, redis_port: int
) -> None:
    async with services(redis_port) as behind, joined(server_url, "svc-b", "anna"):
        for args, expected in (
            (("participant", "--room", "svc-b", "--identity", "anna"), "participant"),
            (("tracks", "--room", "svc-b", "--audio-track", "TR_a"), "track_composite"),
            (("track", "--room", "svc-b", "--track", "TR_a"), "track"),
            (("web", "--page", "http://10.0.0.8/"), "web"),
            (("any", "--room", "svc-b"), "egress"),
        ):
            made = await earshot("egress", "start", *args, "--file", "/out/a.ogg")
            assert made.status == 0 and made.out.endswith(": active\n"), made
            assert behind.asked[-1][0] == expected
        behind.refuse = ("invalid_argument", "no room for another recording")
        full = await earshot("egress", "start", "web", "--page", "http://h/", "--file", "a.ogg")
        assert (full.status, full.out) == (1, "") and "no room for another" in full.err, full


async def test_a_stream_is_pulled(
    there: Path, earshot: Earshot, server_url: str, redis_port: int
) -> None:
    async with services(redis_port) as behind:
        made = await earshot(
            "ingress", "create", "url", "--from", "http://10.0.0.8/radio.mp3", "--room", "svc-c",
            "--identity", "radio",
        )  # fmt: skip
        assert made.status == 0 and "buffering" in made.out, made
        assert behind.asked[-1][1].url == "http://10.0.0.8/radio.mp3"


async def test_a_telephone_is_called_and_passed_on(
    there: Path, earshot: Earshot, server_url: str, redis_port: int
) -> None:
    trunk = json.dumps({"trunk": {"hostname": "10.0.0.5"}, "sipNumber": "+1"})
    start = ("sip", "call", "start", "--to", "+2", "--room", "svc-d", "--request", "-", "--json")
    async with services(redis_port) as behind:
        made = await earshot(*start, stdin=trunk)
        assert made.status == 0, made.err
        assert made.json["participant_identity"] == "sip_+2"
        assert b"10.0.0.5" in behind.asked[-1][1]
        behind.refuse = ("unavailable", "line is dead")
        dead = await earshot(*start, stdin=trunk)
        assert dead.status == 5 and "line is dead" in dead.err, dead

        token = (
            api.AccessToken(KEY, SECRET)
            .with_identity("sip_+2")
            .with_kind("sip")
            .with_attributes({"sip.callID": "SCL_x"})
            .with_grants(api.VideoGrants(room_join=True, room="svc-d"))
        )
        phone = rtc.Room()
        await phone.connect(server_url, token.to_jwt())
        try:
            passed = await earshot("sip", "call", "transfer", "svc-d", "sip_+2", "--to", "tel:+3")
            assert passed.status == 0, passed.err
            assert b"tel:+3" in behind.asked[-1][1]
        finally:
            await phone.disconnect()
