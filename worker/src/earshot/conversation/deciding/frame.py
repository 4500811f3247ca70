"""What may stand around a wish without changing it: "hey, could you please ... thanks"."""

from collections.abc import Iterable, Iterator, Sequence

from .words import MARKS

CLAUSES = 4  # what an utterance may have before its wish, and the wish
PHRASE_WORDS = 6


class Frame:
    """The polite words of one language.

    Args:
        before: phrases that may open an utterance, several in a row.
        after: phrases that may end it.
        fillers: phrases that may stand anywhere.
        reported: words that make what follows somebody else's, or a condition: "he asked me".
    """

    def __init__(
        self,
        before: Iterable[str],
        after: Iterable[str],
        fillers: Iterable[str],
        reported: Iterable[str],
    ) -> None:
        self._before = {tuple(p.split()) for p in before}
        self._after = {tuple(p.split()) for p in after}
        self._fillers = {tuple(p.split()) for p in fillers}
        self._reported = frozenset(reported)

    def is_polite(self, text: str) -> bool:
        """Whether that is nothing but an opening: "can you"."""
        return tuple(text.lower().split()) in self._before

    def fluent(self, words: Sequence[str]) -> list[str]:
        """The words without the fillers among them."""
        left: list[str] = []
        at = 0
        while at < len(words):
            if found := _ends([*words[at:], ""], self._fillers, last=False):
                at += max(found)
            else:
                left.append(words[at])
                at += 1
        return left

    def cores(self, words: Sequence[str]) -> Iterator[list[str]]:
        """What is left without the polite words, from most to least of it. May be the words."""
        core = list(words)
        while end := max(_ends(core, self._after, last=True), default=0):
            core = core[:-end]
        # "can you remind me in ..." is a "can you" before "remind me in ...", too
        starts, tried = [0] if core else [], 0
        while tried < len(starts):
            at = starts[tried]
            yield core[at:]
            more = (at + n for n in _ends(core[at:], self._before, last=False))
            starts = sorted({*starts, *more})
            tried += 1

    def wishes(self, words: Sequence[str]) -> Iterator[tuple[list[list[str]], list[str]]]:
        """(clauses before, the wish): all is the wish, then all but the first clause, and so on."""
        clauses = _clauses(words)
        for at in range(max(1, min(len(clauses), CLAUSES))):
            before = clauses[:at]
            if any(self._reported & {w.lower() for w in clause} for clause in before):
                return
            if before and before[-1][-1][-1].isdecimal() and clauses[at][0][0].isdecimal():
                continue  # "12. 5 times 2" may be one number
            yield before, [word for clause in clauses[at:] for word in clause]


def _clauses(words: Sequence[str]) -> list[list[str]]:
    clauses: list[list[str]] = [[]]
    for word in words:
        if word not in MARKS:
            clauses[-1].append(word)
        elif clauses[-1]:
            clauses.append([])
    return [clause for clause in clauses if clause]


def _ends(words: Sequence[str], phrases: set[tuple[str, ...]], last: bool) -> list[int]:
    """How many words at that end are one of the phrases, leaving at least one word."""
    small = tuple(w.lower() for w in words)
    lengths = range(1, min(PHRASE_WORDS, len(small) - 1) + 1)
    return [n for n in lengths if (small[-n:] if last else small[:n]) in phrases]
