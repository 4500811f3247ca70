"""Spoken durations: "an hour and a half" -> 90 minutes."""

from collections.abc import Iterable, Mapping, Sequence

from ...tools.calculator import number
from ...tools.timers import LONGEST_S
from .words import phrase, pieces

REST_WORDS = 8
_UNITS_S = {"hour": 3600, "minute": 60, "second": 1}


class Durations:
    """The words of durations in one language.

    Args:
        words: phrases by what they stand for: hour, minute, second; hour_alone, minute_alone (are
            one where no number is before them: Polish); one ("an"); half (after a unit:
            "and a half"; before it: "and a half hours"); and; and durations as such, by their
            seconds ("1800": "half an hour").
        decimal: the decimal sign.
    """

    def __init__(self, words: Mapping[str, Iterable[str]], decimal: str) -> None:
        self._decimal = decimal
        self._known = {tuple(p.split()): str(m) for m, phrases in words.items() for p in phrases}

    def mentioned(self, words: Sequence[str]) -> bool:
        """Whether a unit, or a duration as such, is among the words."""
        at = 0
        while at < len(words):
            meaning, after = phrase(words, at, self._known)
            if meaning in _UNITS_S or meaning.isdigit():
                return True
            at = max(after, at + 1)
        return False

    def duration(self, text: str) -> tuple[int, str] | None:
        """(amount, "hours" | "minutes" | "seconds"), in the smallest unit that was said; None if it
        is no duration, or longer than a timer may be.

        Args:
            text: with its numbers in digits.
        """
        if text.startswith("-"):
            return None
        made = _Duration()
        found = pieces(text.replace("-", " "))  # "90-second"
        at = 0
        while at < len(found):
            if found[at][0].isdecimal():
                meaning, after = phrase(found, at, self._known)  # "1/2 hour", "3 quarters"
                if not meaning:
                    try:
                        taken = made.number(float(number(found[at], self._decimal)))
                    except ValueError:
                        return None
                    after = at + 1
                else:
                    taken = made.word(meaning)
            else:
                meaning, after = phrase(found, at, self._known)
                taken = bool(meaning) and made.word(meaning)
            if not taken:
                return None
            at = after
        return made.whole()

    def leading(self, text: str) -> tuple[int, str] | None:
        """The duration that a text begins with, where no number is in the rest."""
        words = text.split()
        for end in range(len(words), 0, -1):
            if found := self.duration(" ".join(words[:end])):
                rest = words[end:]
                clear = len(rest) <= REST_WORDS and not any(w[0].isdecimal() for w in rest)
                return found if clear else None
        return None


class _Duration:
    """Piece by piece; False as soon as it isn't one."""

    def __init__(self) -> None:
        self._seconds = 0.0
        self._amount: float | None = None  # a number whose unit has not come yet
        self._unit = 0  # seconds of the last unit
        self._fixed = False
        self._smallest = 0

    def number(self, value: float) -> bool:
        if self._amount is not None:
            return False
        self._amount = value
        return True

    def word(self, meaning: str) -> bool:
        if meaning == "and":
            return self._amount is None and self._seconds > 0
        if meaning == "one":
            return self.number(1)
        if meaning == "half":
            if self._amount is not None:  # "two and a half" hours
                self._amount += 0.5
            elif self._unit and not self._fixed:  # "an hour" and a half
                self._add(0.5, self._unit)
                self._fixed = True
            else:
                return False
            return True
        if meaning.endswith("_alone"):
            meaning = meaning.removesuffix("_alone")
            if self._amount is None and not self._seconds:
                self._amount = 1
        if meaning in _UNITS_S:
            if self._amount is None:
                return False
            amount, self._amount = self._amount, None
            return self._add(amount, _UNITS_S[meaning])
        if self._amount is not None or self._fixed:
            return False
        self._seconds += int(meaning)
        self._fixed = True
        self._smallest = 60 if int(meaning) % 60 == 0 else 1
        return True

    def _add(self, amount: float, unit: int) -> bool:
        if self._unit and unit >= self._unit and amount != 0.5:
            return False  # "five minutes ten minutes"
        seconds = amount * unit
        self._seconds += seconds
        self._unit = unit
        while seconds % unit and unit > 1:  # half an hour is said in minutes
            unit = 60 if unit == 3600 else 1
        self._smallest = min(unit, self._smallest or unit)
        return True

    def whole(self) -> tuple[int, str] | None:
        if self._amount is not None:
            # "one minute thirty"
            if self._unit <= 1 or self._fixed or not 0 < self._amount < 60:
                return None
            if not self._add(self._amount, 60 if self._unit == 3600 else 1):
                return None
        if not 0 < self._seconds <= LONGEST_S or not self._smallest:
            return None
        unit = next(u for u, s in _UNITS_S.items() if s == self._smallest)
        amount = self._seconds / self._smallest
        if amount != int(amount):
            return (int(self._seconds), "seconds") if self._seconds == int(self._seconds) else None
        return int(amount), f"{unit}s"
