"""One reply as LiveKit reads it, and what becomes of the generator's errors."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any, NoReturn

from livekit.agents import (
    APIConnectionError,
    APIError,
    APIStatusError,
    APITimeoutError,
    llm,
    utils,
)
from livekit.agents.types import APIConnectOptions

from .errors import (
    ClosedError,
    DeadlineError,
    GenerateError,
    NoAnswerError,
    OverloadedError,
    PromptError,
)
from .generator import Done, Event, GenerateRequest, Generator, TextDelta, ToolCall


class LLMStream(llm.LLMStream):
    """One reply. Closing it stops the evaluation."""

    def __init__(
        self,
        model: llm.LLM[Any],
        generator: Generator,
        request: GenerateRequest,
        *,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool],
        conn_options: APIConnectOptions,
        apology: str = "",
    ) -> None:
        super().__init__(model, chat_ctx=chat_ctx, tools=tools, conn_options=conn_options)
        self._generator = generator
        self._request = request
        self._apology = apology
        self._retry_on_chunk_sent = False  # what was said can't be said again

    async def _run(self) -> None:
        request_id = utils.shortuuid("llama_")
        try:
            async with aclosing(self._generator.generate(self._request)) as events:
                async with asyncio.timeout(self._conn_options.timeout or None):
                    self._send(request_id, await anext(events))
                async for event in events:
                    self._send(request_id, event)
        except NoAnswerError as e:
            if not self._apology:
                raise_api_error(e)
            self._send(request_id, TextDelta(f" {self._apology}"))
        except GenerateError as e:
            raise_api_error(e)
        except TimeoutError as e:
            raise APITimeoutError(f"no token within {self._conn_options.timeout} s") from e
        except APIError:
            raise
        except Exception as e:
            raise APIConnectionError(f"generation failed: {e}") from e

    def _send(self, request_id: str, event: Event) -> None:
        if isinstance(event, TextDelta):
            delta = llm.ChoiceDelta(role="assistant", content=event.text)
            self._event_ch.send_nowait(llm.ChatChunk(id=request_id, delta=delta))
        elif isinstance(event, ToolCall):
            call = llm.FunctionToolCall(
                name=event.name, arguments=event.arguments, call_id=event.id
            )
            delta = llm.ChoiceDelta(role="assistant", tool_calls=[call])
            self._event_ch.send_nowait(llm.ChatChunk(id=request_id, delta=delta))
        elif isinstance(event, Done):
            used = event.usage
            usage = llm.CompletionUsage(
                completion_tokens=used.completion_tokens,
                prompt_tokens=used.prompt_tokens,
                prompt_cached_tokens=used.cached_tokens,
                reasoning_tokens=used.thinking_tokens,
                total_tokens=used.prompt_tokens + used.completion_tokens,
            )
            self._event_ch.send_nowait(llm.ChatChunk(id=request_id, usage=usage))


def raise_api_error(error: GenerateError) -> NoReturn:
    """Maps to LiveKit's errors, which decide about retrying."""
    if isinstance(error, OverloadedError):
        raise APIStatusError(str(error), status_code=429, retryable=True) from error
    if isinstance(error, DeadlineError):
        raise APITimeoutError(str(error)) from error
    if isinstance(error, PromptError):
        raise APIStatusError(str(error), status_code=400, retryable=False) from error
    if isinstance(error, ClosedError):
        raise APIConnectionError(str(error), retryable=False) from error
    raise APIConnectionError(str(error), retryable=error.retryable) from error
