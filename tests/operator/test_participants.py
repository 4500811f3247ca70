"""`earshot participant …`, `track …`, `data …`, `rpc …` against a real livekit-server."""

import asyncio

from livekit import api, rtc

from .conftest import Earshot, joined, until


async def _lists(earshot: Earshot, room: str) -> bool:
    return "microphone" in (await earshot("track", "list", room)).out


async def test_who_is_in_a_room_and_what_is_known_of_them(
    there: object, earshot: Earshot, server_url: str
) -> None:
    async with joined(server_url, "part-a", "anna", microphone=True):
        await until(lambda: _lists(earshot, "part-a"))
        listed = await earshot("participant", "list", "part-a")
        assert "anna" in listed.out and "microphone" in listed.out
        changed = await earshot(
            "participant", "update", "part-a", "anna", "--name", "Anna", "--attribute", "seat=4",
            "--metadata", "m", "--no-data", "--allow-source", "microphone", "--json",
        )  # fmt: skip
        assert changed.status == 0, changed.err

        async def seen() -> object:
            got = (await earshot("participant", "get", "part-a", "anna", "--json")).json
            return got if got["name"] == "Anna" else None

        anna = await until(seen)
        assert (anna["attributes"], anna["metadata"]) == ({"seat": "4"}, "m")
        permission = anna["permission"]
        assert permission["can_publish"] and not permission["can_publish_data"]
        assert permission["can_publish_sources"] == ["MICROPHONE"]
        people = await earshot("participant", "get", "part-a", "anna")
        assert "attribute seat" in people.out and "can_publish_sources" in people.out
        # what is not named stays
        await earshot("participant", "update", "part-a", "anna", "--hidden")
        again = (await earshot("participant", "get", "part-a", "anna", "--json")).json
        assert again["permission"]["can_publish_sources"] == ["MICROPHONE"]
        nothing = await earshot("participant", "update", "part-a", "anna")
        assert nothing.status == 2 and "nothing to change" in nothing.err
        absent = await earshot("participant", "get", "part-a", "ben")
        assert (absent.status, absent.err) == (
            3,
            "earshot: no 'ben' in room 'part-a'; there: 'anna'\n",
        )


async def test_a_participant_is_removed(there: object, earshot: Earshot, server_url: str) -> None:
    async with joined(server_url, "part-b", "anna") as anna:
        assert (
            "would remove anna"
            in (await earshot("participant", "remove", "part-b", "anna", "--dry-run")).out
        )
        removed = await earshot("participant", "remove", "part-b", "anna", "--yes", "--revoke")
        assert removed.out == "anna: removed\n"
        await until(lambda: not anna.isconnected())


async def test_mute_and_unmute(there: object, earshot: Earshot, server_url: str) -> None:
    async with joined(server_url, "part-c", "anna", microphone=True) as anna:
        muted = asyncio.Event()
        anna.on("track_muted", lambda *_: muted.set())
        # the server lists a track a little after its publisher may use it
        await until(lambda: _lists(earshot, "part-c"))
        done = await earshot("participant", "mute", "part-c", "anna")
        assert done.status == 0 and "microphone" in done.out
        await asyncio.wait_for(muted.wait(), 60)
        refused = await earshot("track", "unmute", "part-c", "microphone")
        assert refused.status == 1 and "enable_remote_unmute" in refused.err
        wrong = await earshot("track", "mute", "part-c", "camera")
        assert wrong.status == 3 and "'camera'" in wrong.err
        assert (await earshot("track", "mute", "part-c", "mic")).status == 0
        assert "yes" in (await earshot("track", "list", "part-c")).out


async def test_subscriptions(there: object, earshot: Earshot, server_url: str) -> None:
    heard: list[str] = []
    async with joined(server_url, "part-d", "ben") as ben:
        ben.on("track_subscribed", lambda *_: heard.append("on"))
        ben.on("track_unsubscribed", lambda *_: heard.append("off"))
        async with joined(server_url, "part-d", "anna", microphone=True):
            await until(lambda: heard == ["on"])
            await until(lambda: _lists(earshot, "part-d"))
            await _unsubscribe_and_back(earshot, heard)


