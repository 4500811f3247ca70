"""What facts become of, in whatever order they come."""

import itertools
import stat
import time
from pathlib import Path

import pytest
from earshot.calls import query, schema
from earshot.calls.facts import Alive, HungUp, Joined
from earshot.calls.store import Store
from earshot.errors import CallLogError

from .conftest import BEGAN, agent, ended, joined, kept, left, room, turn


def test_a_call(store: Store, path: Path) -> None:
    told = [turn(number=n, ms=float(100 * n), interrupted=n == 3) for n in range(1, 5)]
    told[1] = turn(number=2, ms=200.0, tools=["clock", "clock", "timer"])
    greeting = turn(number=9, ms=None, asked=False)
    store.write([room(), joined(), agent(), *told, greeting, left(), ended()])
    (call,) = kept(path)
    assert (call.id, call.room, call.began_at) == ("RM_1", "room-RM_1", BEGAN)
    assert (call.running, call.how_ended, call.who) == (False, "caller left", ["Anna"])
    assert (call.turns, call.interruptions) == (4, 1)
    assert call.tools == {"clock": 2, "timer": 1}
    assert call.latency_ms["voice_to_voice"] == query.Spread(250.0, 400.0)


def test_any_order_and_everything_twice(tmp_path: Path) -> None:
    facts = [room(), joined(), agent(), turn(), left()]
    seen = set()
    for number, order in enumerate(itertools.permutations(facts)):
        path = schema.path_in(tmp_path / str(number % 7))
        db = schema.open_to_write(path)
        other = [type(f)(**{**f.__dict__, "call": f"RM_{number}"}) for f in [*order, *order[::2]]]
        Store(db).write([*other, type(ended())(**{**ended().__dict__, "call": f"RM_{number}"})])
        db.close()
        (call,) = [c for c in kept(path) if c.id == f"RM_{number}"]
        seen.add((call.began_at, call.how_ended, call.turns, tuple(call.who), call.running))
    assert seen == {(BEGAN, "caller left", 1, ("Anna",), False)}


def test_two_rooms_at_once(store: Store, path: Path) -> None:
    store.write(
        [joined("RM_1"), joined("RM_2", BEGAN + 5, identity="berta", name=""), agent("RM_2")]
    )
    store.write([left("RM_1"), ended("RM_1"), turn("RM_2")])
    second, first = kept(path)
    assert (first.id, first.how_ended, first.who) == ("RM_1", "unanswered", ["Anna"])
    assert (second.id, second.running, second.turns, second.who) == ("RM_2", True, 1, ["berta"])
    assert [c.id for c in kept(path, identity="berta")] == ["RM_2"]
    assert [c.id for c in kept(path, since=BEGAN + 1)] == ["RM_2"]
    assert [c.id for c in kept(path, until=BEGAN + 1)] == ["RM_1"]


@pytest.mark.parametrize(
    ("facts", "how"),
    [
        ([agent(), left(why="connection_timeout")], "connection lost"),
        ([agent(), left(why="participant_removed")], "removed"),
        ([agent(), HungUp("RM_1", "r", BEGAN, "silence"), left(why="room_deleted")], "silence"),
        ([HungUp("RM_1", "r", BEGAN, "longest"), left(why="room_deleted")], "longest"),
        ([agent(), left(why="room_deleted"), ended(why="api_delete")], "closed"),
        ([agent(), ended(why="")], "closed"),
        ([left()], "unanswered"),
    ],
)
def test_how_it_ended(store: Store, path: Path, facts: list[Joined], how: str) -> None:
    store.write([joined(), *facts])
    assert kept(path)[0].how_ended == how


def test_who_comes_back_is_one_caller(store: Store, path: Path) -> None:
    store.write([joined(), agent(), left(at=BEGAN + 10)])
    assert not kept(path)[0].running
    store.write([joined(sid="PA_2", joined_at=BEGAN + 12)])
    (call,) = kept(path)
    assert (call.running, call.began_at, call.who, len(call.people)) == (
        True, BEGAN, ["Anna"], 2,
    )  # fmt: skip


def test_a_clock_that_is_set_back(store: Store, path: Path) -> None:
    now = time.time()
    clock = [now]
    store = Store(store._db, lambda: clock[0])
    store.write([joined(began_at=now - 5), agent()])
    clock[0] -= 3600
    store.write([left(at=clock[0], began_at=now - 5), ended(at=clock[0] + 1)])
    (call,) = kept(path)
    assert call.duration_s is not None
    assert 5 <= call.duration_s < 60
    # the worker that saw the beginning is gone: no better clock than the server's
    store.write([joined("RM_2", began_at=now)])
    Store(store._db).write([left("RM_2", at=now - 3600, began_at=now)])
    assert kept(path)[0].duration_s == 0.0


