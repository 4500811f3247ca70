"""Who runs next: a bounded priority queue in front of worker threads.

The native library's own queue is first in, first out and can't cancel, so the order is decided
here and a worker is given one job at a time. Knows nothing of speech: a job is a function.
"""

import itertools
import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from dataclasses import dataclass, field
from typing import Any

from .errors import ClosedError, OverloadedError, SupersededError

Stopped = Callable[[], bool]
"""A job asks it between native calls and returns early (with anything) when it is true."""


@dataclass(eq=False)
class _Job:
    key: str
    group: str
    priority: int
    order: int
    work: Callable[[Stopped], Any]
    replaceable: bool
    waiters: list[Future[Any]] = field(default_factory=list)
    stopped: bool = False
    started_s: float = 0.0

    def finish(self, result: Any = None, error: BaseException | None = None) -> None:
        for waiter in self.waiters:
            try:
                if error is None:
                    waiter.set_result(result)
                else:
                    waiter.set_exception(error)
            except InvalidStateError:
                pass  # cancelled in the meantime


class Scheduler:
    """Runs jobs on its own threads, the smallest priority number first, then in order of arrival.

    Of each group at most one replaceable job waits or runs: a newer job of the group takes its
    place. When the queue is full, the last of the least urgent jobs makes room for a more urgent
    one, else the newcomer is refused.
    """

    def __init__(self, name: str, *, workers: int, limit: int) -> None:
        self._limit = limit
        self._queue: list[_Job] = []
        self._running: list[_Job] = []
        self._orders = itertools.count()
        self._closed = False
        self._changed = threading.Condition()
        self._threads = [
            threading.Thread(target=self._run, name=f"{name}-{i}", daemon=True)
            for i in range(workers)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def active(self) -> int:
        """Jobs that wait or run, native calls in progress included."""
        with self._changed:
            return len(self._queue) + len(self._running)

    @property
    def queued(self) -> int:
        """Those that wait."""
        return len(self._queue)

    @property
    def stalled_s(self) -> float:
        """How long the oldest running job has been running; infinite when no thread is left."""
        with self._changed:
            if not self._closed and not any(thread.is_alive() for thread in self._threads):
                return math.inf
            started_s = min((job.started_s for job in self._running), default=math.inf)
        return max(0.0, time.monotonic() - started_s)

    def submit(
        self,
        key: str,
        work: Callable[[Stopped], Any],
        *,
        group: str,
        priority: int,
        replaceable: bool = False,
    ) -> Future[Any]:
        """Queues `work`, or joins the job of the same key and raises its priority.

        The future may be cancelled at any time. When the last one that waits for a job is, the
        job leaves the queue, or is told to stop.

        Raises:
            OverloadedError: the queue is full of jobs at least as urgent.
            ClosedError: the scheduler was closed.
        """
        future: Future[Any] = Future()
        with self._changed:
            if self._closed:
                raise ClosedError("the transcriber was closed")
            joined = next(
                (j for j in (*self._queue, *self._running) if j.key == key and not j.stopped), None
            )
            ended = self._replace(group, joined)
            if joined is not None:
                joined.priority = min(joined.priority, priority)
                joined.replaceable = joined.replaceable and replaceable
                job = joined
            else:
                ended += self._make_room(priority)
                job = _Job(key, group, priority, next(self._orders), work, replaceable)
                self._queue.append(job)
            job.waiters.append(future)
            self._changed.notify()
        for loser, error in ended:
            loser.finish(error=error)
        future.add_done_callback(lambda f: self._withdraw(job) if f.cancelled() else None)
        return future

    def close(self) -> None:
        """Ends every job with ClosedError; the threads leave after their native call."""
        with self._changed:
            self._closed = True
            jobs = [*self._queue, *self._running]
            self._queue.clear()
            for job in jobs:
                job.stopped = True
            self._changed.notify_all()
        for job in jobs:
            job.finish(error=ClosedError("the transcriber was closed"))

    def join(self, timeout_s: float) -> bool:
        """Waits for the threads after `close`; whether all of them left."""
        for thread in self._threads:
            thread.join(timeout_s)
        return not any(thread.is_alive() for thread in self._threads)

    def _replace(self, group: str, joined: _Job | None) -> list[tuple[_Job, Exception]]:
        ended: list[tuple[_Job, Exception]] = []
        for job in (*self._queue, *self._running):
            if job.group == group and job.replaceable and job is not joined and not job.stopped:
                job.stopped = True
                if job in self._queue:
                    self._queue.remove(job)
                ended.append((job, SupersededError("a newer request took its place")))
        return ended

    def _make_room(self, priority: int) -> list[tuple[_Job, Exception]]:
        if len(self._queue) < self._limit:
            return []
        last = max(self._queue, key=lambda j: (j.priority, j.order))
        full = OverloadedError(f"{self._limit} requests wait already")
        if last.priority <= priority:
            raise full
        self._queue.remove(last)
        last.stopped = True
        return [(last, full)]

    def _withdraw(self, job: _Job) -> None:
        with self._changed:
            if any(not waiter.done() for waiter in job.waiters):
                return
            job.stopped = True
            if job in self._queue:
                self._queue.remove(job)

    def _next(self) -> _Job | None:
        with self._changed:
            while not self._queue and not self._closed:
                self._changed.wait()
            if self._closed:
                return None
            job = min(self._queue, key=lambda j: (j.priority, j.order))
            self._queue.remove(job)
            job.started_s = time.monotonic()
            self._running.append(job)
            return job

    def _run(self) -> None:
        while (job := self._next()) is not None:
            result, error = None, None
            try:
                result = job.work(lambda job=job: job.stopped)  # type: ignore[misc]
            except Exception as e:
                error = e
            with self._changed:
                self._running.remove(job)
                job.stopped = True  # nobody may join it any more
            job.finish(result, error)
            del job, result, error  # or an idle worker would hold the last audio
