"""Keeps a model from giving one answer to different questions.

A small model that has answered once tends to give the same answer to what comes next, too. As long
as a sentence goes as an earlier one of the conversation did, what would go on in the same way
becomes a little less likely: where the model knows another way it takes that, and where it is sure,
as when it is asked to say something again, it stays. A penalty that grows until it wins (DRY, or
one for every word said before) was tried: it breaks words and facts in the middle of a sentence,
and one that adds up with every time brings "How can you assist you today?".
Knows nothing of text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from .generator import Message
from .sampler import Logits

_FREE_TOKENS = 2
"""So many tokens may be as in an earlier sentence: many begin with "I'm"."""


class RepetitionGuard:
    """The memory of one reply; used by one thread at a time.

    Args:
        earlier: the tokens of the assistant's replies so far, to other questions.
        strength: how much less likely, in units of logits.
        ends_sentence: whether a token is the last of its sentence.
    """

    def __init__(
        self,
        earlier: Sequence[Sequence[int]],
        *,
        strength: float,
        ends_sentence: Callable[[int], bool],
    ) -> None:
        self._ends_sentence = ends_sentence
        self._sentences = [part for reply in earlier for part in self._parted(reply)]
        self._same = self._sentences
        self._strength = np.float32(strength)
        self._said = 0

    def accept(self, token: int) -> None:
        """The token has been said."""
        at, self._said = self._said, self._said + 1
        self._same = [s for s in self._same if at < len(s) and s[at] == token]
        if self._ends_sentence(token):
            self._same, self._said = self._sentences, 0

    def restrained(self, logits: Logits) -> Logits:
        """The logits with what would go on as before made less likely: a copy if there is any."""
        if self._said < _FREE_TOKENS:
            return logits
        following = {s[self._said] for s in self._same if self._said < len(s)}
        if not following:
            return logits
        restrained = logits.copy()
        restrained[list(following)] -= self._strength
        return restrained

    def _parted(self, reply: Sequence[int]) -> list[list[int]]:
        sentences: list[list[int]] = [[]]
        for token in reply:
            sentences[-1].append(token)
            if self._ends_sentence(token):
                sentences.append([])
        return [sentence for sentence in sentences if sentence]


def earlier_replies(messages: Sequence[Message]) -> list[str]:
    """What the assistant said to other questions than the one that is to be answered now.

    Nothing where a tool's result is to be told: that may be what was told before.
    """
    if not messages or messages[-1].get("role") != "user":
        return []
    question, asked, said = _plain(messages[-1]), "", []
    for message in messages:
        if message.get("role") == "user":
            asked = _plain(message)
        elif message.get("role") == "assistant" and asked and asked != question:
            said.append(message.get("content"))
    return [text for text in said if isinstance(text, str) and text]


def _plain(message: Message) -> str:
    content = message.get("content")
    words = content if isinstance(content, str) else str(content)
    return " ".join("".join(c for c in words.lower() if c.isalnum() or c.isspace()).split())
