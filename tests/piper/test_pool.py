import threading
import time

import pytest
from livekit.plugins.piper.errors import ClosedError, OverloadedError
from livekit.plugins.piper.pool import Pool


class Counting:
    """A job of some steps that notes when it is called."""

    def __init__(self, name: str, deadline_s: float, steps: int, log: list[str]) -> None:
        self.name, self.deadline_s, self.steps, self.log = name, deadline_s, steps, log
        self.done = threading.Event()
        self.abandoned = False

    def step(self) -> bool:
        self.log.append(self.name)
        self.steps -= 1
        self.deadline_s += 10.0
        if not self.steps:
            self.done.set()
        return self.steps > 0

    def abandon(self) -> None:
        self.abandoned = True


class Gate(Counting):
    def step(self) -> bool:
        self.done.wait(5)
        return False


def test_the_most_urgent_step_runs_next() -> None:
    pool, log = Pool(workers=1, max_jobs=9), []
    gate = Gate("gate", 0.0, 1, [])
    pool.admit(gate)  # holds the only worker until all are waiting
    jobs = [Counting("late", 15.0, 2, log), Counting("soon", 1.0, 3, log)]
    for job in jobs:
        pool.admit(job)
    gate.done.set()
    assert all(job.done.wait(5) for job in jobs)
    pool.close()
    assert log == ["soon", "soon", "late", "soon", "late"]


def test_refuses_more_than_it_holds_and_after_closing() -> None:
    pool = Pool(workers=1, max_jobs=2)
    gate, waiting = Gate("gate", 0.0, 1, []), Counting("waiting", 1.0, 1, [])
    pool.admit(gate)
    pool.admit(waiting)
    with pytest.raises(OverloadedError):
        pool.admit(Counting("more", 0.0, 1, []))
    threading.Timer(0.05, gate.done.set).start()
    pool.close()
    assert waiting.abandoned or waiting.done.is_set()
    with pytest.raises(ClosedError):
        pool.admit(Counting("late", 0.0, 1, []))


def test_how_long_a_step_is_under_way() -> None:
    pool, gate = Pool(workers=1, max_jobs=9), Gate("gate", 0.0, 1, [])
    assert (pool.queued, pool.stalled_s) == (0, 0.0)
    pool.admit(gate)
    while pool.queued:
        time.sleep(0.001)
    pool.admit(Counting("waiting", 1.0, 1, []))
    time.sleep(0.05)
    assert pool.queued == 1 and 0.04 <= pool.stalled_s < 5
    gate.done.set()
    while pool.queued or pool.stalled_s:
        time.sleep(0.001)
    pool.close()
