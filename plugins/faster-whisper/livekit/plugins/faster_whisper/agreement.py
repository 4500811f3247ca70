"""LocalAgreement-2: what two consecutive hypotheses agree on is worth showing.

Knows words only.
"""

import re


class Agreement:
    """Of the hypotheses of one growing stretch of speech."""

    def __init__(self) -> None:
        self._last: list[str] = []

    def push(self, text: str) -> str:
        """Takes the next hypothesis; returns its agreed beginning.

        The last word of the hypothesis is held back: its sound may not have ended yet.
        """
        words = text.split()
        agreed = 0
        for a, b in zip(words[:-1], self._last, strict=False):
            if _plain(a) != _plain(b):
                break
            agreed += 1
        self._last = words
        return " ".join(words[:agreed]).rstrip(".,;:!?")


def _plain(word: str) -> str:
    return re.sub(r"[^\w]", "", word.lower())
