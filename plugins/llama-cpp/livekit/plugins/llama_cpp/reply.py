"""One reply being written: logits in, next tokens and events out.

Joins sampler, grammar and parser: as soon as the model opens a tool call it is held to the
grammar of the tools it has, and a call that nothing announced to that of its tool's arguments.
Thinking ends in time for an answer, and a reply doesn't end before it has begun. Knows nothing of
batches, sequences or other replies.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable

from .dialect import Dialect
from .generator import Event, FinishReason, ToolCall
from .guard import RepetitionGuard
from .markup import answer_opening
from .model import Model
from .parser import ReplyParser
from .sampler import Grammar, Logits, Sampler

_MAX_BANS = 16


class Reply:
    """The state of one reply; used by one thread at a time.

    Args:
        model: The vocabulary.
        dialect: How the model writes calls.
        sampler: Chooses tokens; owned by the reply from here on.
        parser: Reads the text.
        calls: GBNF of the calls that are allowed; None if none are.
        arguments: GBNF of one tool's arguments, by its name.
        max_tokens: Most tokens of the reply.
        thinking_tokens: Most of them that are thinking.
        parallel_calls: More than one call may be made.
        guard: Keeps what is said from repeating itself.
        emit: Takes the events as they come.
    """

    def __init__(
        self,
        model: Model,
        dialect: Dialect,
        sampler: Sampler,
        parser: ReplyParser,
        *,
        calls: str | None,
        arguments: Callable[[str], str],
        max_tokens: int,
        thinking_tokens: int,
        parallel_calls: bool,
        guard: RepetitionGuard | None,
        emit: Callable[[Event], None],
    ) -> None:
        self._model = model
        self._dialect = dialect
        self._sampler = sampler
        self._parser = parser
        self._calls = calls
        self._arguments = arguments
        self._max_tokens = max_tokens
        self._max_thinking = thinking_tokens
        self._parallel_calls = parallel_calls
        self._guard = guard
        self._emit = emit
        self._decoder = _utf8_decoder()
        self._grammar: Grammar | None = None
        if parser.state == "tool" and calls is not None:
            self._grammar = Grammar(model, calls)
        self._sent_calls = 0
        self.tokens = 0
        self.thinking_tokens = 0
        self.reason: FinishReason | None = None
        """Why the reply is over; None while it isn't."""

    def advance(self, logits: Logits) -> list[int]:
        """Chooses what comes next.

        Args:
            logits: float32 [vocabulary], behind the last token.

        Returns:
            The tokens to evaluate before the next call; empty when the reply is over.

        Raises:
            ValueError: The grammar leads nowhere.
        """
        if self._parser.thinking_closing and self.thinking_tokens >= self._max_thinking:
            return self._end_thinking()
        if self._guard is not None and self._parser.state == "text":
            logits = self._guard.restrained(logits)
        banned: set[int] = set()
        while True:
            token = self._sampler.sample(logits, grammar=self._grammar, without=banned)
            if self._model.is_end(token):
                if self._parser.silent and len(banned) < _MAX_BANS:
                    banned.add(token)  # there must be some answer
                    continue
                return self._finish("stop")
            piece = self._model.piece(token)
            if self._grammar is not None:
                return self._inside_call(token, piece)
            state = self._decoder.getstate()
            text = self._decoder.decode(piece)
            if self._calls is None and self._parser.would_open(text):
                self._decoder.setstate(state)
                banned.add(token)
                if len(banned) > _MAX_BANS:
                    return self._finish("stop")
                continue
            self._send(self._parser.feed(text))
            opened = self._parser.take_opened()
            if opened is None:
                if self._guard is not None:
                    self._guard.accept(token)
                return self._count([token])
            tool, rest = opened
            gbnf = self._calls or "" if tool is None else self._arguments(tool)
            self._grammar = Grammar(self._model, gbnf)
            if not rest:
                return self._count([token])
            # The token reached into the call: keep its part up to the marker, and let the model
            # write the rest again, inside the grammar.
            self._decoder = _utf8_decoder()
            kept = text[: len(text) - len(rest)]
            if kept:
                return self._count(self._model.tokenize(kept))

    def close(self) -> None:
        """Frees what llama.cpp holds for the reply. Idempotent."""
        self._sampler.close()
        if self._grammar is not None:
            self._grammar.close()
            self._grammar = None

    def _inside_call(self, token: int, piece: bytes) -> list[int]:
        assert self._grammar is not None
        self._grammar.accept(token)
        self._send(self._parser.feed(self._decoder.decode(piece)))
        if not self._parser.inside_call:
            self._grammar.close()
            self._grammar = None
        return self._count([token])

    def _end_thinking(self) -> list[int]:
        """Closes the model's thinking for it: the rest of the reply is for the answer."""
        text = answer_opening(self._parser.thinking_closing)
        self._decoder = _utf8_decoder()
        self._send(self._parser.feed(text))
        return self._count(self._model.tokenize(text))

    def _count(self, tokens: list[int]) -> list[int]:
        self.tokens += 1
        if self._parser.state == "think":
            self.thinking_tokens += 1
        if self._parser.state == "stopped" or (self._parser.called and not self._parallel_calls):
            return self._finish("stop")
        if self.tokens >= self._max_tokens:
            return self._finish("length")
        return tokens

    def _finish(self, reason: FinishReason) -> list[int]:
        self._send(self._parser.finish())
        if self._parser.called:
            reason = "tool_calls"
        self.reason = reason if self._parser.answered else "empty"
        return []

    def _send(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, ToolCall):
                if self._sent_calls and not self._parallel_calls:
                    continue
                self._sent_calls += 1
            self._emit(event)


def _utf8_decoder() -> codecs.IncrementalDecoder:
    return codecs.getincrementaldecoder("utf-8")("replace")
