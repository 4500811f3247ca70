"""`earshot sip …` against a real livekit-server with redis, where trunks and rules are kept."""

import json
from pathlib import Path

import pytest
from livekit import api

from .conftest import KEY, SECRET, Earshot, until


@pytest.fixture
async def trunks(there: Path, earshot: Earshot) -> None:
    """None are left of another test."""
    for noun in ("rule", "trunk"):
        for item in (await earshot("sip", noun, "list", "--json")).json:
            name = item.get("sip_dispatch_rule_id") or item["sip_trunk_id"]
            assert (await earshot("sip", noun, "delete", name, "--yes")).status == 0


async def test_trunks(trunks: None, there: Path, earshot: Earshot) -> None:
    (there / "pass").write_text("hunter2\n")
    made = await earshot(
        "sip", "trunk", "create", "inbound", "--name", "desk", "--number", "+4930123",
        "--allow-address", "10.0.0.0/8", "--auth-user", "u", "--auth-pass-file", "pass",
        "--encryption", "allow", "--header", "X-A=b", "--json",
    )  # fmt: skip
    assert made.status == 0, made.err
    assert made.json["media_encryption"] == "SIP_MEDIA_ENCRYPT_ALLOW"
    assert "hunter2" not in made.out
    twice = await earshot("sip", "trunk", "create", "inbound", "--number", "+4930123")
    assert twice.status == 1 and twice.err.count("\n") == 1, twice
    out = await earshot(
        "sip", "trunk", "create", "outbound", "--name", "out", "--address", "sip.example",
        "--number", "+4930124", "--transport", "tls",
    )  # fmt: skip
    assert out.status == 0, out.err
    listed = await earshot("sip", "trunk", "list")
    assert "desk" in listed.out and "sip.example" in listed.out and "hunter2" not in listed.out
    everything = (await earshot("sip", "trunk", "list", "inbound", "--json")).json
    assert [(t["direction"], t["auth_password"]) for t in everything] == [("inbound", "***")]
    changed = await earshot(
        "sip", "trunk", "update", "desk", "--number", "+4930125", "--metadata", "m", "--json"
    )
    assert changed.status == 0, changed.err
    assert (changed.json["numbers"], changed.json["metadata"]) == (["+4930125"], "m")
    assert changed.json["allowed_addresses"] == ["10.0.0.0/8"]
    moved = await earshot("sip", "trunk", "update", "out", "--address", "b.example", "--json")
    assert moved.json["address"] == "b.example", moved.err
    for args, status, expected in (
        (("create", "inbound", "--name", "x"), 2, "open to everybody"),
        (("create", "outbound", "--address", "h"), 2, "--number"),
        (("create", "inbound", "--number", "1", "--address", "h"), 2, "has no address"),
        (("update", "out", "--allow-number", "1"), 2, "has no allowed_numbers"),
        (("update", "out"), 2, "nothing to change"),
        (("update", "nobody", "--name", "x"), 3, "'nobody'"),
        (("delete", "nobody", "--yes"), 3, "'nobody'"),
    ):
        wrong = await earshot("sip", "trunk", *args)
        assert wrong.status == status and expected in wrong.err, wrong
    assert "would delete" in (await earshot("sip", "trunk", "delete", "out", "--dry-run")).out
    assert (await earshot("sip", "trunk", "delete", "out", "desk", "--yes")).status == 0
    assert "no trunks" in (await earshot("sip", "trunk", "list")).out


async def test_a_request_in_json(trunks: None, earshot: Earshot) -> None:
    text = {"trunk": {"name": "j", "numbers": ["+1"], "allowedNumbers": ["+2"]}}
    made = await earshot(
        "sip", "trunk", "create", "inbound", "--request", "-", "--json", stdin=json.dumps(text)
    )
    assert made.json["allowed_numbers"] == ["+2"], made.err
    wrong = await earshot(
        "sip", "trunk", "create", "inbound", "--request", "-", stdin='{"trunk": {"numers": []}}'
    )
    assert wrong.status == 2 and "did you mean 'numbers'" in wrong.err


