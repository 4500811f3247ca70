"""Order, replacement, cancelling and limits, with jobs that wait for the test."""

import threading
import time
from concurrent.futures import CancelledError, Future
from typing import Any

import pytest
from livekit.plugins.faster_whisper.errors import ClosedError, OverloadedError, SupersededError
from livekit.plugins.faster_whisper.scheduler import Scheduler, Stopped

WAIT_S = 5.0


class Gate:
    """A job that holds the only worker until it is opened."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.open = threading.Event()
        self.stopped: bool | None = None

    def __call__(self, stopped: Stopped) -> str:
        self.entered.set()
        assert self.open.wait(WAIT_S)
        self.stopped = stopped()
        return "gate"


@pytest.fixture
def scheduler() -> Any:
    made = Scheduler("test", workers=1, limit=3)
    yield made
    made.close()
    assert made.join(WAIT_S)


def hold(scheduler: Scheduler, group: str = "holder", **options: Any) -> tuple[Gate, Future[Any]]:
    gate = Gate()
    future = scheduler.submit("gate", gate, group=group, priority=0, **options)
    assert gate.entered.wait(WAIT_S)
    return gate, future


def put(s: Scheduler, key: str, log: list[str], priority: int, **options: Any) -> Future[Any]:
    options.setdefault("group", key)
    return s.submit(key, lambda stopped: log.append(key), priority=priority, **options)


def test_the_most_urgent_goes_first_then_the_first_to_come(scheduler: Scheduler) -> None:
    gate, _ = hold(scheduler)
    log: list[str] = []
    futures = [put(scheduler, *k) for k in (("p", log, 2), ("f1", log, 0), ("f2", log, 0))]
    gate.open.set()
    for f in futures:
        f.result(WAIT_S)
    assert log == ["f1", "f2", "p"]


def test_a_newer_replaceable_job_takes_the_place_of_the_waiting_one(scheduler: Scheduler) -> None:
    gate, _ = hold(scheduler)
    log: list[str] = []
    old = put(scheduler, "old", log, 2, group="call", replaceable=True)
    new = put(scheduler, "new", log, 2, group="call", replaceable=True)
    other = put(scheduler, "other", log, 2, group="another call", replaceable=True)
    with pytest.raises(SupersededError):
        old.result(WAIT_S)
    gate.open.set()
    new.result(WAIT_S)
    other.result(WAIT_S)
    assert log == ["new", "other"]


def test_an_urgent_job_stops_the_running_replaceable_one_of_its_group(
    scheduler: Scheduler,
) -> None:
    gate, partial = hold(scheduler, group="call", replaceable=True)
    log: list[str] = []
    final = put(scheduler, "final", log, 0, group="call")
    with pytest.raises(SupersededError):
        partial.result(WAIT_S)
    gate.open.set()
    final.result(WAIT_S)
    assert gate.stopped is True


def test_a_cancelled_job_never_runs(scheduler: Scheduler) -> None:
    gate, _ = hold(scheduler)
    log: list[str] = []
    gone, kept = put(scheduler, "gone", log, 0), put(scheduler, "kept", log, 0)
    assert gone.cancel()
    gate.open.set()
    kept.result(WAIT_S)
    with pytest.raises(CancelledError):
        gone.result(WAIT_S)
    assert log == ["kept"]


def test_a_running_job_is_told_to_stop_when_its_last_waiter_leaves(scheduler: Scheduler) -> None:
    gate, first = hold(scheduler)
    second = scheduler.submit("gate", gate, group="holder", priority=0)
    first.cancel()
    second.cancel()
    log: list[str] = []
    after = put(scheduler, "after", log, 0)
    gate.open.set()
    after.result(WAIT_S)
    assert gate.stopped is True


def test_the_same_key_joins_and_raises_the_priority(scheduler: Scheduler) -> None:
    gate, _ = hold(scheduler)
    log: list[str] = []
    early = put(scheduler, "same", log, 2)
    other = put(scheduler, "other", log, 1)
    late = put(scheduler, "same", log, 0)
    early.cancel()
    gate.open.set()
    late.result(WAIT_S)
    other.result(WAIT_S)
    assert log == ["same", "other"]


def test_a_full_queue_refuses_its_equals_and_makes_room_for_the_urgent(
    scheduler: Scheduler,
) -> None:
    gate, _ = hold(scheduler)
    log: list[str] = []
    waiting = [put(scheduler, f"p{i}", log, 2) for i in range(3)]
    with pytest.raises(OverloadedError):
        put(scheduler, "p3", log, 2)
    final = put(scheduler, "final", log, 0)
    with pytest.raises(OverloadedError):
        waiting[-1].result(WAIT_S)
    gate.open.set()
    final.result(WAIT_S)
    waiting[1].result(WAIT_S)
    assert log == ["final", "p0", "p1"]


def test_a_failing_job_fails_alone(scheduler: Scheduler) -> None:
    def fail(stopped: Stopped) -> None:
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        scheduler.submit("a", fail, group="a", priority=0).result(WAIT_S)
    log: list[str] = []
    put(scheduler, "b", log, 0).result(WAIT_S)
    assert log == ["b"]


def test_closing_ends_what_waits_and_what_runs() -> None:
    scheduler = Scheduler("test", workers=1, limit=3)
    gate, running = hold(scheduler)
    waiting = put(scheduler, "w", [], 0)
    scheduler.close()
    for future in (running, waiting):
        with pytest.raises(ClosedError):
            future.result(WAIT_S)
    with pytest.raises(ClosedError):
        put(scheduler, "late", [], 0)
    gate.open.set()
    assert scheduler.join(WAIT_S)
    assert gate.stopped is True


def test_what_is_under_way_and_for_how_long(scheduler: Scheduler) -> None:
    assert (scheduler.active, scheduler.queued, scheduler.stalled_s) == (0, 0, 0.0)
    gate, held = hold(scheduler)
    waiting = put(scheduler, "waiting", [], 2)
    assert (scheduler.active, scheduler.queued) == (2, 1)
    time.sleep(0.05)
    assert 0.05 <= scheduler.stalled_s < WAIT_S
    held.cancel()
    assert scheduler.active == 2  # it has not come back yet
    gate.open.set()
    waiting.result(WAIT_S)
    while scheduler.active:
        time.sleep(0.001)
    assert scheduler.stalled_s == 0.0