async def _unsubscribe_and_back(earshot: Earshot, heard: list[str]) -> None:
    lost = await earshot("track", "unsubscribe", "part-d", "ben", "microphone")
    assert lost.out == "ben no longer hears microphone of anna\n"
    assert (await earshot("track", "subscribe", "part-d", "ben", "microphone")).status == 0
    # clients are told of both when the track comes back
    await until(lambda: heard[-2:] == ["off", "on"])
    own = await earshot("track", "subscribe", "part-d", "anna", "microphone")
    assert own.status == 3 and "own" in own.err


async def test_data_arrives_where_it_should(
    there: object, earshot: Earshot, server_url: str
) -> None:
    async with (
        joined(server_url, "part-e", "anna") as anna,
        joined(server_url, "part-e", "ben") as ben,
    ):
        got: list[tuple[str, bytes, str]] = []
        anna.on("data_received", lambda p: got.append(("anna", p.data, p.topic)))
        ben.on("data_received", lambda p: got.append(("ben", p.data, p.topic)))
        sent = await earshot(
            "data", "send", "part-e", "--file", "-", "--topic", "t", "--to", "ben", stdin="héllo"
        )
        assert sent.out == "6 bytes to ben\n", sent.err
        await until(lambda: got)
        assert got == [("ben", "héllo".encode(), "t")]
        assert (await earshot("data", "send", "part-e", "to all", "--lossy")).status == 0
        assert (await earshot("data", "send", "part-e", "x", "--to", "eve")).status == 3
        assert (await earshot("data", "send", "part-e", "x" * 16000)).status == 2
        assert (await earshot("data", "send", "part-e")).status == 2


async def test_rpc_from_the_server_and_as_a_participant(
    there: object, earshot: Earshot, server_url: str
) -> None:
    async with joined(server_url, "part-f", "anna") as anna:
        callers = []

        async def greet(data: rtc.RpcInvocationData) -> str:
            callers.append(data.caller_identity)
            if data.payload == "fail":
                raise rtc.RpcError(1234, "no such guest", "data")
            return f"hello {data.payload}"

        anna.local_participant.register_rpc_method("greet", greet)
        for more in ((), ("--as", "operator")):
            said = await earshot("rpc", "call", "part-f", "anna", "greet", "Ben", *more)
            assert (said.status, said.out) == (0, "hello Ben\n"), said
            failed = await earshot("rpc", "call", "part-f", "anna", "greet", "fail", *more)
            assert failed.status == 1 and "no such guest" in failed.err, failed
            unknown = await earshot("rpc", "call", "part-f", "anna", "dance", *more)
            assert unknown.status == 1, unknown
        assert "operator" in callers
        absent = await earshot("rpc", "call", "part-f", "eve", "greet")
        assert absent.status == 3, absent
        absent = await earshot("rpc", "call", "part-f", "eve", "greet", "--as", "operator")
        assert absent.status == 3, absent


async def test_moving_is_said_not_to_be_there(
    there: object, earshot: Earshot, server_url: str
) -> None:
    async with joined(server_url, "part-g", "anna"):
        for verb in ("move", "forward"):
            result = await earshot("participant", verb, "part-g", "anna", "--to", "other")
            assert result.status == 1 and "the open livekit-server" in result.err, result


async def test_dispatches(there: object, earshot: Earshot, server: api.LiveKitAPI) -> None:
    made = await earshot(
        "dispatch", "create", "part-h", "--agent", "helper", "--metadata", "m", "--json"
    )
    assert made.status == 0, made.err
    listed = await earshot("dispatch", "list", "part-h")
    assert "helper" in listed.out and "no worker has it" in listed.out
    one = await earshot("dispatch", "list", "part-h", made.json["id"], "--json")
    assert [d["metadata"] for d in one.json] == ["m"]
    assert (await earshot("dispatch", "list", "part-h", "AD_nothing")).status == 3
    assert (
        "would take back"
        in (await earshot("dispatch", "delete", "part-h", "--agent", "helper", "--dry-run")).out
    )
    gone = await earshot("dispatch", "delete", "part-h", made.json["id"], "--yes")
    assert gone.status == 0, gone.err
    left = await server.agent_dispatch.list_dispatch("part-h")
    # agents without a name are called into every room
    assert {d.agent_name for d in left} <= {""}
    assert (await earshot("dispatch", "delete", "part-h", "--agent", "helper", "--yes")).status == 3
    fresh = await earshot("dispatch", "create", "--new-room", "--agent", "helper", "--json")
    assert fresh.json["room"].startswith("room-")
    await earshot("room", "delete", "part-h", fresh.json["room"], "--yes")
