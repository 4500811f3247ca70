"""The writer: it never holds anybody up, and what it can't keep it loses with one warning."""

import asyncio
import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import structlog
from earshot.calls import schema
from earshot.calls.facts import HungUp, TurnTold, decode, encode, of_turn, of_webhook
from earshot.calls.keeper import Keeper
from earshot.calls.log import open_log, open_post
from earshot.calls.post import NoPost, Post, address_in, inbox
from earshot.settings import Settings
from earshot.turn import Latency, ToolCall, Turn
from livekit import api

from .conftest import BEGAN, agent, event, joined, kept, left, turn


async def until(ready: Callable[[], object], within_s: float = 20.0) -> None:
    async with asyncio.timeout(within_s):
        while not ready():
            await asyncio.sleep(0.02)


async def test_told_is_kept(path: Path) -> None:
    async with Keeper(path, 0) as keeper:
        assert not path.exists()
        for fact in (joined(), agent(), turn(), left()):
            keeper.tell(fact)
    (call,) = kept(path)
    assert (call.turns, call.how_ended) == (1, "caller left")


async def test_old_calls_go_by_themselves(path: Path) -> None:
    now = time.time()
    async with Keeper(path, 0) as keeper:
        keeper.tell(joined("RM_old", now - 8 * 86400))
        keeper.tell(joined("RM_new", now - 6 * 86400))
    async with Keeper(path, 7):
        await until(lambda: [c.id for c in kept(path)] == ["RM_new"])


async def test_a_broken_file_costs_one_warning(path: Path) -> None:
    path.write_bytes(b"rubbish" * 1000)
    with structlog.testing.capture_logs() as logs:
        async with Keeper(path, 30, try_again_s=0.05) as keeper:
            for _ in range(20):
                keeper.tell(joined())
                await asyncio.sleep(0.01)
            path.unlink()  # somebody mends it
            await asyncio.sleep(0.1)

            def tell() -> bool:
                keeper.tell(joined("RM_2"))
                return bool(path.exists() and kept(path))

            await until(tell)
    assert [log["event"] for log in logs] == [
        "calls go on, but are not logged",
        "calls are logged again",
    ]
    assert "not a database" in logs[0]["why"]


