"""Spoken sums as expressions: "twelve times seven plus three" -> "12 * 7 + 3".

What could mean two things is no sum: a wrong result is worse than none.
"""

from collections.abc import Iterable, Mapping

from ...tools.calculator import calculate, number
from .words import phrase, pieces

_OPERATORS = {"plus": "+", "minus": "-", "times": "*", "divided": "/", "power": "**"}
_SIGNS = {"+": "plus", "*": "times", "×": "times", "·": "times", "x": "times", "÷": "divided"}
_SIGNS |= {"/": "divided", "-": "minus", "−": "minus", "–": "minus", "^": "power", "%": "percent"}
_SIGNS |= {"(": "open", ")": "close", "√": "root", "$": "unit", "€": "unit", "£": "unit"}
_SIGNS |= {"²": "squared", "³": "cubed"}
_FRACTIONS = {"thirds": "/ 3 *", "quarters": "/ 4 *", "fifths": "/ 5 *", "of": "/ 100 *"}
_PARTS = {"half": "1 / 2 *", "third": "1 / 3 *", "quarter": "1 / 4 *", "double": "2 *"}
COUNTED_WORDS = 4
_LARGE = {"1000", "1000000", "1000000000"}


class Sums:
    """The words of sums in one language.

    Args:
        words: phrases by what they stand for: plus, minus, times, divided, power, squared, cubed,
            root, percent, of, off ("10 % off 80"), half, third, quarter, double, thirds, quarters,
            fifths (after a number), whole_half ("and a half"), then, and, unit (of money), skip.
        decimal: the decimal sign.
    """

    def __init__(self, words: Mapping[str, Iterable[str]], decimal: str) -> None:
        self._decimal = decimal
        self.and_ = next(iter(words.get("and", ())), "")
        """The word between the numbers of a list."""
        self._known: dict[tuple[str, ...], str] = {(s,): m for s, m in _SIGNS.items()}
        for meaning, phrases in words.items():
            self._known |= {tuple(p.split()): meaning for p in phrases}

    def expression(
        self,
        text: str,
        *,
        single: bool = False,
        tight: str = "-/",
        and_adds: bool = False,
        counted: bool = False,
    ) -> str | None:
        """What the calculator takes; None if it is not a sum for sure.

        Args:
            text: with its numbers in digits.
            single: a number alone will do.
            tight: signs that may stand between digits without spaces, as they do in phone numbers,
                scores and dates.
            and_adds: the only sign there may be is an "and", for a plus.
            counted: a number alone, perhaps with what is counted ("four tickets").
        """
        found = pieces(text)
        if counted:
            while found and self._known.get((found[0],)) in ("skip", "unit"):
                found = found[1:]
            what = found[1:]
            if len(what) > COUNTED_WORDS or any(not w[0].isalpha() for w in what):
                return None
            found, single = found[:1], True
        close = [(a, sign, b) for a, sign, b in _closely(found) if f"{a}{sign}{b}" in text]
        if any(sign not in tight for _, sign, _ in close):
            return None
        # "7-11", "9-1-1"
        if tight == "-" and close and (len(close) > 1 or float(close[0][0]) < float(close[0][2])):
            return None
        sum_ = _Sum(and_adds)
        at = 0
        while at < len(found):
            if found[at][0].isdecimal():
                try:
                    value = number(found[at], self._decimal)
                except ValueError:
                    return None
                taken, at = sum_.number(value), at + 1
            else:
                meaning, at = phrase(found, at, self._known)
                taken = bool(meaning) and sum_.sign(meaning)
            if not taken:
                return None
        made = sum_.text(single)
        return made if made and calculate(made).get("error") != _UNREADABLE else None


_UNREADABLE = calculate("?")["error"]


def _closely(found: list[str]) -> Iterable[tuple[str, str, str]]:
    for a, sign, b in zip(found, found[1:], found[2:], strict=False):
        if sign in "-/" and a.isdecimal() and b.isdecimal():
            yield a, sign, b


