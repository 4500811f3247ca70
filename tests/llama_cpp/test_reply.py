"""One reply, token by token, with a sampler that wants what the test says."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
from dialogues import TOOLS
from livekit.plugins.llama_cpp.dialects import Hermes
from livekit.plugins.llama_cpp.generator import Event, TextDelta, ThinkingDelta, ToolCall
from livekit.plugins.llama_cpp.model import Model
from livekit.plugins.llama_cpp.parser import ReplyParser
from livekit.plugins.llama_cpp.reply import Reply
from livekit.plugins.llama_cpp.sampler import Grammar
from livekit.plugins.llama_cpp.schema import arguments_grammar

LOGITS = np.zeros(1, np.float32)


class Wanting:
    """Wants a text's tokens, then the end; where the end is forbidden, another text's."""

    def __init__(self, model: Model, text: str, *, otherwise: str = "") -> None:
        self._model = model
        # letter by letter: a token that reaches into a call would be taken back in part
        self._tokens = [token for char in text for token in model.tokenize(char)]
        self._otherwise = model.tokenize(otherwise)
        self._grammar: Grammar | None = None
        self._token = -1
        self._end = next(t for t in range(model.vocab_size) if model.is_end(t))
        self.inside: list[bytes] = []
        """What was chosen inside a grammar."""

    def sample(
        self, logits: Any, *, grammar: Grammar | None = None, without: Collection[int] = ()
    ) -> int:
        if not self._tokens and self._end in without:
            self._tokens = self._otherwise
        if grammar is not None and grammar is not self._grammar:
            self._tokens.insert(0, self._token)  # opened the call: to be written again inside
        self._grammar = grammar
        token = self._token = self._tokens.pop(0) if self._tokens else self._end
        if grammar is not None:
            assert grammar.allows(token)
            self.inside.append(self._model.piece(token))
        return token

    def close(self) -> None:
        pass


def written(model: Model, sampler: Wanting, **options: Any) -> tuple[Reply, list[Event]]:
    events: list[Event] = []
    tools = {tool["function"]["name"]: tool for tool in TOOLS}
    given = {"max_tokens": 120, "thinking_tokens": 30, "parallel_calls": True, **options}
    thinking = given.pop("thinking", "")
    reply = Reply(
        model,
        Hermes(),
        sampler,  # type: ignore[arg-type]
        ReplyParser(Hermes(), tools=TOOLS, thinking=thinking),
        calls=Hermes().grammar(TOOLS),
        arguments=lambda name: arguments_grammar(tools[name], "root"),
        guard=None,
        emit=events.append,
        **given,
    )
    while reply.reason is None:
        reply.advance(LOGITS)
    reply.close()
    return reply, events


def text_of(events: list[Event], kind: type) -> str:
    return "".join(e.text for e in events if isinstance(e, kind))


def test_thinking_ends_in_time_for_an_answer(model: Model) -> None:
    sampler = Wanting(model, "well, well" + "It is 8.")
    size = len("well, well")
    reply, events = written(model, sampler, thinking="</think>", thinking_tokens=size)
    assert text_of(events, ThinkingDelta).strip() == "well, well"
    assert text_of(events, TextDelta) == "It is 8."
    assert (reply.reason, reply.thinking_tokens) == ("stop", size)


def test_a_reply_does_not_end_before_it_has_begun(model: Model) -> None:
    reply, events = written(model, Wanting(model, "", otherwise="Hello."))
    assert (reply.reason, text_of(events, TextDelta)) == ("stop", "Hello.")


def test_what_can_not_be_used_is_empty(model: Model) -> None:
    reply, events = written(model, Wanting(model, '{"name": "nobody", "arguments": {}}'))
    assert (reply.reason, events) == ("empty", [])


def test_the_arguments_of_a_bare_call_are_under_their_grammar(model: Model) -> None:
    call = '{"name": "set_timer", "arguments": {"amount": 5, "unit": "minutes"}}'
    for before in ("", "One moment.\n", "```json\n"):
        sampler = Wanting(model, before + call)
        reply, events = written(model, sampler)
        assert reply.reason == "tool_calls"
        (made,) = [e for e in events if isinstance(e, ToolCall)]
        assert (made.name, made.arguments) == ("set_timer", '{"amount": 5, "unit": "minutes"}')
        assert b"".join(sampler.inside).strip().startswith(b'{"amount": 5, "unit": "minutes"}')


def test_one_call_where_only_one_is_wanted(model: Model) -> None:
    call = '{"name": "get_current_time", "arguments": {}}'
    sampler = Wanting(model, f"[{call}, {call.replace('get_current_time', 'cancel_timer')}]")
    reply, events = written(model, sampler, parallel_calls=False)
    assert [e.name for e in events if isinstance(e, ToolCall)] == ["get_current_time"]
    assert reply.reason == "tool_calls"