async def test_rules(trunks: None, there: Path, earshot: Earshot) -> None:
    (there / "pin").write_text("1234")
    await earshot("sip", "trunk", "create", "inbound", "--name", "desk", "--number", "+4930123")
    made = await earshot(
        "sip", "rule", "create", "--name", "shop", "--direct", "lobby", "--pin-file", "pin",
        "--trunk", "desk", "--agent", "helper", "--agent-metadata", "m", "--json",
    )  # fmt: skip
    assert made.status == 0, made.err
    assert "1234" not in made.out
    listed = await earshot("sip", "rule", "list")
    assert "lobby" in listed.out and "helper" in listed.out and "***" in listed.out
    changed = await earshot("sip", "rule", "update", "shop", "--callee", "c-", "--randomize")
    assert changed.status == 0 and "c-CALLEE_…" in changed.out, changed
    for args, status, expected in (
        (("create",), 2, "where do calls go?"),
        (("create", "--direct", "a", "--caller", "b"), 2, "one of them"),
        (("create", "--direct", "a", "--randomize"), 2, "--callee"),
        (("create", "--direct", "a", "--trunk", "nobody"), 3, "'nobody'"),
        (("update", "shop"), 2, "nothing to change"),
        (("update", "nobody", "--name", "x"), 3, "'nobody'"),
    ):
        wrong = await earshot("sip", "rule", *args)
        assert wrong.status == status and expected in wrong.err, wrong
    assert "would delete" in (await earshot("sip", "rule", "delete", "shop", "--dry-run")).out
    assert (await earshot("sip", "rule", "delete", "shop", "--yes")).status == 0
    assert "no rules" in (await earshot("sip", "rule", "list")).out


async def test_calls(trunks: None, there: Path, earshot: Earshot, server_url: str) -> None:
    await earshot(
        "sip", "trunk", "create", "outbound", "--name", "out", "--address", "h", "--number", "+1"
    )
    start = ("sip", "call", "start", "--trunk", "out", "--to", "+2", "--room", "sip-a")
    would = await earshot(*start, "--ring", "20s", "--longest", "10m", "--wait", "--dry-run")
    assert would.status == 0, would.err
    assert would.json["request"]["ringing_timeout"] == "20s"
    assert would.json["request"]["sip_trunk_id"].startswith("ST_")
    missing = await earshot(*start)
    assert missing.status == 5 and "--profile sip up -d" in missing.err, missing
    for args, status, expected in (
        (("start", "--to", "+2", "--room", "r"), 2, "which way?"),
        (("start", "--trunk", "nobody", "--to", "+2", "--room", "r"), 3, "'nobody'"),
        (("start", "--trunk", "out", "--room", "r"), 2, "--to"),
        (("transfer", "sip-a", "x", "--to", "+49"), 2, "tel:NUMBER"),
        (("transfer", "sip-no", "x", "--to", "tel:+49"), 3, "sip-no"),
        (("end", "sip-no", "x", "--yes"), 3, "sip-no"),
    ):
        wrong = await earshot("sip", "call", *args)
        assert wrong.status == status and expected in wrong.err, wrong


async def test_calls_that_run(there: Path, earshot: Earshot, server_url: str) -> None:
    from livekit import rtc

    token = (
        api.AccessToken(KEY, SECRET)
        .with_identity("sip_+2")
        .with_kind("sip")
        .with_attributes({"sip.phoneNumber": "+2", "sip.callStatus": "active"})
        .with_grants(api.VideoGrants(room_join=True, room="sip-b"))
    )
    phone = rtc.Room()
    await phone.connect(server_url, token.to_jwt())
    try:

        async def listed() -> bool:
            return "+2" in (await earshot("sip", "call", "list", "--room", "sip-b")).out

        await until(listed)
        assert "active" in (await earshot("sip", "call", "list")).out
        missing = await earshot("sip", "call", "transfer", "sip-b", "sip_+2", "--to", "tel:+3")
        assert missing.status in (1, 5) and missing.err.count("\n") == 1, missing
        assert (
            "would hang up"
            in (await earshot("sip", "call", "end", "sip-b", "sip_+2", "--dry-run")).out
        )
        assert (await earshot("sip", "call", "end", "sip-b", "sip_+2", "--yes")).status == 0
        await until(lambda: not phone.isconnected())
    finally:
        await phone.disconnect()