class _Sum:
    """Piece by piece; False as soon as it isn't one."""

    def __init__(self, and_adds: bool) -> None:
        self._and_adds = and_adds
        self._made: list[str] = []
        self._signs: list[str] = []
        self._wanted = True  # a number comes next; else a sign
        self._root = False
        self._closed = False  # "half of ten plus four": of both, or of ten?
        self._then = False
        self._percent = False
        self._off = False
        self._depth = 0

    def number(self, value: str) -> bool:
        if not self._wanted:
            # "10 million"
            if self._made and value in _LARGE and _plain(self._made[-1], 1000):
                self._made[-1] = f"{float(self._made[-1]) * int(value):.10g}"
                return True
            return False
        if self._percent or self._then:
            return False
        if self._off:
            self._made = [f"{value} * (1 - {self._made[0]} / 100)"]
        else:
            self._made.append(f"sqrt({value})" if self._root else value)
        self._root, self._wanted = False, False
        return True

    def sign(self, meaning: str) -> bool:
        if meaning in ("skip", "unit"):
            return True
        if self._percent and meaning not in ("of", "off"):
            return False
        return self._before(meaning) if self._wanted else self._after(meaning)

    def _before(self, meaning: str) -> bool:
        if self._root:
            return meaning == "of"
        if meaning == "minus" and (not self._made or self._made[-1] != "-") and not self._and_adds:
            self._made.append("-")
        elif meaning == "root" and not self._closed:
            self._root = self._closed = True
            self._signs.append(meaning)
        elif meaning in _PARTS and not self._closed:
            self._made.append(_PARTS[meaning])
            self._signs.append(meaning)
            self._closed = True
        elif meaning == "open":
            self._made.append("(")
            self._depth += 1
        else:
            return meaning == "of" and bool(self._signs) and self._signs[-1] in _PARTS
        return True

    def _after(self, meaning: str) -> bool:
        if (meaning in _FRACTIONS and meaning != "of") or (meaning == "of" and self._percent):
            self._made.append(_FRACTIONS[meaning])
            self._percent, self._wanted, self._closed = False, True, True
            self._signs.append(meaning)
        elif meaning == "off" and self._percent and len(self._made) == 1:
            self._percent, self._wanted, self._closed, self._off = False, True, True, True
            self._signs.append(meaning)
        elif meaning == "percent":
            self._percent = True
        elif meaning == "and" and self._and_adds:
            self._made.append("+")
            self._signs.append("and")
            self._wanted = True
        elif self._and_adds or self._closed:
            return False
        elif meaning in _OPERATORS:
            self._made.append(_OPERATORS[meaning])
            self._signs.append(meaning)
            self._wanted, self._then = True, False
        elif meaning in ("squared", "cubed"):
            self._made.append("** 2" if meaning == "squared" else "** 3")
            self._signs.append(meaning)
        elif meaning == "whole_half" and _plain(self._made[-1], 10**6):
            self._made[-1] = f"{float(self._made[-1]) + 0.5:g}"
        elif meaning == "close" and self._depth:
            self._made.append(")")
            self._depth -= 1
        elif meaning == "then" and self._signs and not self._depth:
            self._made = ["(", *self._made, ")"]
            self._then = True
        else:
            return False
        return True

    def text(self, single: bool) -> str | None:
        if self._wanted or self._depth or self._then or not (self._signs or single):
            return None
        if self._percent:
            return self._added()
        return " ".join(self._made).replace("( ", "(").replace(" )", ")")

    def _added(self) -> str | None:
        """ "80 plus 15 percent": 15 % of the 80 more."""
        match self._made:
            case [of, "+" | "-" as sign, part]:
                return f"{of} * (1 {sign} {part} / 100)"
        return None


def _plain(text: str, below: float) -> bool:
    try:
        return float(text) < below
    except ValueError:
        return False