def test_all_of_it_told_late(store: Store, path: Path) -> None:
    store.write([joined(), agent(), left(at=BEGAN + 60), ended()])
    assert kept(path)[0].duration_s == pytest.approx(60, abs=2)


def test_a_call_whose_worker_was_killed(store: Store, path: Path) -> None:
    store.write([joined(), agent(), turn(number=30), joined("RM_2")])
    began_again = Store(store._db)
    began_again.write([Alive(frozenset({"RM_2"}), time.monotonic())])
    lost = next(c for c in kept(path) if c.id == "RM_1")
    assert (lost.running, lost.how_ended, lost.duration_s) == (False, "lost", 30.0)
    assert next(c for c in kept(path) if c.id == "RM_2").running
    # it was not lost: the server had only been started anew, too
    began_again.write([turn(number=31)])
    assert next(c for c in kept(path) if c.id == "RM_1").running
    began_again.write([left(at=BEGAN + 40), ended()])
    found = next(c for c in kept(path) if c.id == "RM_1")
    assert (found.how_ended, found.duration_s) == ("caller left", 40.0)


def test_a_worker_that_is_stopped(store: Store, path: Path) -> None:
    now = time.time()
    store.write(
        [joined(began_at=now - 9), agent(), Alive(frozenset(), time.monotonic(), "stopped")]
    )
    (call,) = kept(path)
    assert (call.running, call.how_ended) == (False, "stopped")
    assert call.duration_s is not None and 9 <= call.duration_s < 60
    store.write([turn(at=now)])  # that of the answer which was cut off
    assert not kept(path)[0].running
    # the caller waited for the worker that came after it
    store.write([joined(sid="PA_agent2", agent=True, joined_at=now + 5)])
    assert kept(path)[0].running
    store.write([left(at=now + 10, began_at=now - 9)])
    assert kept(path)[0].how_ended == "caller left"


def test_a_call_that_begins_while_the_server_is_asked(store: Store, path: Path) -> None:
    asked_at = time.monotonic()
    now = time.time() + 1
    store.write([joined(began_at=now), Alive(frozenset(), asked_at - 1)])
    assert kept(path)[0].running


def test_erased_is_gone_and_does_not_come_back(store: Store, path: Path) -> None:
    secret = "erika-mustermann"
    words = {"heard": "my number is 4711", "reply": "noted 4711"}
    store.write([joined(identity=secret, name="Erika"), agent(), turn(**words), joined("RM_2")])
    everything = b"".join(f.read_bytes() for f in path.parent.glob("calls.sqlite*"))
    assert secret.encode() in everything
    store.erase(["RM_1"], time.time())
    assert store.checkpoint()
    store.write([turn(number=2, **words), left(identity=secret), ended()])
    everything = b"".join(f.read_bytes() for f in path.parent.glob("calls.sqlite*"))
    for gone in (secret, "Erika", "4711"):
        assert gone.encode() not in everything
    assert [c.id for c in kept(path)] == ["RM_2"]


def test_what_is_too_old_goes(store: Store, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store.write([joined(f"RM_{n}", BEGAN + n) for n in range(10)])
    monkeypatch.setattr("earshot.calls.store.ERASE_AT_ONCE", 2)
    more = [store.expire(BEGAN + 5, BEGAN + 20) for _ in range(4)]
    assert more == [True, True, False, False]
    assert [c.id for c in kept(path)] == [f"RM_{n}" for n in range(9, 4, -1)]
    monkeypatch.setattr("earshot.calls.store.CALLS_MOST", 2)
    while store.expire(None, BEGAN + 20):
        pass
    assert [c.id for c in kept(path)] == ["RM_9", "RM_8"]


def test_the_files_are_private(store: Store, path: Path) -> None:
    store.write([joined()])
    files = list(path.parent.glob("calls.sqlite*"))
    assert len(files) == 3
    assert {stat.S_IMODE(f.stat().st_mode) for f in files} == {0o600}


def test_a_newer_log_and_a_strangers(path: Path) -> None:
    db = schema.open_to_write(path)
    db.execute("PRAGMA user_version = 2")
    db.close()
    for opened in (schema.open_to_read, schema.open_to_write):
        with pytest.raises(
            CallLogError, match=r"newer Earshot \(version 2 of the log, this one knows 1"
        ):
            opened(path)
    path.unlink()
    import sqlite3

    stranger = sqlite3.connect(path)
    stranger.execute("CREATE TABLE mine(x)")
    stranger.close()
    with pytest.raises(CallLogError, match="not a call log"):
        schema.open_to_write(path)
    path.write_bytes(b"rubbish" * 1000)
    with pytest.raises(CallLogError, match="can't be used"):
        schema.open_to_read(path)
