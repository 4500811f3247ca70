"""A request into a job: everything that can be done before the engine's thread.

Renders and tokenises the prompt, and makes what reads and holds the reply. Safe to use from any
thread. Knows nothing of queues, limits on callers or event loops.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from .choice import Choice
from .errors import GenerateError, PromptError
from .fields import Fields
from .generator import Done, Event, GenerateRequest, WarmRequest
from .grammars import Grammars
from .guard import RepetitionGuard, earlier_replies
from .job import Job
from .model import Model
from .parser import ReplyParser
from .prompt import Prompt, PromptBuilder
from .reply import Reply
from .sampler import Sampler

_MAX_REPLY_SHARE = 4  # a reply is promised a quarter of the context at most


class JobBuilder:
    """Builds the jobs of one model.

    Args:
        model: Its vocabulary.
        builder: Its prompts.
        limit: Most tokens of one conversation.
    """

    def __init__(self, model: Model, builder: PromptBuilder, limit: int) -> None:
        self._model = model
        self._limit = limit
        self._builder = builder
        self._grammars = Grammars(self._builder.dialect)

    def prefix(self, request: WarmRequest) -> Prompt:
        """What a warm-up evaluates: the part of the coming prompt that is known."""
        return self._builder.prefix(
            request.messages,
            request.tools,
            request.heard,
            limit=self._limit - 1,
            head=request.head,
        )

    def replying(
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
        deadline=deadline(submitted_at, request.timeout_s),
        reserve=reserve,
        submitted_at=submitted_at,
    )
    return job


def _functions(request: GenerateRequest) -> set[str]:
    """The names that the model has seen: of the tools, and of those that were called before."""
    calls = [call for message in request.messages for call in message.get("tool_calls") or []]
    return {shown["function"]["name"] for shown in [*request.tools, *calls]}


def deadline(submitted_at: float, timeout_s: float | None) -> float | None:
    return None if timeout_s is None else submitted_at + timeout_s
