"""Where speech may be cut: text that is still being written, and sentences too long for one run.

The first words leave as early as they can be spoken well; the rest leaves in whole sentences while
there is audio to hear. Knows nothing of time, audio or phonemes.
"""

from __future__ import annotations

import bisect
import itertools
import re
from collections.abc import Iterable, Iterator, Sequence

from .english_words import NOT_THE_END
from .spoken import Token

FIRST_WORDS = 7
"""Without any mark, the first piece leaves after so many words, at the latest."""
MAX_CHARS = 300
"""A sentence that goes on longer is cut at its last clause."""

_AHEAD = 60  # tokens looked at for the end of a unit: more than any unit has

_CLOSERS = r"[\"'”’»)\]}*_`]*"
_SENTENCE_END = re.compile(rf"[.!?…]+{_CLOSERS}(?=\s|$)|[。！？]+{_CLOSERS}|\n+")
_CLAUSE_END = re.compile(rf"[,;:]{_CLOSERS}(?=\s|$)|\s[—–-]{{1,2}}(?=\s)|—|[，；：、]")
_PHRASE_END = re.compile(rf"([.!?…,;:—–。！？，；：、]{_CLOSERS}|\n)\s*$")
_LAST_WORD = re.compile(r"[^\s\"'“‘(\[*_]+$")
# A clause may begin with these (and nothing is cut right after one).
_OPENERS = frozenset(
    """and or but nor so because although though while when where whether which who whom whose that
    if unless until since as than to in on at for with without of from by about into through during
    before after between over under against is are was were will would can could should""".split()
)
_LEANING = _OPENERS | frozenset(
    """a an the my your his its our their these those some any no every each very more most
    not i he she we they don't doesn't didn't i'm you're it's""".split()
) - {"that"}


class ClauseBuffer:
    """Collects the text of a reply as it is written, and gives it out piece by piece.

    What is given out joins to what was pushed, without a loss.
    """

    def __init__(self) -> None:
        self._text = ""
        self._flushed = 0  # up to here the text is complete

    def __len__(self) -> int:
        return len(self._text)

    def push(self, text: str) -> None:
        self._text += text

    def flush(self) -> None:
        """What is there now is complete."""
        self._flushed = len(self._text)

    def take(self, *, urgent: bool, settled: bool) -> str | None:
        """The next piece to speak, or None if it is better to wait for more text.

        Args:
            urgent: the listener has (nearly) nothing left to hear: a clause will do.
            settled: no text has come for a moment, so a full stop at the very end is one
                ("3." may still become 3.14, and "example." example.com).
        """
        end = self._sentence_end(settled)
        long = (end or len(self._text)) > MAX_CHARS
        cut = (self._clause_end(end) if urgent or long else None) or end or self._flushed
        if not cut and long:
            cut = MAX_CHARS  # neither mark nor space: nothing better to do
        if not cut:
            return None
        cut = len(self._text) - len(self._text[cut:].lstrip())
        piece, self._text = self._text[:cut], self._text[cut:]
        self._flushed = max(0, self._flushed - cut)
        return piece or None

    def _sentence_end(self, settled: bool) -> int | None:
        for m in _SENTENCE_END.finditer(self._text):
            before = self._text[: m.start()]
            if not before.strip():
                continue
            if m[0][0] == "." and not m[0].startswith(".."):
                last = _LAST_WORD.search(before)
                if m.end() == len(self._text) and m.end() > self._flushed and not settled:
                    return None
                if _not_the_end(before, last[0] if last else "") and m.end() != self._flushed:
                    continue
            return m.end()
        return None

    def _clause_end(self, sentence_end: int | None) -> int | None:
        sentence = self._text[:sentence_end]
        for m in _CLAUSE_END.finditer(sentence):
            words = len(sentence[: m.end()].split())
            if words > FIRST_WORDS + 2:
                break
            if m.end() == len(self._text) and m.start() and sentence[m.start() - 1].isdigit():
                break  # 1,000 or 3:30 may still come
            return m.end()
        if sentence_end is not None and len(sentence.split()) <= FIRST_WORDS + 2:
            return None  # a short sentence is better whole
        return _between_words(sentence, FIRST_WORDS)


def mid_phrase(text: str) -> bool:
    """Whether `text` stops between two words, rather than at a mark."""
    return not _PHRASE_END.search(text)


def _not_the_end(before: str, word: str) -> bool:
    """Whether a full stop after `word`, the last of `before`, belongs to it."""
    if word.isdigit():
        return not before[: -len(word)].rpartition("\n")[2].strip()  # "1. First, …" in a list
    return (
        word in NOT_THE_END
        or (len(word) == 1 and word.isalpha() and word != "I")
        or re.fullmatch(r"(?:[A-Za-z]\.)+[A-Za-z]", word) is not None
    )


def _between_words(text: str, limit: int) -> int | None:
    """Where to cut `text` after at most `limit` words, once the next word has begun."""
    starts = [m.start() for m in re.finditer(r"\S+", text)]
    if len(starts) <= limit:
        return None
    words = [w.strip("\"'“”()*_").lower() for w in text.split()[: limit + 1]]
    return starts[_sensible(words, limit)]


def _sensible(words: Sequence[str], limit: int) -> int:
    """Index of the word to cut before, in the second half of the first `limit` words."""
    places = range(limit, max(1, limit // 2), -1)
    for i in places:
        if words[i] in _OPENERS and words[i - 1] not in _LEANING:
            return i
    return next((i for i in places if words[i - 1] not in _LEANING), limit)


def units(tokens: Iterable[Token], first_words: int, max_words: int) -> Iterator[list[Token]]:
    """Divides a text into what one run of the graph speaks.

    A sentence is one unit, unless it is longer than `first_words` (for the first unit of all, so
    that it can be heard early) or `max_words`: then it is cut at a clause, or between words.
    """
    limit, source = first_words, iter(tokens)
    ahead = list(itertools.islice(source, _AHEAD))
    while ahead:
        end = _unit_end(ahead, limit)
        yield ahead[:end]
        ahead = [*ahead[end:], *itertools.islice(source, end)]
        limit = min(2 * limit, max_words)


def _unit_end(tokens: Sequence[Token], limit: int) -> int:
    counts = list(itertools.accumulate(len(t.words) for t in tokens))
    marks = [t.ends for t in tokens]
    sentence = marks.index(".") if "." in marks else len(marks) - 1
    if counts[sentence] <= limit + 2:
        return sentence + 1
    room = max(1, bisect.bisect_right(counts, limit))  # tokens that fit
    clauses = [i for i in range(room) if marks[i] == ","]
    if clauses:
        return clauses[-1] + 1
    said = [" ".join(t.words).lower() for t in tokens[: room + 1]]
    return _sensible(said, room) if room > 1 else 1
