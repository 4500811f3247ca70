"""What may stand around a wish without changing it: "hey, could you please ... thanks"."""

from collections.abc import Iterable, Iterator, Sequence

from .words import MARKS

CLAUSES = 4  # what an utterance may have before its wish, and the wish


class Frame:
    """The polite words of one language.

    Args:
        before: phrases that may open an utterance, several in a row.
        after: phrases that may end it.
        reported: words that make what follows somebody else's, or a condition: "he asked me".
    """

    def __init__(
        self, before: Iterable[str], after: Iterable[str], reported: Iterable[str]
    ) -> None:
        self._before = {tuple(p.split()) for p in before}
        self._after = {tuple(p.split()) for p in after}
        self._reported = frozenset(reported)

    def cores(self, words: Sequence[str]) -> Iterator[list[str]]:
        """What is left without the polite words, from most to least of it. May be the words."""
        core = list(words)
        while end := _longest(core, self._after, last=True):
            core = core[:-end]
        while core:
            yield core
            begin = _longest(core, self._before, last=False)
            if not begin:
                return
            core = core[begin:]

    def wishes(self, words: Sequence[str]) -> Iterator[tuple[list[list[str]], list[str]]]:
        """(clauses before, the wish): all is the wish, then all but the first clause, and so on."""
        clauses = _clauses(words)
        for at in range(max(1, min(len(clauses), CLAUSES))):
            before = clauses[:at]
            if any(self._reported & {w.lower() for w in clause} for clause in before):
                return
            yield before, [word for clause in clauses[at:] for word in clause]


def _clauses(words: Sequence[str]) -> list[list[str]]:
    clauses: list[list[str]] = [[]]
    for word in words:
        if word not in MARKS:
            clauses[-1].append(word)
        elif clauses[-1]:
            clauses.append([])
    return [clause for clause in clauses if clause]


def _longest(words: Sequence[str], phrases: set[tuple[str, ...]], last: bool) -> int:
    """How many words at that end are one of the phrases, leaving at least one word; 0: none."""
    small = [w.lower() for w in words]
    for length in range(min(6, len(small) - 1), 0, -1):
        part = tuple(small[-length:] if last else small[:length])
        if part in phrases:
            return length
    return 0
