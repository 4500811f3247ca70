"""A `Generator` in this process: one GGUF, one KV cache, many callers.

Renders, tokenises and plans on its own small thread pool; the engine's thread only evaluates.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import threading
import time
import weakref
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from .cache import KvCache
from .choice import Choice
from .context import Context
from .engine import Engine
from .errors import ClosedError, GenerateError, OverloadedError, PromptError
from .fields import Fields
from .fingerprint import fingerprint
from .generator import (
    Done,
    Event,
    GenerateRequest,
    ToolDefinition,
    Usage,
    WarmRequest,
)
from .heads import HeadStore
from .job import Job
from .log import logger
from .model import Model
from .parser import ReplyParser
from .prompt import Prompt, PromptBuilder
from .reply import Reply
from .sampler import Sampler

_SEQUENCES = 32
_BATCH_TOKENS = 512
_GRAMMARS = 64
_MAX_REPLY_SHARE = 4  # a reply is promised a quarter of the context at most


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

    Raises:
        ModelError: The file can't serve as a model.
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
    ) -> None:
        started = time.monotonic()
        model = Model(path, gpu_layers=gpu_layers)
        try:
            self._builder = PromptBuilder(model)
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
        self._limit = min(context.cells, model.trained_context or context.cells)
        self._capacity = max_active + max_queued
        self._open = 0
        self._open_lock = threading.Lock()
        self._grammars: OrderedDict[str, str] = OrderedDict()
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
                "context_tokens": self._limit,
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
        job: Job | None = None
        try:
            submitted_at = time.monotonic()
            emit, events = _channel()
            job = await self._in_worker(self._job, request, submitted_at, emit)
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
            self._leave()

    async def warm(self, request: WarmRequest) -> int:
        """See `Generator.warm`."""
        try:
            self._enter()
        except OverloadedError:
            return 0
        job: Job | None = None
        try:
            submitted_at = time.monotonic()
            emit, events = _channel()

            def done(error: GenerateError | None) -> None:
                emit(error if error is not None else Done("stop", Usage()))

            prompt = await self._in_worker(
                self._builder.prefix,
                request.messages,
                request.tools,
                request.heard,
                limit=self._limit - 1,
                head=request.head,
            )
            if not prompt.tokens:
                return 0
            job = Job(
                prompt,
                done,
                conversation=request.conversation,
                deadline=_deadline(submitted_at, request.timeout_s),
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

    def _job(
        self,
        request: GenerateRequest,
        submitted_at: float,
        emit: Callable[[Event | Exception], None],
    ) -> Job:
        """Everything that can be done before the engine: prompt, parser, sampler, grammar."""
        max_tokens = max(request.max_tokens, 1)
        promised = min(max_tokens, self._limit // _MAX_REPLY_SHARE)
        prompt = self._builder.reply(
            request.messages, request.tools, limit=self._limit - promised, head=request.head
        )
        if request.choices or request.reply_schema is not None:
            return self._held(request, prompt, submitted_at, emit, max_tokens)
        prompt = self._going_on(prompt, request.written)
        calls, forced = self._calls(request)
        dialect = self._builder.dialect
        if forced:
            marker = self._model.tokenize(dialect.marker)
            prompt = Prompt([*prompt.tokens, *marker], prompt.head)
        parser = ReplyParser(
            dialect, stop=request.stop, thinking=prompt.thinking, calls=calls is not None
        )
        if forced:
            parser.open_call()
        sampler = Sampler(
            self._model,
            temperature=request.temperature,
            top_k=request.top_k,
            top_p=request.top_p,
            min_p=request.min_p,
            seed=request.seed,
        )
        limit = max(min(max_tokens, self._limit - len(prompt.tokens)), 1)
        reply = Reply(
            self._model,
            dialect,
            sampler,
            parser,
            calls=calls,
            max_tokens=limit,
            parallel_calls=request.parallel_tool_calls,
            emit=emit,
        )
        return _replying(request, prompt, reply, limit, submitted_at, emit)

    def _held(
        self,
        request: GenerateRequest,
        prompt: Prompt,
        submitted_at: float,
        emit: Callable[[Event | Exception], None],
        max_tokens: int,
    ) -> Job:
        """A reply that is held to a few texts, or to a schema."""
        if request.choices:
            if "" in request.choices or len(set(request.choices)) < len(request.choices):
                raise PromptError(f"choices {request.choices!r}, expected different texts")
            prompt = self._going_on(prompt, request.written)
            choice = Choice(self._model, request.choices, bias=request.choice_bias, emit=emit)
            return _replying(request, prompt, choice, max_tokens, submitted_at, emit)
        assert request.reply_schema is not None
        greedy = Sampler(self._model, temperature=0, top_k=0, top_p=1, min_p=0, seed=None)
        fields = Fields(self._model, greedy, request.reply_schema, max_tokens=max_tokens, emit=emit)
        prompt = self._going_on(prompt, request.written + fields.opening)
        return _replying(request, prompt, fields, max_tokens, submitted_at, emit)

    def _going_on(self, prompt: Prompt, written: str) -> Prompt:
        if not written:
            return prompt
        return dataclasses.replace(prompt, tokens=[*prompt.tokens, *self._model.tokenize(written)])

    def _calls(self, request: GenerateRequest) -> tuple[str | None, bool]:
        """The grammar of the calls the request allows, and whether one must be made."""
        choice = request.tool_choice
        if not request.tools or choice == "none":
            return None, False
        tools: Sequence[ToolDefinition] = request.tools
        if choice not in ("auto", "required"):
            tools = [tool for tool in tools if tool["function"]["name"] == choice]
            if not tools:
                raise PromptError(f"tool_choice is {choice!r}, expected the name of a tool")
        key = json.dumps(list(tools), sort_keys=True, default=str)
        grammar = self._grammars.get(key)
        if grammar is None:
            grammar = self._grammars[key] = self._builder.dialect.grammar(tools)
            if len(self._grammars) > _GRAMMARS:
                self._grammars.popitem(last=False)
        return grammar, choice != "auto"


def _replying(
    request: GenerateRequest,
    prompt: Prompt,
    reply: Reply | Choice | Fields,
    reserve: int,
    submitted_at: float,
    emit: Callable[[Event | Exception], None],
) -> Job:
    def done(error: GenerateError | None) -> None:
        emit(error if error is not None else Done(reply.reason or "stop", _usage(job)))

    job = Job(
        prompt,
        done,
        reply=reply,
        conversation=request.conversation,
        deadline=_deadline(submitted_at, request.timeout_s),
        reserve=reserve,
        submitted_at=submitted_at,
    )
    return job


def default_threads() -> int:
    """One core less than this process may use: speech models need theirs, and two OpenMP pools
    on the same cores ran seven times slower than two of one thread each."""
    if hasattr(os, "sched_getaffinity"):
        return max(len(os.sched_getaffinity(0)) - 1, 1)
    return max((os.cpu_count() or 2) - 1, 1)


def _channel() -> tuple[Callable[[Event | Exception], None], asyncio.Queue[Event | Exception]]:
    """A way from the engine's thread into the running event loop."""
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[Event | Exception] = asyncio.Queue()  # bounded by max_tokens

    def emit(item: Event | Exception) -> None:
        try:
            loop.call_soon_threadsafe(queue.put_nowait, item)
        except RuntimeError:  # the loop is gone, and with it whoever would listen
            logger.debug("an event came after its event loop was closed")

    return emit, queue


def _deadline(submitted_at: float, timeout_s: float | None) -> float | None:
    return None if timeout_s is None else submitted_at + timeout_s


def _usage(job: Job) -> Usage:
    now = time.monotonic()
    assert job.reply is not None
    return Usage(
        prompt_tokens=len(job.prompt.tokens),
        cached_tokens=job.cached,
        completion_tokens=job.reply.tokens,
        thinking_tokens=job.reply.thinking_tokens,
        queue_ms=_ms(job.submitted_at, job.started_at),
        ttft_ms=_ms(job.submitted_at, job.first_token_at),
        total_ms=_ms(job.submitted_at, now),
    )


def _ms(start: float, end: float) -> float:
    return max(end - start, 0.0) * 1000 if end else 0.0


def _close(engine: Engine, workers: ThreadPoolExecutor, heads: HeadStore | None) -> None:
    engine.close()
    workers.shutdown(wait=False, cancel_futures=True)
    if heads is not None:
        heads.close()
