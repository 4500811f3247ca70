"""A reply that is one of a few given texts, chosen by the model.

The prompt is evaluated once; as long as the texts begin with different tokens nothing is written
after it: their first tokens' logits decide. Knows nothing of what the texts mean.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from .generator import Event, FinishReason, TextDelta
from .model import Model
from .sampler import Logits


class Choice:
    """The state of one choice; used by one thread at a time.

    Args:
        model: The vocabulary.
        choices: Different texts, at least one, none empty.
        bias: Logits added to each text's first token of its own; empty = none.
        emit: Takes the chosen text, once.
    """

    def __init__(
        self,
        model: Model,
        choices: Sequence[str],
        *,
        bias: Sequence[float] = (),
        emit: Callable[[Event], None],
    ) -> None:
        self._left = [(text, model.tokenize(text)) for text in choices]
        self._bias = dict(zip(choices, bias, strict=False))
        self._depth = 0
        self._emit = emit
        self.tokens = 0
        self.thinking_tokens = 0
        self.reason: FinishReason | None = None

    def advance(self, logits: Logits) -> list[int]:
        """Chooses among what is left; empty when one text is.

        Args:
            logits: float32 [vocabulary], behind the last token.
        """
        self.tokens += 1
        ended = [text for text, tokens in self._left if len(tokens) == self._depth]
        scores = {
            tokens[self._depth]: float(logits[tokens[self._depth]])
            + (self._bias.get(text, 0.0) if self._depth == 0 else 0.0)
            for text, tokens in self._left
            if len(tokens) > self._depth
        }
        best = max(scores, key=lambda token: scores[token])
        if ended and int(np.argmax(logits)) not in scores:
            return self._chosen(ended[0])  # the shorter of two texts that begin alike
        self._left = [
            (text, t) for text, t in self._left if t[self._depth : self._depth + 1] == [best]
        ]
        self._depth += 1
        if len(self._left) == 1:
            return self._chosen(self._left[0][0])
        return [best]

    def close(self) -> None:
        """Nothing of llama.cpp is held."""

    def _chosen(self, text: str) -> list[int]:
        self._emit(TextDelta(text))
        self.reason = "stop"
        return []
