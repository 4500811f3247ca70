"""The LiveKit half: `llm.LLM` over a `Generator`.

Knows only the Generator contract, not whether the model is in this process: llama.cpp is imported
when a path is given, never otherwise.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

from livekit.agents import APIConnectionError, llm, utils
from livekit.agents.types import (
    DEFAULT_API_CONNECT_OPTIONS,
    NOT_GIVEN,
    APIConnectOptions,
    NotGivenOr,
)

from .errors import GenerateError
from .generator import (
    GenerateRequest,
    Generator,
    Message,
    TextDelta,
    ToolDefinition,
    WarmRequest,
)
from .stream import LLMStream, raise_api_error

# a head of examples that no cache has takes 0.5B 8 s and 1.5B 12 s on two cores, once
_WHOLE_S, _OBJECT_TOKENS = 30.0, 128
_EXTRA = (
    *("max_tokens", "temperature", "top_k", "top_p", "min_p", "seed", "repetition_guard", "stop"),
    "conversation",
)


class LLM(llm.LLM[Any]):
    """A local language model for LiveKit agents.

    Args:
        model: The path of a GGUF with a chat template, or a Generator that someone else runs. A
            path is loaded here and now, which blocks for as long as the file takes to read: do it
            where a job process prepares, or in a thread.
        temperature: 0 is greedy.
        max_tokens: Most tokens of one reply.
        top_k, top_p, min_p, seed: Sampling, when the temperature isn't 0.
        repetition_guard: How much less likely, in units of logits, a sentence
            goes on as one that was said to another question; 0 = no less.
        stop: Texts that end a reply and are not part of it.
        apology: What is said when the model has no answer, twice; empty: that is an APIError.
        n_ctx: KV cells, shared by all conversations of a path's model.
        threads: CPU threads; None = one less than this process may use.
        gpu_layers: None = all if llama.cpp was built with GPU support.
        max_active: Requests evaluated at once.
        max_queued: Requests that may wait for that; more fail at once, retryable.
        pool_bytes: Room for the state of conversations that had to leave the KV cache.
        cache_dir: Where the state after instructions and tools is kept, so that the first turn
            after a restart is as fast as any; None = nowhere.
        cache_bytes: Most that is kept there.
        variant: Which build of llama.cpp's CPU code; "auto" = the best one that survives the model.
        variants_dir: Where it is kept which one that is; None = in the user's cache.

    Raises:
        ModelError: The path can't serve as a model; one line says why.
    """

    def __init__(
        self,
        model: str | Path | Generator,
        *,
        temperature: float = 0.0,
        max_tokens: int = 256,
        top_k: int = 40,
        top_p: float = 0.95,
        min_p: float = 0.05,
        seed: int | None = None,
        repetition_guard: float = 4.0,
        stop: Sequence[str] = (),
        apology: str = "",
        n_ctx: int = 4096,
        threads: int | None = None,
        gpu_layers: int | None = None,
        max_active: int = 4,
        max_queued: int = 16,
        pool_bytes: int = 256 * 1024 * 1024,
        cache_dir: str | Path | None = None,
        cache_bytes: int = 256 * 1024 * 1024,
        variant: str = "auto",
        variants_dir: str | Path | None = None,
    ) -> None:
        super().__init__()
        self._owns_generator = isinstance(model, (str, Path))
        if isinstance(model, (str, Path)):
            from .local import LocalGenerator

            self._generator: Generator = LocalGenerator(
                model,
                n_ctx=n_ctx,
                threads=threads,
                gpu_layers=gpu_layers,
                max_active=max_active,
                max_queued=max_queued,
                pool_bytes=pool_bytes,
                cache_dir=Path(cache_dir) if cache_dir else None,
                cache_bytes=cache_bytes,
                variant=variant,
                variants_dir=variants_dir,
            )
        else:
            self._generator = model
        self.apology = apology
        self._defaults = GenerateRequest(
            messages=[],
            temperature=temperature,
            max_tokens=max_tokens,
            top_k=top_k,
            top_p=top_p,
            min_p=min_p,
            seed=seed,
            repetition_guard=repetition_guard,
            stop=list(stop),
        )

    @property
    def model(self) -> str:
        return self._generator.model

    @property
    def provider(self) -> str:
        return "llama.cpp"

    def chat(
        self,
        *,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool] | None = None,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
        parallel_tool_calls: NotGivenOr[bool] = NOT_GIVEN,
        tool_choice: NotGivenOr[llm.ToolChoice] = NOT_GIVEN,
        extra_kwargs: NotGivenOr[dict[str, Any]] = NOT_GIVEN,
    ) -> LLMStream:
        """Starts a reply.

        Args:
            chat_ctx: The conversation.
            tools: What the model may call.
            conn_options: `timeout` bounds the wait for the first event.
            parallel_tool_calls: Whether one reply may hold several calls.
            tool_choice: "auto", "none", "required" or one function.
            extra_kwargs: Overrides of max_tokens, temperature, top_k, top_p, min_p, seed, stop;
                and `conversation`, a name that the requests of one conversation share.

        Raises:
            ValueError: An unknown key in extra_kwargs.
        """
        extra = extra_kwargs if utils.is_given(extra_kwargs) else {}
        for key in extra:
            if key not in _EXTRA:
                raise ValueError(f"extra_kwargs: {key!r}, expected one of {', '.join(_EXTRA)}")
        request = dataclasses.replace(
            self._defaults,
            messages=_messages(chat_ctx),
            tools=_definitions(tools),
            tool_choice=_choice(tool_choice),
            parallel_tool_calls=(
                parallel_tool_calls if utils.is_given(parallel_tool_calls) else True
            ),
            **extra,
        )
        return LLMStream(
            self,
            self._generator,
            request,
            chat_ctx=chat_ctx,
            tools=tools or [],
            conn_options=conn_options,
            apology=self.apology,
        )

    async def warm(
        self,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool] | None = None,
        *,
        heard: str = "",
        head: int = 0,
        conversation: str | None = None,
        timeout_s: float | None = None,
    ) -> int:
        """Evaluates what is known of the coming prompt, so that the reply to it starts sooner.

        Call it with the agent's instructions and tools before the first turn, and with what the
        user has said so far while they speak. A newer call replaces an older one, a reply takes
        over what a call has done; cancelling it stops the evaluation.

        Args:
            chat_ctx: The conversation without the turn that the user is speaking.
            tools: As in `chat`.
            heard: The transcript so far of what the user is saying; its end may still change.
            head: As in `choose`.
            conversation: As in `chat`'s extra_kwargs.
            timeout_s: Stop then, and keep what was done.

        Returns:
            Tokens of the prefix that are in the KV cache now.

        Raises:
            APIError: The prompt can't be built, or the generator is closed.
        """
        request = WarmRequest(
            messages=_messages(chat_ctx),
            tools=_definitions(tools),
            heard=heard,
            head=head,
            conversation=conversation,
            timeout_s=timeout_s,
        )
        try:
            return await self._generator.warm(request)
        except GenerateError as e:
            raise_api_error(e)

    async def choose(
        self,
        chat_ctx: llm.ChatContext,
        choices: Sequence[str],
        *,
        bias: Sequence[float] = (),
        head: int = 0,
    ) -> str:
        """Which of a few texts the model would reply with.

        Costs the evaluation of what of the prompt isn't in the KV cache yet and, as long as the
        texts begin differently, nothing beyond that.

        Args:
            chat_ctx: The conversation, the question last.
            choices: Different texts.
            bias: Logits added to the choices, in their order.
            head: How many items, from the first, are the same in every conversation, such as worked
                examples: what they take of the KV cache is kept for all. 0 = the instructions.

        Raises:
            APIError: As `chat`.
        """
        return await self._whole(
            chat_ctx, choices=list(choices), choice_bias=[float(b) for b in bias], head=head
        )

    async def fill(
        self,
        chat_ctx: llm.ChatContext,
        schema: dict[str, Any],
        *,
        written: str = "",
        head: int = 0,
    ) -> dict[str, Any]:
        """A JSON object of a schema, written by the model inside the schema's grammar.

        Args:
            chat_ctx: The conversation, the question last.
            schema: JSON schema of an object.
            written: What the reply begins with, before the object.
            head: As in `choose`.

        Raises:
            APIError: As `chat`; also when the object wasn't complete within max_tokens.
        """
        text = await self._whole(
            chat_ctx, reply_schema=schema, written=written, head=head, max_tokens=_OBJECT_TOKENS
        )
        try:
            value = json.loads(text)
        except ValueError as e:
            raise APIConnectionError(f"not a JSON object: {text[:80]!r}", retryable=False) from e
        assert isinstance(value, dict)
        return value

    async def _whole(self, chat_ctx: llm.ChatContext, **held: Any) -> str:
        request = dataclasses.replace(
            self._defaults, messages=_messages(chat_ctx), timeout_s=_WHOLE_S, **held
        )
        try:
            async with aclosing(self._generator.generate(request)) as events:
                return "".join([e.text async for e in events if isinstance(e, TextDelta)])
        except GenerateError as e:
            raise_api_error(e)

    async def aclose(self) -> None:
        """Frees the model if this LLM loaded it."""
        await super().aclose()
        if self._owns_generator:
            await self._generator.aclose()


def _messages(chat_ctx: llm.ChatContext) -> list[Message]:
    messages, _ = chat_ctx.to_provider_format("openai")
    return messages


def _definitions(tools: Sequence[llm.Tool] | None) -> list[ToolDefinition]:
    context = llm.ToolContext(list(tools or []))
    return context.parse_function_tools("openai", strict=False)


def _choice(tool_choice: NotGivenOr[llm.ToolChoice]) -> str:
    if not utils.is_given(tool_choice) or tool_choice is None:
        return "auto"
    if isinstance(tool_choice, str):
        return tool_choice
    return tool_choice["function"]["name"]
