"""Where speech may be cut: text that is still being written, and sentences too long for one run.

The first words leave as early as they can be spoken well; the rest leaves in whole sentences while
there is audio to hear. Knows nothing of time, audio or phonemes.
"""

from __future__ import annotations

import bisect
import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from .english_words import NOT_THE_END
from .spoken import Token

FEWEST_WORDS = 3
"""Without any mark, the first piece leaves from so many words on where a phrase ends,"""
PLAIN_WORDS = 6
"""between two words that don't cling to each other from so many on,"""
FIRST_WORDS = 7
"""and after so many at the latest."""
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
    due not i he she we they don't doesn't didn't i'm you're it's
    der die das den dem des ein eine einen einem einer le la les un une des du el los las una
    il lo gli os um uma de het een""".split()
) - {"that"}

_VERBS = frozenset("is are was were will would can could should".split())
_SUBJECTS = frozenset("you it this that these those there here what who everyone".split())

Lasts = Callable[[int, int], bool]
"""Whether the first so many of so many characters of a sentence can be spoken already."""


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

    def take(
        self, *, urgent: bool, settled: bool, lasts: Lasts = lambda chars, written: True
    ) -> str | None:
        """The next piece to speak, or None if it is better to wait for more text.

        Args:
            urgent: the listener has (nearly) nothing left to hear: a clause will do, or a phrase.
            settled: no text has come for a moment, so a full stop at the very end is one
                ("3." may still become 3.14, and "example." example.com).
            lasts: asked before a sentence is begun whose end has not been written.
        """
        end = self._sentence_end(settled)
        long = (end or len(self._text)) > MAX_CHARS
        cut = (self._clause_end(end, lasts) if urgent or long else None) or end or self._flushed
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

    def _clause_end(self, sentence_end: int | None, lasts: Lasts) -> int | None:
        sentence = self._text[:sentence_end]
        written = len(sentence)
        for m in _CLAUSE_END.finditer(sentence):
            words = len(sentence[: m.end()].split())
            if words > FIRST_WORDS + 2:
                break
            if m.end() == written and m.start() and sentence[m.start() - 1].isdigit():
                break  # 1,000 or 3:30 may still come
            if sentence_end is not None or lasts(m.end(), written):
                return m.end()
        if sentence_end is not None:
            if len(sentence.split()) <= FIRST_WORDS + 2:
                return None  # a short sentence is better whole
            return _between_words(sentence, FIRST_WORDS)
        cut = _phrase_end(sentence) or _between_words(sentence, FIRST_WORDS)
        if cut is None or lasts(cut, written):
            return cut
        # a model as slow as speech: with more than a phrase the voice may last
        cut = _between_words(sentence, max(FIRST_WORDS, len(sentence.split()) - 1))
        return cut if cut is not None and lasts(cut, written) else None


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


def _phrase_end(text: str) -> int | None:
    """Where the first few words of `text` end well, or None as long as they don't."""
    starts = [m.start() for m in re.finditer(r"\S+", text)]
    words = _plain(text)
    places = range(min(FIRST_WORDS, len(words) - 1), FEWEST_WORDS - 1, -1)
    for i in places:
        if words[i].lower() in _OPENERS and not _cling(words, i):
            return starts[i]
    return next((starts[i] for i in places if i >= PLAIN_WORDS and not _cling(words, i)), None)


def _between_words(text: str, limit: int) -> int | None:
    """Where to cut `text` after at most `limit` words, once the next word has begun."""
    starts = [m.start() for m in re.finditer(r"\S+", text)]
    if len(starts) <= limit or limit < 1:
        return None
    return starts[_sensible(_plain(text)[: limit + 1], limit)]


def _plain(text: str) -> list[str]:
    return [w.strip("\"'“”()*_") for w in text.split()]


def _cling(words: Sequence[str], i: int) -> bool:
    """Whether nobody would pause before word `i`, as after an article or in "you can"."""
    before, word = words[i - 1], words[i]
    if before.lower() in _LEANING or before[-1:].isdigit():
        return True
    if before.lower() in _SUBJECTS and word.lower() in _VERBS:
        return True
    return i > 1 and before[:1].isupper() and word[:1].isupper()


def _sensible(words: Sequence[str], limit: int) -> int:
    """Index of the word to cut before, in the second half of the first `limit` words."""
    places = range(limit, max(1, limit // 2), -1)
    for i in places:
        if words[i].lower() in _OPENERS and not _cling(words, i):
            return i
    return next((i for i in places if not _cling(words, i)), limit)


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
    said = [" ".join(t.words) for t in tokens[: room + 1]]
    return _sensible(said, room) if room > 1 else 1
