"""A reply that is a JSON object of a given schema, written field by field.

What the schema leaves no choice about (braces, keys, commas) is put in place and evaluated together
with what follows; only the values are written by the model, each inside a grammar. So an object of
two small values costs about four evaluations where a free one costs fifteen. A schema of another
shape than a flat object of required fields is written as a whole, inside its grammar.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .choice import Choice
from .generator import Event, FinishReason, TextDelta
from .model import Model
from .sampler import Grammar, Logits, Sampler
from .schema import object_grammar

# Behind its end a value may have what the last token brings along, such as the brace of `"}`.
# No braces: Qwen2.5-Coder 1.5B wrote "sqrt(16)}" for "sqrt(16)".
_TEXT = r"""root ::= [^"\\{}\x00-\x1f]{0,300} "\"" .{0,24}"""
_INTEGER = r"""root ::= "-"? [0-9]{1,12} [^0-9] .{0,24}"""
_NUMBER = r"""root ::= "-"? [0-9]{1,12} ("." [0-9]{1,6})? [^0-9.] .{0,24}"""
_NUMERAL = re.compile(r"-?\d+(\.\d+)?")


@dataclass(frozen=True, slots=True)
class Slot:
    """A value to be written."""

    literal: str
    """What stands before it."""
    grammar: str = ""
    """GBNF of the value, and of at least one character that can't be part of it."""
    choices: tuple[str, ...] = ()
    """JSON texts, where the value is one of a few."""


class Fields:
    """The state of one object; used by one thread at a time.

    Args:
        model: The vocabulary.
        sampler: Chooses tokens; owned by the object from here on.
        schema: JSON schema of an object.
        max_tokens: Most tokens; an object that isn't complete by then is not emitted.
        emit: Takes the JSON text, once.
    """

    def __init__(
        self,
        model: Model,
        sampler: Sampler,
        schema: dict[str, Any],
        *,
        max_tokens: int,
        emit: Callable[[Event], None],
    ) -> None:
        self._model = model
        self._sampler = sampler
        self._max_tokens = max_tokens
        self._emit = emit
        slots = flat_slots(schema)
        self._flat = slots is not None
        self._slots = slots if slots is not None else [Slot("", object_grammar(schema))]
        self._at = 0
        self._text = ""
        """Everything before the value that is being written."""
        self._value = ""
        self._evaluated = 0
        """How many characters of text and value the model has been given."""
        self._choice: Choice | None = None
        self._grammar: Grammar | None = None
        self._decoder = _utf8_decoder()
        self.tokens = 0
        self.thinking_tokens = 0
        self.reason: FinishReason | None = None
        self._begin()
        self.opening = self._text
        """What the prompt must end with before the first `advance`."""
        self._evaluated = len(self._text)

    def advance(self, logits: Logits) -> list[int]:
        """Writes on.

        Args:
            logits: float32 [vocabulary], behind the last token.

        Returns:
            The tokens to evaluate before the next call; empty when the object is complete.
        """
        self.tokens += 1
        if self.tokens > self._max_tokens:
            self.reason = "length"
            return []
        if self._choice is not None:
            return self._choose(self._choice, logits)
        assert self._grammar is not None
        token = self._sampler.sample(logits, grammar=self._grammar)
        if self._model.is_end(token):  # the whole object's grammar is at its end
            return self._ended(self._value)
        self._grammar.accept(token)
        piece = self._decoder.decode(self._model.piece(token))
        self._value += piece
        value = self._complete()
        if value is not None:
            return self._ended(value)
        self._evaluated += len(piece)
        return [token]

    def close(self) -> None:
        """Frees what llama.cpp holds. Idempotent."""
        self._sampler.close()
        if self._grammar is not None:
            self._grammar.close()
            self._grammar = None

    def _choose(self, choice: Choice, logits: Logits) -> list[int]:
        tokens = choice.advance(logits)
        if choice.reason is not None:
            return self._ended(self._value)
        self._evaluated += sum(len(self._model.piece(t).decode("utf-8", "replace")) for t in tokens)
        return tokens

    def _complete(self) -> str | None:
        """The value being written, when its end has come."""
        if not self._flat:
            return self._value if _is_json(self._value) else None
        if self._slots[self._at].literal.endswith('"'):
            text, quote, _ = self._value.partition('"')
            return text + quote if quote else None
        number = _NUMERAL.match(self._value)
        return number[0] if number and number.end() < len(self._value) else None

    def _begin(self) -> None:
        """Puts in place what stands before the value, and gets ready for the value."""
        slot = self._slots[self._at]
        self._text += slot.literal
        self._value = ""
        self._decoder = _utf8_decoder()
        if self._grammar is not None:
            self._grammar.close()
        self._grammar = self._choice = None
        if slot.choices:
            self._choice = Choice(self._model, slot.choices, emit=self._take)
        else:
            self._grammar = Grammar(self._model, slot.grammar)

    def _take(self, event: Event) -> None:
        if isinstance(event, TextDelta):
            self._value = event.text

    def _ended(self, value: str) -> list[int]:
        """A value is complete: on to the next, or the object is."""
        self._text += value
        self._at += 1
        if self._flat and self._at < len(self._slots):
            self._begin()
            rest = self._text[self._evaluated :]
            self._evaluated = len(self._text)
            return self._model.tokenize(rest)
        self._emit(TextDelta(self._text + ("}" if self._flat else "")))
        self.reason = "stop"
        return []


def flat_slots(schema: dict[str, Any]) -> list[Slot] | None:
    """The values of a flat object whose fields are all required; None for another shape."""
    properties: dict[str, Any] = schema.get("properties") or {}
    if not properties or set(schema.get("required", [])) != set(properties):
        return None
    slots, before = [], "{"
    for key, field in properties.items():
        head = f"{before}{json.dumps(key, ensure_ascii=False)}:"
        kind, values = field.get("type"), field.get("enum", [])
        # cut where a tokeniser would cut, so that the model sees what it was trained on
        if values and all(isinstance(v, str) for v in values):
            texts = tuple(json.dumps(v, ensure_ascii=False)[1:] for v in values)
            slots.append(Slot(head + ' "', choices=texts))
        elif kind == "string" and not values:
            slots.append(Slot(head + ' "', _TEXT))
        elif kind == "integer" and not values:
            slots.append(Slot(head + " ", _INTEGER))
        elif kind == "number" and not values:
            slots.append(Slot(head + " ", _NUMBER))
        elif kind == "boolean":
            slots.append(Slot(head, choices=(" true", " false")))
        else:
            return None
        before = ", "
    return slots


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _utf8_decoder() -> codecs.IncrementalDecoder:
    return codecs.getincrementaldecoder("utf-8")("replace")