async def test_a_full_disk(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = schema.open_to_write

    def small(where: Path) -> sqlite3.Connection:
        db = opened(where)
        db.execute(f"PRAGMA max_page_count = {db.execute('PRAGMA page_count').fetchone()[0]}")
        return db

    monkeypatch.setattr(schema, "open_to_write", small)
    with structlog.testing.capture_logs() as logs:
        async with Keeper(path, 0, try_again_s=0.05) as keeper:
            for n in range(300):
                keeper.tell(turn(f"RM_{n}", heard="x" * 4000))
                if n % 50 == 0:
                    await asyncio.sleep(0.1)
    assert [log["event"] for log in logs] == ["calls go on, but are not logged"]
    assert "full" in logs[0]["why"]
    db = sqlite3.connect(path)
    assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    db.close()


async def test_a_file_that_is_removed_is_made_anew(path: Path) -> None:
    async with Keeper(path, 0) as keeper:
        keeper.tell(joined())
        await until(lambda: kept(path))
        for file in path.parent.glob("calls.sqlite*"):
            file.unlink()
        keeper.tell(joined("RM_2"))
        await until(lambda: [c.id for c in kept(path)] == ["RM_2"])


async def test_a_newer_log_is_left_alone(path: Path) -> None:
    db = schema.open_to_write(path)
    db.execute("PRAGMA user_version = 9")
    db.close()
    with structlog.testing.capture_logs() as logs:
        async with Keeper(path, 30, try_again_s=0.01) as keeper:
            for _ in range(5):
                keeper.tell(joined())
                await asyncio.sleep(0.05)
    assert [log["event"] for log in logs] == ["calls go on, but are not logged"]
    assert "newer Earshot" in logs[0]["why"]


async def test_a_disk_that_hangs_holds_nobody_up(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("earshot.calls.keeper.CLOSE_WITHIN_S", 0.1)
    async with Keeper(path, 0) as keeper:
        keeper.tell(joined())
        await until(lambda: kept(path))
        lock = sqlite3.connect(path, isolation_level=None)
        lock.execute("BEGIN IMMEDIATE")
        with structlog.testing.capture_logs() as logs:
            for n in range(5000):
                keeper.tell(turn(number=n))
        assert [log["why"] for log in logs] == ["the disk is too slow"]
        assert keeper._queue.qsize() <= 2000
        lock.execute("ROLLBACK")
        lock.close()
        await until(lambda: not keeper._queue.qsize())


def test_webhooks_as_facts() -> None:
    person = api.ParticipantInfo(
        sid="PA_1", identity="anna", name="Anna", joined_at_ms=1_700_000_001_000
    )
    (came,) = of_webhook(event("participant_joined", participant=person))
    assert came == joined(joined_at=BEGAN + 1)
    person.disconnect_reason = api.DisconnectReason.CLIENT_INITIATED
    (went,) = of_webhook(event("participant_left", participant=person))
    assert (went.identity, went.why) == ("anna", "client_initiated")  # type: ignore[union-attr]
    (over,) = of_webhook(event("room_finished", room_end_reason=1))
    assert over.why == "api_delete"  # type: ignore[union-attr]
    # a newer server's reason, a track, no room, and a room in which the page checks its connection
    (odd,) = of_webhook(event("room_finished", room_end_reason=99))
    assert odd.why == ""  # type: ignore[union-attr]
    assert of_webhook(event("track_published", participant=person)) == []
    assert of_webhook(api.WebhookEvent(event="egress_started")) == []
    check = event("participant_joined", participant=person)
    check.room.name = "check-1"
    assert of_webhook(check) == []


def test_words_are_left_out_unless_they_are_wanted() -> None:
    heard = Turn(
        3, heard="my secret", reply="is safe", tools=[ToolCall("clock", {"a": "secret"}, 1)]
    )
    heard.latency_ms = Latency(voice_to_voice=300.0)
    told = of_turn(heard, "RM_1", "r", "AJ_1", BEGAN, keep_words=False)
    assert b"secret" not in encode(told)
    assert (told.asked, told.tools, told.latency_ms["voice_to_voice"]) == (True, ["clock"], 300.0)
    kept_words = of_turn(heard, "RM_1", "r", "AJ_1", BEGAN, keep_words=True)
    assert (kept_words.heard, kept_words.reply) == ("my secret", "is safe")
    assert decode(encode(kept_words)) == kept_words


async def test_the_post_outlives_the_worker(tmp_path: Path) -> None:
    # a state folder may be deeper than a socket's name is long
    state = tmp_path / ("deep" * 20) / ("deeper" * 10)
    address = address_in(state)
    assert len(os.fsencode(address)) > 107
    got: list[TurnTold | HungUp] = []
    post = Post(address)
    post.tell(turn(number=1))  # nobody is there yet
    async with inbox(address, got.append):
        await until(lambda: len(got) == 1)
    post.tell(turn(number=2))
    async with inbox(address, got.append):
        for n in range(3, 100):
            post.tell(turn(number=n))
        await until(lambda: len(got) == 99)
        await post.aclose()
    assert [t.turn for t in got if isinstance(t, TurnTold)] == list(range(1, 100))
    assert not address.exists()


async def test_nobody_reads_the_post(tmp_path: Path) -> None:
    post = Post(address_in(tmp_path))
    for n in range(1000):
        post.tell(turn(number=n))
    assert len(post._queue) == 200
    await post.aclose()


async def test_rubbish_in_the_post(tmp_path: Path) -> None:
    import socket

    got: list[object] = []
    address = address_in(tmp_path)
    async with inbox(address, got.append):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            for rubbish in (
                b"",
                b"{",
                b"[]",
                b'{"fact": "Other"}',
                b'{"fact": "TurnTold", "x": 1}',
            ):
                sock.sendto(rubbish, str(address))
            sock.sendto(encode(turn()), str(address))
        await until(lambda: got)
    assert got == [turn()]


async def test_off_means_no_file(tmp_path: Path) -> None:
    settings = Settings.model_validate({"state_dir": tmp_path, "calls": {"enabled": False}})
    async with open_log(settings) as log:
        assert log is None
        post = open_post(settings)
        assert isinstance(post, NoPost)
        post.tell(turn())
        await post.aclose()
    assert list(tmp_path.rglob("*")) == []
