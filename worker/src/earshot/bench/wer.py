"""Word error rate. Knows nothing of who spoke or who listened."""

import re
from collections.abc import Sequence
from dataclasses import dataclass


def words(text: str) -> list[str]:
    """Lower case, without punctuation; a hyphen divides."""
    return re.sub(r"[^\w' ]|_", "", text.lower().replace("-", " ")).split()


def edits(reference: Sequence[str], hypothesis: Sequence[str]) -> int:
    """Fewest words to replace, insert and delete."""
    row = list(range(len(hypothesis) + 1))
    for i, said in enumerate(reference, 1):
        before, row[0] = row[0], i
        for j, heard in enumerate(hypothesis, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (said != heard))
    return row[-1]


@dataclass
class Score:
    """Sums over utterances."""

    wrong: int = 0
    words: int = 0
    exact: int = 0
    utterances: int = 0
    first_lost: int = 0
    """utterances whose first word was not heard as the first"""
    last_lost: int = 0

    def add(self, reference: str, hypothesis: str) -> int:
        """Returns the number of wrong words."""
        said, heard = words(reference), words(hypothesis)
        wrong = edits(said, heard)
        self.wrong += wrong
        self.words += len(said)
        self.utterances += 1
        self.exact += wrong == 0
        self.first_lost += said[:1] != heard[:1]
        self.last_lost += said[-1:] != heard[-1:]
        return wrong

    @property
    def rate(self) -> float:
        return self.wrong / max(1, self.words)
