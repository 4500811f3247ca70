"""An utterance as words and punctuation, and its spoken numbers as digits."""

import functools
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence

from text_to_num import Occurence, find_numbers  # type: ignore[import-untyped]

MARKS = ".,!?;:…—–"
TEXT2NUM = frozenset({"da", "de", "en", "es", "fr", "it", "nl", "pt"})
# "a thirty second timer" is no thirty-second one
_UNITS = frozenset({"second", "seconds", "seconde", "secondes", "segundo", "segundos"})
_AROUND = "\"'“”„«»¿¡‚‘…-–—*"  # quotes, dashes, stars of a list
_SIGNS = frozenset("-–*/")
_MINUS = ("-", "–")


def split(text: str) -> list[str]:
    """Words and, each alone, the marks after them: "Hey, what time is it?" -> [hey , what ... ?]"""
    found: list[str] = []
    for part in unicodedata.normalize("NFC", text).replace("’", "'").split():
        if not part.strip(_AROUND + MARKS):
            # a sign between numbers, or punctuation as the French set it
            if part in _SIGNS and found and found[-1][-1] in "0123456789)%":
                found.append("-" if part in _MINUS else part)
            elif found and (marks := [c for c in part if c in MARKS]):
                found.append(marks[0])
            continue
        word = part.lstrip(_AROUND)
        if word[0] in ".," and word[1:2].isdecimal():
            word = f"0{word}"
        if word[0].isdecimal() and part[: len(part) - len(word)].endswith(_MINUS):
            word = f"-{word}"
        bare = word.rstrip(MARKS + _AROUND)
        found.append(bare)
        if mark := next((c for c in word[len(bare) :] if c in MARKS), ""):
            found.append(mark)
    return found


class _Token:
    def __init__(self, text: str) -> None:
        self._text = text

    def text(self) -> str:
        return self._text

    def nt_separated(self, previous: "_Token") -> bool:
        return previous.text() in MARKS

    def not_a_number_part(self) -> bool:
        return self._text in _UNITS


def digits(
    words: Sequence[str], language: str, more: Mapping[str, int], *, ordinals: bool = False
) -> list[str]:
    """The same in small letters, with numbers in digits: "three point five plus 2" -> [3.5 plus 2].

    Args:
        more: number words that the library lacks.
        ordinals: "third" too, as "3rd".
    """
    small = [str(more.get(w.lower(), w.lower())) for w in words]
    if language in TEXT2NUM:
        numbers = _library(small, language, ordinals)
    else:
        numbers = _spelled(small, language)
    done, at = [], 0
    for start, end, text in numbers:
        done += [*small[at:start], text]
        at = end
    return done + small[at:]


def _library(words: list[str], language: str, ordinals: bool) -> Iterator[tuple[int, int, str]]:
    found: list[Occurence] = find_numbers([_Token(w) for w in words], language, 0)
    return ((o.start, o.end, o.text) for o in found if ordinals or not o.is_ordinal)


def _spelled(words: list[str], language: str) -> Iterator[tuple[int, int, str]]:
    """Languages that say their hundreds, tens and ones apart, each smaller than the one before."""
    known = _cardinals(language)
    start, total, last = 0, 0, 0
    for at, word in enumerate([*words, ""]):
        value = known.get(word)
        # 40 takes a 5, and 100 a 45, but 5 takes nothing
        room = 10 ** (len(str(last)) - 1) if last > 19 else 0
        if start < at and (value is None or value == 0 or value >= room):
            yield start, at, str(total)
            start = at
        if value is None:
            start, total, last = at + 1, 0, 0
        else:
            total, last = (total if start < at else 0) + value, value


@functools.lru_cache(maxsize=4)
def _cardinals(language: str) -> dict[str, int]:
    from unicode_rbnf import RbnfEngine

    engine = RbnfEngine.for_language(language)
    known: dict[str, int] = {}
    for value in [1000, *range(900, 100, -100), 100, *range(90, 20, -10), *range(20, -1, -1)]:
        for rules, said in engine.format_number(value).text_by_ruleset.items():
            if "cardinal" in rules or "numbering" in rules:
                known[said] = value
    return known


_PIECE = re.compile(r"\d[\d.,]*(?<=\d)|[^\W\d_]+(?:['-][^\W\d_]+)*|\S")


def pieces(text: str) -> list[str]:
    """Numbers, words and signs apart: "15% of 3x4" -> [15, %, of, 3, x, 4]."""
    return _PIECE.findall(text)


def phrase(words: Sequence[str], at: int, known: Mapping[tuple[str, ...], str]) -> tuple[str, int]:
    """The longest known phrase from there: (its meaning, where it ends); ("", at) if none."""
    for length in range(min(len(words) - at, 5), 0, -1):
        if meaning := known.get(tuple(words[at : at + length])):
            return meaning, at + length
    return "", at
