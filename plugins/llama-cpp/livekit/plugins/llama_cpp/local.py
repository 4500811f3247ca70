"""A `Generator` in this process: one GGUF, one KV cache, many callers.

Renders, tokenises and plans on its own small thread pool; the engine's thread only evaluates.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
import weakref
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from pathlib import Path
from typing import Any

from . import variants
from .attempts import answered
from .build import AUTO, choose_build
from .cache import KvCache
from .channel import event_channel
from .context import Context
from .engine import Engine
from .errors import ClosedError, GenerateError, OverloadedError, PromptError
from .fingerprint import fingerprint
from .generator import (
    Done,
    Event,
    GenerateRequest,
    Usage,
    WarmRequest,
)
from .heads import HeadStore
from .job import Job
from .jobs import JobBuilder, deadline
from .log import logger
from .model import Model
from .prompt import PromptBuilder

_SEQUENCES = 32
_BATCH_TOKENS = 512


class LocalGenerator:
    """One model for many callers.

    Args:
        path: A GGUF with a chat template.
        n_ctx: KV cells, shared by all conversations. One conversation uses at most as many, and at
            most what the model was trained for.
        threads: CPU threads; None = one less than this process may use.
        gpu_layers: None = all when llama.cpp was built with GPU support, else none.
        max_active: Requests evaluated at once.
        max_queued: Requests that may wait; more fail at once with OverloadedError.
        pool_bytes: Room for the saved state of conversations that had to leave the KV cache.
        cache_dir: Where the state after instructions and tools is kept, for the first turns of
            other processes; None = nowhere. It holds what the prompt says: keep it private.
        cache_bytes: Most that is kept there; the least recently used goes.
        variant: Which build of llama.cpp's CPU code; `auto` = the best one that survives the model.
        variants_dir: Where it is kept which one that is; None = in the user's cache.

    Raises:
        ModelError: The file can't serve as a model, or not on this processor.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        n_ctx: int = 4096,
        threads: int | None = None,
        gpu_layers: int | None = None,
        max_active: int = 4,
        max_queued: int = 16,
        pool_bytes: int = 256 * 1024 * 1024,
        cache_dir: Path | None = None,
        cache_bytes: int = 256 * 1024 * 1024,
        variant: str = AUTO,
        variants_dir: str | Path | None = None,
    ) -> None:
        started = time.monotonic()
        self.build = choose_build(path, wish=variant, gpu_layers=gpu_layers, cache_dir=variants_dir)
        """Which build of llama.cpp's CPU code runs it, and which were refused."""
        variants.load(self.build.variant)
        model = Model(path, gpu_layers=gpu_layers)
        try:
            builder = PromptBuilder(model)
            context = Context(
                model,
                cells=n_ctx,
                sequences=_SEQUENCES,
                threads=threads or default_threads(),
                batch_tokens=min(_BATCH_TOKENS, n_ctx),
            )
        except BaseException:
            model.close()
            raise
        self._model = model
        limit = min(context.cells, model.trained_context or context.cells)
        self._jobs = JobBuilder(model, builder, limit)
        self._capacity = max_active + max_queued
        self._open = 0
        self._open_lock = threading.Lock()
        heads = None
        if cache_dir is not None:
            key = fingerprint(model, context)
            heads = HeadStore(cache_dir, key=key, max_bytes=cache_bytes)
        cache = KvCache(
            context,
            sequences=_SEQUENCES,
            rewindable=model.rewindable,
            pool_bytes=pool_bytes,
            heads=heads,
        )
        self._engine = Engine(model, context, cache, max_active=max_active)
        self._workers = ThreadPoolExecutor(2, thread_name_prefix="llama-cpp-prompt")
        # llama.cpp must not be left running when the interpreter goes away
        self._finalizer = weakref.finalize(self, _close, self._engine, self._workers, heads)
        logger.info(
            "model ready",
            extra={
                "model": model.name,
                "variant": self.build.variant,
                "context_tokens": limit,
                "seconds": round(time.monotonic() - started, 3),
            },
        )

    @property
    def model(self) -> str:
        return self._model.name

    @property
    def active(self) -> int:
        """Requests taken and not done, those that wait and evaluations in progress included."""
        return self._engine.active

    @property
    def queued(self) -> int:
        """Those that wait for room."""
        return self._engine.queued

    @property
    def stalled_s(self) -> float:
        """How long the evaluation under way has taken so far; infinite when none can run."""
        return self._engine.stalled_s

    async def generate(self, request: GenerateRequest) -> AsyncGenerator[Event, None]:
        """See `Generator.generate`."""
        self._enter()
        try:
            async with aclosing(answered(self._attempt, request)) as events:
                async for event in events:
                    yield event
        finally:
            self._leave()

    async def _attempt(self, request: GenerateRequest, thinks: bool) -> AsyncGenerator[Event, None]:
        """One reply, whatever it is."""
        job: Job | None = None
        try:
            submitted_at = time.monotonic()
            emit, events = event_channel()
            job = await self._in_worker(self._jobs.replying, request, submitted_at, emit, thinks)
            self._engine.submit(job)
            while True:
                item = await events.get()
                if isinstance(item, Exception):
                    raise item
                yield item
                if isinstance(item, Done):
                    return
        finally:
            if job is not None:
                self._engine.cancel(job)

    async def warm(self, request: WarmRequest) -> int:
        """See `Generator.warm`."""
        try:
            self._enter()
        except OverloadedError:
            return 0
        job: Job | None = None
        try:
            submitted_at = time.monotonic()
            emit, events = event_channel()

            def done(error: GenerateError | None) -> None:
                emit(error if error is not None else Done("stop", Usage()))

            prompt = await self._in_worker(self._jobs.prefix, request)
            if not prompt.tokens:
                return 0
            job = Job(
                prompt,
                done,
                conversation=request.conversation,
                deadline=deadline(submitted_at, request.timeout_s),
                submitted_at=submitted_at,
            )
            self._engine.submit(job)
            item = await events.get()
            if isinstance(item, (ClosedError, PromptError)):
                raise item
            return max(len(prompt.tokens) - len(job.pending), 0) if job.started_at else 0
        finally:
            if job is not None:
                self._engine.cancel(job)
            self._leave()

    def close(self) -> None:
        """Frees the model; requests in progress fail with ClosedError. Blocks for some
        milliseconds. Idempotent."""
        self._finalizer()

    async def aclose(self) -> None:
        """As `close`, without blocking the event loop."""
        await asyncio.to_thread(self.close)

    async def _in_worker(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        try:
            future = self._workers.submit(function, *args, **kwargs)
        except RuntimeError as e:
            raise ClosedError("the generator is closed") from e
        return await asyncio.wrap_future(future)

    def _enter(self) -> None:
        """The one door: what can't be served soon is refused at once."""
        with self._open_lock:
            if self._open >= self._capacity:
                raise OverloadedError(f"{self._open} requests are in progress or waiting")
            self._open += 1

    def _leave(self) -> None:
        with self._open_lock:
            self._open -= 1


def default_threads() -> int:
    """One core less than this process may use: speech models need theirs, and two OpenMP pools
    on the same cores ran seven times slower than two of one thread each."""
    if hasattr(os, "sched_getaffinity"):
        return max(len(os.sched_getaffinity(0)) - 1, 1)
    return max((os.cpu_count() or 2) - 1, 1)


def _close(engine: Engine, workers: ThreadPoolExecutor, heads: HeadStore | None) -> None:
    engine.close()
    workers.shutdown(wait=False, cancel_futures=True)
    if heads is not None:
        heads.close()
