"""The thread that owns a context and evaluates the prompts and replies of all callers.

Each step evaluates one batch: the next token of every reply in progress and, under a time
budget, a piece of the prompts that wait. Knows nothing of messages, templates or event loops.
"""

from __future__ import annotations

import math
import threading
import time

from .batch import add, plan, rank
from .cache import KvCache
from .context import ABORTED, NO_SLOT, OK, Context, Row
from .errors import ClosedError, DeadlineError, DecodeError, GenerateError, OverloadedError
from .job import Job, Part
from .log import logger
from .model import Model
from .pace import Pace
from .prompt import common_prefix


class Engine:
    """Runs jobs on one model.

    Args:
        model: The weights; closed with the engine.
        context: Its KV cells; owned by the engine's thread from here on.
        cache: What is in them.
        max_active: Most jobs evaluated at once; others wait.
    """

    def __init__(self, model: Model, context: Context, cache: KvCache, *, max_active: int) -> None:
        self._model = model
        self._context = context
        self._cache = cache
        self._max_active = max_active
        self._pace = Pace()
        self._lock = threading.Lock()
        self._work = threading.Condition(self._lock)
        self._incoming: list[Job] = []
        self._in_flight: list[Part] = []
        self._closing = False
        self._busy_since: float | None = None  # None: the thread waits for work
        self._died = False
        # used by the engine's thread alone
        self._waiting: list[Job] = []
        self._active: list[Job] = []
        self._thread = threading.Thread(target=self._run, name="llama-cpp", daemon=True)
        self._thread.start()

    @property
    def active(self) -> int:
        """Jobs taken and not done, those that wait included."""
        return len(self._incoming) + len(self._waiting) + len(self._active)

    @property
    def queued(self) -> int:
        """Those that wait for a sequence."""
        return len(self._incoming) + len(self._waiting)

    @property
    def stalled_s(self) -> float:
        """How long the step under way has taken so far; infinite when the thread died."""
        since = self._busy_since
        if self._died:
            return math.inf
        return 0.0 if since is None else max(0.0, time.monotonic() - since)

    def submit(self, job: Job) -> None:
        """Takes a job. Callable from any thread.

        Raises:
            ClosedError: The engine was closed.
        """
        with self._work:
            if self._closing:
                raise ClosedError("the generator is closed")
            self._incoming.append(job)
            self._work.notify()

    def cancel(self, job: Job) -> None:
        """Drops a job, in the middle of an evaluation if need be. Callable from any thread."""
        with self._work:
            job.cancelled = True
            if self._in_the_way(job):
                self._context.abort()
            self._work.notify()

    def close(self) -> None:
        """Ends the thread and frees context and model. Blocks shortly. Idempotent."""
        with self._work:
            self._closing = True
            self._context.abort()
            self._work.notify()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _in_the_way(self, job: Job) -> bool:
        """Whether the running evaluation is worth aborting for a cancelled job: not if it is one
        token among those of others, which would all be evaluated again."""
        mine = [part for part in self._in_flight if part.job is job]
        return bool(mine) and (len(self._in_flight) == 1 or mine[0].tokens > 1)

    def _run(self) -> None:
        try:
            self._warm_up()
            while self._collect():
                self._busy_since = time.monotonic()
                self._sweep()
                self._admit()
                self._step()
        except BaseException as e:  # a bug: fail everybody rather than leave them waiting
            logger.exception("the llama.cpp thread died")
            self._died = True
            self._fail_all(DecodeError(f"the engine stopped: {e}"))
            raise
        finally:
            with self._work:
                self._closing = True
            self._fail_all(ClosedError("the generator was closed"))
            self._context.close()
            self._model.close()

    def _fail_all(self, error: GenerateError) -> None:
        with self._work:
            jobs = [*self._incoming, *self._waiting, *self._active]
            self._incoming = []
        for job in jobs:
            self._end(job, error)
        self._waiting, self._active = [], []

    def _warm_up(self) -> None:
        """Touches the weights once, and learns what a step costs."""
        for size in (1, 8, 32):
            rows = [Row(0, i, 0, i == size - 1) for i in range(size)]
            for _ in range(2 if size == 1 else 1):
                started = time.monotonic()
                self._context.clear_abort()
                code = self._context.decode(rows)
                seconds = time.monotonic() - started
                self._context.drop(0)
            if code == OK:
                self._pace.observe(
                    prefill=size if size > 1 else 0, decode=size == 1, seconds=seconds
                )

    def _collect(self) -> bool:
        """Waits for something to do; False when it is time to end."""
        with self._work:
            while not (self._closing or self._incoming or self._waiting or self._active):
                self._busy_since = None
                self._work.wait()
            self._waiting += self._incoming
            self._incoming = []
            return not self._closing

    def _sweep(self) -> None:
        """Ends cancelled and late jobs."""
        now = time.monotonic()
        for job in [*self._waiting, *self._active]:
            if job.cancelled:
                self._end(job, None)
            elif job.deadline is not None and now > job.deadline:
                where = "in the queue" if job.sequence is None else "while generating"
                self._end(job, DeadlineError(f"deadline passed {where}"))
        self._forget_finished()

    def _forget_finished(self) -> None:
        self._waiting = [job for job in self._waiting if not job.finished]
        self._active = [job for job in self._active if not job.finished]

    def _admit(self) -> None:
        """Gives waiting jobs a sequence while there is room: replies first, short ones first."""
        now = time.monotonic()
        self._waiting.sort(key=lambda job: rank(job, len(job.prompt.tokens), now))
        for job in self._waiting:
            self._end_drafts_of(job)
            if len(self._active) >= self._max_active:
                break
            if self._start(job):
                self._active.append(job)
        self._waiting = [job for job in self._waiting if job.sequence is None]
        self._forget_finished()

    def _end_drafts_of(self, job: Job) -> None:
        """Ends warm-ups that the job continues or replaces: it takes over what they have."""
        for draft in self._active:
            if draft.reply is None and draft is not job and not draft.finished:
                same = common_prefix(draft.prompt.tokens, job.prompt.tokens)
                continued = same > job.prompt.head or same == len(draft.prompt.tokens)
                if continued or len(self._active) >= self._max_active:
                    self._end(draft, None)
        self._active = [active for active in self._active if not active.finished]

    def _start(self, job: Job) -> bool:
        owed = sum(
            len(active.pending) + active.reserve - (active.reply.tokens if active.reply else 0)
            for active in self._active
        )
        sequence = self._cache.acquire(
            job.prompt.tokens,
            job.prompt.head,
            job.conversation,
            # the last token gives the logits that a reply begins with
            usable=len(job.prompt.tokens) - (job.reply is not None),
            reserve=owed + job.reserve,
            must=not self._active,
        )
        if sequence is None:
            return False
        job.sequence = sequence
        job.started_at = time.monotonic()
        job.cached = len(sequence.tokens)
        job.pending = job.prompt.tokens[job.cached :]
        if not job.pending:  # a warm-up of what is there
            self._cache.pin(sequence)
            self._end(job, None)
        return True

    def _step(self) -> None:
        parts, rows = plan(self._active, self._pace, self._context.batch_tokens)
        if not rows:
            return
        with self._work:
            if self._closing or any(part.job.cancelled for part in parts):
                return  # the next sweep ends them
            self._in_flight = parts
            self._context.clear_abort()
        started = time.monotonic()
        try:
            code = self._context.decode(rows)
        finally:
            with self._work:
                self._in_flight = []
        if code == OK:
            writing = sum(part.tokens for part in parts if part.job.writing)
            self._pace.observe(
                prefill=len(rows) - writing, decode=writing, seconds=time.monotonic() - started
            )
            for part in parts:
                self._commit(part)
        elif code == NO_SLOT:
            self._find_room(parts)
        elif code == ABORTED:
            for part in parts:
                self._reconcile(part)
        else:
            self._isolate(parts, code)
        self._forget_finished()

    def _commit(self, part: Part) -> None:
        """The part was evaluated: move on, and choose the next token if it is time."""
        job = part.job
        assert job.sequence is not None
        self._cache.extend(job.sequence, job.pending[: part.tokens])
        del job.pending[: part.tokens]
        if job.pending:
            if len(job.sequence.tokens) == job.sequence.halt:
                self._cache.pin(job.sequence)
            return
        if not job.writing:
            self._cache.pin(job.sequence)
        if job.reply is None:
            self._end(job, None)
            return
        if not job.writing:
            job.first_token_at = time.monotonic()
        try:
            job.pending = job.reply.advance(self._context.logits(part.last_row))
        except ValueError as e:
            self._end(job, DecodeError(f"no token can follow ({e})"))
            return
        if job.reply.reason is not None:
            self._end(job, None)

    def _reconcile(self, part: Part) -> None:
        """An evaluation broke off: find out how far this sequence got, to go on from there."""
        job = part.job
        assert job.sequence is not None
        known = len(job.sequence.tokens)
        done = max(self._context.length(job.sequence.id) - known, 0)
        done = min(done, part.tokens)
        if done == len(job.pending):  # its logits are lost: evaluate the last token again
            done -= 1
            self._context.cut(job.sequence.id, known + done)
        if self._context.length(job.sequence.id) != known + done:  # a model that can't be cut
            self._cache.drop(job.sequence)
            job.pending = [*job.prompt.tokens, *job.pending] if not job.writing else []
            self._end(job, DecodeError("an aborted evaluation took the context's state with it"))
            return
        self._cache.extend(job.sequence, job.pending[:done])
        del job.pending[:done]

    def _find_room(self, parts: list[Part]) -> None:
        """No cells for the batch although the count said so: evict, else fail the newest job."""
        if not self._cache.evict_one():
            newest = max((part.job for part in parts), key=lambda job: job.started_at)
            self._end(newest, OverloadedError("no room in the context now"))

    def _isolate(self, parts: list[Part], code: int) -> None:
        """The batch failed: repeat its parts one by one, so that only the culprit fails."""
        for part in parts:
            self._reconcile(part)
        for part in parts:
            job = part.job
            if job.finished or job.cancelled or job.sequence is None:
                continue
            if len(parts) > 1:
                rows: list[Row] = []
                alone: list[Part] = []
                add(job, min(part.tokens, len(job.pending)), alone, rows)
                self._context.clear_abort()
                if self._context.decode(rows) == OK:
                    self._commit(alone[0])
                    continue
            self._cache.drop(job.sequence)
            self._end(job, DecodeError(f"llama_decode failed with {code}"))

    def _end(self, job: Job, error: GenerateError | None) -> None:
        if job.finished:
            return
        job.finished = True
        if job.sequence is not None:
            job.sequence.draft = job.reply is None
            self._cache.release(job.sequence)
        if job.reply is not None:
            job.reply.close()
        job.done(error)
