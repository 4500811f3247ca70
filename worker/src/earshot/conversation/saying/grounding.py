"""Holds what a model says of a result to the numbers in it.

Small models shown "time: 14:05" say "12:34:56" now and then. The first number decides before
anything is heard: a wrong one, and the plain result is said instead.
"""

import re
from collections.abc import Iterable

_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_SENTENCE_END = re.compile(r"[.!?]\s+")


class Grounded:
    """One answer, piece by piece.

    Args:
        facts: texts whose numbers may be said: the question and the results.
        plain: what is said instead, when the first number is wrong.
    """

    def __init__(self, facts: Iterable[str], plain: str) -> None:
        self._known = {n for text in facts for n in _numbers(text)}
        self._plain = plain
        self._held = ""
        self._spoken = False
        self._later = False  # behind the first sentence
        self.over = False
        """Nothing more is to be said."""

    def feed(self, piece: str) -> str:
        """What of it may be said now: of the first sentence the words behind its first number, of
        those that follow whole sentences, which are written while the first is spoken."""
        if self.over:
            return ""
        self._held += piece
        ends = [m.end() for m in _SENTENCE_END.finditer(self._held)]
        cut = ends[-1] if ends else 0
        if not self._later:
            words = self._held.rfind(" ") + 1
            if self._spoken or _NUMBER.search(self._held[:words]):
                cut = max(cut, words)
        self._later = self._later or bool(ends)
        return self._take(cut) if cut else ""

    def finish(self) -> str:
        """What was held back."""
        return "" if self.over else self._take(len(self._held))

    def _take(self, cut: int) -> str:
        text, self._held = self._held[:cut], self._held[cut:]
        wrong = next((m for m in _NUMBER.finditer(text) if not _same(m[0]) & self._known), None)
        if wrong is None:
            self._spoken = self._spoken or bool(text.strip())
            return text
        self.over = True
        ends = [m.end() for m in _SENTENCE_END.finditer(text[: wrong.start()])]
        if not self._spoken and not ends:
            return self._plain
        return text[: ends[-1]] if ends else ""


def _numbers(text: str) -> set[str]:
    found = [m[0] for m in _NUMBER.finditer(text)]
    parts = [part for number in found for part in number.split(":")]  # "14 h 05", "14 Uhr 5"
    return {form for n in [*found, *parts, *(p.lstrip("0") for p in parts)] for form in _same(n)}


def _same(number: str) -> set[str]:
    """A number in the forms that it may be said in: 14:05 and 2:05, 1,200 and 1200, 80.0 and 80."""
    forms = {number, number.replace(",", ""), number.replace(",", ".")}
    hour, colon, minute = number.partition(":")
    if colon and hour.isdigit():
        forms |= {f"{int(hour)}:{minute}", f"{int(hour) % 12 or 12}:{minute}"}
    for form in list(forms):
        if "." in form and form.replace(".", "", 1).isdigit():
            forms.add(form.rstrip("0").rstrip("."))
    return forms
