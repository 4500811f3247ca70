"""Worker threads that always do what is most urgent.

A job is a row of short steps. The step whose deadline comes first runs next, so a call about to run
dry overtakes one with seconds in hand. Knows nothing of speech.
"""

from __future__ import annotations

import heapq
import itertools
import math
import threading
import time
from typing import Protocol

from .errors import ClosedError, OverloadedError


class Job(Protocol):
    deadline_s: float
    """On time.monotonic()'s clock; read after every step."""

    def step(self) -> bool:
        """Does the next piece and says whether to call again. Must not raise."""
        ...

    def abandon(self) -> None:
        """The pool closed before the job was done."""
        ...


class Pool:
    def __init__(self, workers: int, max_jobs: int) -> None:
        self._max_jobs = max_jobs
        self._jobs = 0
        self._heap: list[tuple[float, int, Job]] = []
        self._order = itertools.count()
        self._ready = threading.Condition()
        self._closed = False
        self._since = [math.inf] * workers  # when each thread began its step
        self._threads = [
            threading.Thread(target=self._work, args=(i,), name=f"piper-{i}", daemon=True)
            for i in range(workers)
        ]
        for t in self._threads:
            t.start()

    @property
    def jobs(self) -> int:
        """Jobs admitted and not yet left."""
        return self._jobs

    @property
    def queued(self) -> int:
        """Jobs that wait for a thread."""
        return len(self._heap)

    @property
    def stalled_s(self) -> float:
        """How long the oldest running step has been running; infinite when no thread is left."""
        if not self._closed and not any(thread.is_alive() for thread in self._threads):
            return math.inf
        return max(0.0, time.monotonic() - min(self._since))

    def admit(self, job: Job) -> None:
        """Raises: OverloadedError, ClosedError."""
        with self._ready:
            if self._closed:
                raise ClosedError("the synthesizer is closed")
            if self._jobs >= self._max_jobs:
                raise OverloadedError(f"{self._jobs} requests are waiting, the most there may be")
            self._jobs += 1
            self._push(job)

    def resume(self, job: Job) -> None:
        """Puts a job back whose step had answered False."""
        with self._ready:
            if self._closed:
                job.abandon()
            else:
                self._push(job)

    def leave(self) -> None:
        """A job is over: makes room for another."""
        with self._ready:
            self._jobs -= 1

    def close(self) -> None:
        """Abandons what waits, lets the steps that run end, and joins the threads."""
        with self._ready:
            self._closed = True
            waiting = [job for _, _, job in self._heap]
            self._heap.clear()
            self._ready.notify_all()
        for job in waiting:
            job.abandon()
        for t in self._threads:
            if t is not threading.current_thread():
                t.join()

    def _push(self, job: Job) -> None:
        heapq.heappush(self._heap, (job.deadline_s, next(self._order), job))
        self._ready.notify()

    def _work(self, i: int) -> None:
        while True:
            with self._ready:
                while not self._heap and not self._closed:
                    self._ready.wait()
                if self._closed:
                    return
                _, _, job = heapq.heappop(self._heap)
            self._since[i] = time.monotonic()
            again = job.step()
            self._since[i] = math.inf
            if again:
                self.resume(job)
