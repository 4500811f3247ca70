"""`earshot room …` against a real livekit-server with redis."""

from livekit import api

from .conftest import Earshot, joined


async def test_create_list_show_update_delete(
    there: object, earshot: Earshot, server: api.LiveKitAPI
) -> None:
    made = await earshot(
        "room", "create", "rooms-a", "--metadata", "[red]\x1b[31mfloor 2", "--empty-timeout", "7m",
        "--max-participants", "4", "--agent", "helper", "--json",
    )  # fmt: skip
    assert made.status == 0, made.err
    assert (made.json["name"], made.json["empty_timeout"], made.json["max_participants"]) == (
        "rooms-a", 420, 4,
    )  # fmt: skip
    assert isinstance(made.json["creation_time"], int)

    listed = await earshot("room", "list", "rooms-a")
    assert "rooms-a" in listed.out
    # a room's metadata is text, neither markup nor a command to the terminal
    assert "[red]\\x1b[31mfloor 2" in listed.out
    assert [room["name"] for room in (await earshot("room", "list", "--json", "rooms-a")).json] == [
        "rooms-a"
    ]

    assert (await earshot("room", "update", "rooms-a", "--metadata", "floor 3")).status == 0
    shown = await earshot("room", "show", "rooms-a", "--json")
    assert shown.json["metadata"] == "floor 3"
    assert [d["agent_name"] for d in shown.json["dispatches"]] == ["helper"]
    assert "agents called" in (await earshot("room", "show", "rooms-a")).out

    would = await earshot("room", "delete", "rooms-a", "--dry-run")
    assert (would.status, would.out) == (0, "would end rooms-a (0 in it)\n")
    unasked = await earshot("room", "delete", "rooms-a")
    assert unasked.status == 2 and "--yes" in unasked.err
    assert (await earshot("room", "delete", "rooms-a", "--yes")).out == "rooms-a: ended\n"
    assert not (await server.room.list_rooms(api.ListRoomsRequest(names=["rooms-a"]))).rooms


async def test_a_room_is_ended_with_who_is_in_it(
    there: object, earshot: Earshot, server_url: str
) -> None:
    async with joined(server_url, "rooms-b", "anna") as anna:
        would = await earshot("room", "delete", "rooms-b", "--dry-run")
        assert "1 in it" in would.out
        assert (await earshot("room", "delete", "rooms-b", "--yes")).status == 0
        from .conftest import until

        await until(lambda: not anna.isconnected())


async def test_what_is_not_there(there: object, earshot: Earshot) -> None:
    for command in (
        ("room", "show", "no-such"),
        ("room", "update", "no-such", "--metadata", "x"),
        ("room", "delete", "no-such", "--yes"),
        ("participant", "list", "no-such"),
        ("track", "list", "no-such"),
        ("data", "send", "no-such", "x"),
        ("dispatch", "list", "no-such"),
    ):
        result = await earshot(*command)
        assert (result.status, result.out) == (3, ""), (command, result)
        assert result.err.count("\n") == 1 and result.err.startswith("earshot: "), result.err


async def test_a_request_in_json_is_checked_before_it_is_sent(
    there: object, earshot: Earshot
) -> None:
    made = await earshot(
        "room", "create", "--request", "-", "--json", "--max-participants", "3",
        stdin='{"name": "rooms-c", "maxParticipants": 9, "departureTimeout": 33}',
    )  # fmt: skip
    assert (made.json["max_participants"], made.json["departure_timeout"]) == (3, 33)
    await earshot("room", "delete", "rooms-c", "--yes")
    for text, expected in (
        ('{"name": "x", "maxParticipant": 9}', "no field 'maxParticipant'; did you mean"),
        ('{"name": "x", "max_participants": "many"}', "max_participants"),
        ('{"name": "x", "agents": [{"agentNam": "y"}]}', "agents[0].agentNam"),
        ('{"name": "x",}', "line 1, column 14"),
        ("[]", "a JSON object"),
        ("{}", "name is missing"),
    ):
        result = await earshot("room", "create", "--request", "-", stdin=text)
        assert result.status == 2 and expected in result.err, result.err
        assert result.err.count("\n") == 1
