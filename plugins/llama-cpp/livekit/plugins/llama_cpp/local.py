"""A `Generator` in this process: one GGUF, one KV cache, many callers.

Renders, tokenises and plans on its own small thread pool; the engine's thread only evaluates.
"""

from __future__ import annotations

import asyncio
import dataclasses
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
    Usage,
    WarmRequest,
)
from .grammars import Grammars
from .guard import RepetitionGuard, earlier_replies
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
        self._grammars = Grammars(self._builder.dialect)
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
            job = await self._in_worker(self._job, request, submitted_at, emit, thinks)
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
        thinks: bool,
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
        calls, forced = self._grammars.of_calls(request)
        dialect = self._builder.dialect
        if forced:
            marker = self._model.tokenize(dialect.marker)
            prompt = Prompt([*prompt.tokens, *marker], prompt.head)
        tools = request.tools if calls is not None else []
        parser = ReplyParser(
            dialect,
            tools=tools,
            known=_functions(request),
            stop=request.stop,
            thinking=prompt.thinking,
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
            arguments=lambda name: self._grammars.of_arguments(request, name),
            max_tokens=limit,
            thinking_tokens=limit // 2 if thinks else 0,
            parallel_calls=request.parallel_tool_calls,
            guard=self._guard(request),
            emit=emit,
        )
        return _replying(request, prompt, reply, limit, submitted_at, emit)

    def _guard(self, request: GenerateRequest) -> RepetitionGuard | None:
        """None where something is told from a result: that may be what was told before."""
        said = earlier_replies(request.messages)
        if request.repetition_guard <= 0 or not said:
            return None
        return RepetitionGuard(
            [self._model.tokenize(text) for text in said],
            strength=request.repetition_guard,
            ends_sentence=self._model.ends_sentence,
        )

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


def _replying(
    request: GenerateRequest,
    prompt: Prompt,
    reply: Reply | Choice | Fields,
    reserve: int,
    submitted_at: float,
    emit: Callable[[Event | Exception], None],
) -> Job:
    def done(error: GenerateError | None) -> None:
        emit(error if error is not None else Done(reply.reason or "stop", job.usage()))

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


def _functions(request: GenerateRequest) -> set[str]:
    """The names that the model has seen: of the tools, and of those that were called before."""
    calls = [call for message in request.messages for call in message.get("tool_calls") or []]
    return {shown["function"]["name"] for shown in [*request.tools, *calls]}


def default_threads() -> int:
    """One core less than this process may use: speech models need theirs, and two OpenMP pools
    on the same cores ran seven times slower than two of one thread each."""
    if hasattr(os, "sched_getaffinity"):
        return max(len(os.sched_getaffinity(0)) - 1, 1)
    return max((os.cpu_count() or 2) - 1, 1)


def _deadline(submitted_at: float, timeout_s: float | None) -> float | None:
    return None if timeout_s is None else submitted_at + timeout_s


def _close(engine: Engine, workers: ThreadPoolExecutor, heads: HeadStore | None) -> None:
    engine.close()
    workers.shutdown(wait=False, cancel_futures=True)
    if heads is not None:
        heads.close()
