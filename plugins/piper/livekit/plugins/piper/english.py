"""How English reads what isn't written in letters: money, times, dates, units, abbreviations.

Each rule is a pattern and what to say for it; None leaves the text to the next rule. The earliest
match wins, of two at one place the rule that stands first. Knows nothing of phonemes or audio.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from .english_words import (
    ABBREVIATIONS,
    BEFORE_NAMES,
    CURRENCIES,
    FRACTIONS,
    MAGNITUDES,
    MONTH,
    MONTHS,
    OPERATORS,
    UNITS,
)
from .numbers import cardinal, decimal, digits, ordinal, year

Rule = tuple[re.Pattern[str], Callable[[re.Match[str]], str | None]]

_INT = r"\d{1,3}(?:,\d{3}){1,8}|\d{1,40}"
_NUM = rf"(?:{_INT})(?:\.\d{{1,40}})?"
_LEFT = r"(?<![\w.,$£€¥:/-])"  # where a number may begin
_RIGHT = r"(?![\w]|[.,:/-]\d)"  # where it may end


def rules(language: str) -> list[Rule]:
    """Rules for a variety of English: `en_GB` reads 3/4/2025 day first, `en_US` month first."""
    day_first = not language.lower().replace("-", "_").endswith(("en", "_us"))

    def rule(pattern: str, say: Callable[[re.Match[str]], str | None], flags: int = 0) -> Rule:
        return re.compile(pattern, flags), say

    symbol = "|".join(re.escape(c) for c in sorted(CURRENCIES, key=len, reverse=True))
    magnitude = "|".join(sorted(MAGNITUDES, key=len, reverse=True))
    unit = "|".join(re.escape(u) for u in sorted(UNITS, key=len, reverse=True))
    ampm = r"(?:\s?([aApP])\.?\s?[mM]\b(\.(?=\s+[a-z\d]|,|;|:))?)"
    names = "|".join(BEFORE_NAMES)
    abbreviations = "|".join(re.escape(a) for a in sorted(ABBREVIATIONS, key=len, reverse=True))

    return [
        # times
        rule(rf"{_LEFT}([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?{ampm}?(?![\w:])", _time),
        rule(rf"{_LEFT}(1[0-2]|0?[1-9]){ampm}(?!\w)", lambda m: _hour_ampm(m[1], "", m[2])),
        # dates
        rule(rf"{_LEFT}(\d{{4}})-(0?[1-9]|1[0-2])-(0?[1-9]|[12]\d|3[01])(?!\w|-)", _iso_date),
        rule(
            rf"{_LEFT}(\d{{1,2}})/(\d{{1,2}})/(\d{{4}}|\d\d)(?![\w/])",
            lambda m: _slash_date(m, day_first),
        ),
        rule(
            rf"\b({MONTH})\.?\s+(\d{{1,2}})(?:st|nd|rd|th)?\b(?!:|\.\d|,\d)(?:,?\s+(\d{{4}})\b)?",
            lambda m: _date(_month(m[1]), int(m[2]), m[3]),
        ),
        rule(
            rf"{_LEFT}(\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?({MONTH})\b\.?(?:,?\s+(\d{{4}})\b)?",
            lambda m: _date(_month(m[2]), int(m[1]), m[3], day_first=True),
        ),
        rule(rf"\b({MONTH})\.?\s+(\d{{4}})\b", lambda m: f"{_month(m[1])} {year(int(m[2]))}"),
        # phone numbers
        rule(
            r"(?<![\w.+-])(\+\d{1,3}[ .-]?)?(\(\d{3}\)[ .-]?|\d{3}[ .-])(\d{3})[ .-](\d{4})"
            r"(?!\w|[.-]\d)",
            lambda m: _phone(m[0]),
        ),
        rule(r"(?<![\w.+$£€-])(\d{3})-(\d{4})(?!\w|[.-]\d)", lambda m: _phone(m[0])),
        rule(r"(?<![\w.+-])\+\d{1,3}(?:[ .-]?\d{2,5}){2,5}(?!\w|[.-]\d)", lambda m: _phone(m[0])),
        # money
        rule(
            rf"(?<!\w)([-−])?({symbol})\s?({_NUM})(?:\s?({magnitude})\b)?(?!\w|[.,]\d)",
            lambda m: _money(m[2], m[3], m[4], m[1]),
        ),
        rule(
            rf"{_LEFT}({_NUM})(?:\s?({magnitude})\b)?\s?([$£€¥₹]|USD\b|EUR\b|GBP\b|CHF\b|JPY\b)",
            lambda m: _money(m[3], m[1], m[2], None),
        ),
        # arithmetic
        rule(
            r"(?<=[\d)])\s+([-+−*×x·/÷=≈<>≤≥^])\s+(?=[-−(]?[$£€]?\d)",
            lambda m: f" {OPERATORS[m[1]]} ",
        ),
        rule(r"(?<=\d)([+×*=÷^])(?=\d)", lambda m: f" {OPERATORS[m[1]]} "),
        rule(r"(?<=\w)\s+([=≈≤≥÷×])\s+(?=\w)", lambda m: f" {OPERATORS[m[1]]} "),
        # versions and network addresses, ranges, fractions
        rule(
            rf"(?<![\w.])[vV]?(\d+(?:\.\d+){{2,}}){_RIGHT}",
            lambda m: " point ".join(cardinal(int(n)) for n in m[1].split(".")),
        ),
        rule(r"(?<![\w.-])(1[1-9]\d\d|20\d\d)\s?[-–]\s?(1[1-9]\d\d|20\d\d)(?![\w-])", _years),
        rule(
            rf"(?<![\w.,-])({_NUM})\s?[-–]\s?({_NUM})(?:\s?({unit})(?![\w²³/]))?(?![\w-])",
            lambda m: f"{_number(m[1])} to {_amount(m[2], m[3])}",
        ),
        rule(rf"{_LEFT}([1-9])/([2-9]|10){_RIGHT}", _fraction),
        rule(r"(?:(?<!\d)(\d{1,9})\s?)?([½⅓⅔¼¾])", _fraction_sign),
        # decades
        rule(r"(?<![\w.,-])((?:1[1-9]|20)\d)0'?s\b", _decade),
        rule(r"(?<!\w)['’](\d)0s\b", lambda m: _plural(cardinal(int(m[1]) * 10))),
        # units
        rule(
            rf"(?<![\w.,$£€-])([-−]?(?:{_NUM}))\s?({unit})(?![\w²³/]|\.\w)",
            lambda m: _amount(m[1], m[2]),
        ),
        # years and other numbers
        rule(rf"(?<![\w.,-])({_INT})(?:st|nd|rd|th)\b", lambda m: ordinal(_int(m[1]))),
        rule(r"(?<![\w.,$£€-])(1[1-9]\d\d|20\d\d)(?![\w%]|[.,:/-]\d)", lambda m: year(int(m[1]))),
        rule(r"(?:#|\bNo\.|№)\s?(?=\d)", lambda m: "number "),
        rule(rf"(?<![\w.,])([-−]?(?:{_NUM}))(?!\w|[.,]\d)", lambda m: _number(m[1])),
        rule(r"(?<![\w.,])\.(\d+)(?!\w)", lambda m: f"point {digits(m[1])}"),
        # abbreviations
        rule(rf"\b({names})\.(?=\s+[A-Z]|\s+and\b)", lambda m: BEFORE_NAMES[m[1]]),
        rule(r"^[ \t]*(\d{1,2})[.)]\s+(?=\S)", lambda m: f"{cardinal(int(m[1]))}, ", re.M),
        rule(r"\bSt\.(?=\s+[A-Z][a-z])", _saint),
        rule(r"\be\.\s?g\.(,)?", lambda m: "for example,"),
        rule(r"\bi\.\s?e\.(,)?", lambda m: "that is,"),
        rule(rf"\b({abbreviations})(\.(?!\w))", _abbreviation),
        rule(r"\b(?:[A-Z]\.){2,}", _initials),
        rule(r"\b([A-Z]{2,5})s\b", lambda m: f"{m[1]}'s"),
        rule(r"\bw/o\b", lambda m: "without"),
        rule(r"\bw/(?=\s)", lambda m: "with"),
        rule(r"(?<=\w)/(?=(?:month|year|day|hour|week|minute|person|night)\b)", lambda m: " per "),
        rule(r"(?<=[A-Za-z])/(?=[A-Za-z])", lambda m: " "),
        # symbols
        rule(r"\s?&\s?", lambda m: " and "),
        rule(r"(?<=\w)\s?@\s?(?=\w)", lambda m: " at "),
        rule(r"(?<!\w)[~≈](?=[$£€]?\d)", lambda m: "about "),
        rule(r"\s{0,2}(?:\.\.\.|…)\s{0,2}(?=\w)", lambda m: ", "),
        rule(r"\s{0,2}(?:\.\.\.|…)", lambda m: "."),
        rule(r"\s{0,2}(?:→|->|=>)\s{0,2}", lambda m: ", "),
        rule(r"(?<=\w)[ \t]*(?:[—–]|(?<=[ \t])--?(?=[ \t]))[ \t]*(?=\w)", lambda m: ", "),
        rule(r"(?<=\w)_(?=\w)", lambda m: " "),
    ]


def _int(text: str) -> int:
    return int(text.replace(",", ""))


def _number(text: str) -> str:
    whole = text.lstrip("-−")
    # 007 and account numbers are read digit by digit
    if whole.isdigit() and (len(whole) > 9 or (whole.startswith("0") and len(whole) > 1)):
        return digits(whole)
    return decimal(text)


def _time(m: re.Match[str]) -> str:
    hour, minute, second, half = int(m[1]), int(m[2]), m[3], m[4]
    if half:
        return _hour_ampm(m[1], m[2], half)
    words = cardinal(hour)
    if minute == 0 and not second:
        return f"{words} o'clock" if 1 <= hour <= 12 else f"{words} hundred" if hour else "midnight"
    words += f" oh {cardinal(minute)}" if minute < 10 else f" {cardinal(minute)}"
    return words + (f" and {cardinal(int(second))} seconds" if second else "")


def _hour_ampm(hour: str, minute: str, half: str) -> str:
    words = cardinal(int(hour))
    if minute and int(minute):
        words += f" oh {cardinal(int(minute))}" if int(minute) < 10 else f" {cardinal(int(minute))}"
    return f"{words} {half.upper()}M"


def _month(name: str) -> str:
    return next(m for m in MONTHS if m.startswith(name[:3]))


def _date(month: str, day: int, year_text: str | None, day_first: bool = False) -> str | None:
    if not 1 <= day <= 31:
        return None
    words = f"the {ordinal(day)} of {month}" if day_first else f"{month} {ordinal(day)}"
    return words + (f", {year(int(year_text))}" if year_text else "")


def _iso_date(m: re.Match[str]) -> str | None:
    return _date(MONTHS[int(m[2]) - 1], int(m[3]), m[1])


def _slash_date(m: re.Match[str], day_first: bool) -> str | None:
    a, b = int(m[1]), int(m[2])
    if (day_first or a > 12) and b <= 12:
        a, b = b, a
    if not 1 <= a <= 12:
        return None
    full = m[3] if len(m[3]) == 4 else f"{'19' if int(m[3]) > 68 else '20'}{m[3]}"
    return _date(MONTHS[a - 1], b, full, day_first)


def _phone(text: str) -> str:
    groups = re.findall(r"\d+", text)
    return ("plus " if text.startswith("+") else "") + ", ".join(digits(g) for g in groups)


def _money(symbol: str, amount: str, magnitude: str | None, sign: str | None) -> str:
    one, many, cent, cents = CURRENCIES[symbol]
    whole, _, fraction = amount.replace(",", "").partition(".")
    minus = "minus " if sign else ""
    if magnitude:
        return f"{minus}{decimal(amount)} {MAGNITUDES[magnitude]} {many}"
    if fraction and len(fraction) != 2:
        return f"{minus}{decimal(amount)} {many}"
    parts = []
    if int(whole) or not int(fraction or 0):
        parts.append(f"{cardinal(int(whole))} {one if int(whole) == 1 else many}")
    if int(fraction or 0):
        parts.append(f"{cardinal(int(fraction))} {cent if int(fraction) == 1 else cents}")
    return minus + " and ".join(parts)


def _years(m: re.Match[str]) -> str:
    return f"{year(int(m[1]))} to {year(int(m[2]))}"


def _fraction(m: re.Match[str]) -> str | None:
    top, bottom = int(m[1]), int(m[2])
    if top >= bottom:
        return None
    name = {2: "half", 4: "quarter"}.get(bottom) or ordinal(bottom)
    return f"{cardinal(top)} {name if top == 1 else 'halves' if bottom == 2 else name + 's'}"


def _fraction_sign(m: re.Match[str]) -> str:
    if not m[1]:
        return FRACTIONS[m[2]]
    return f"{cardinal(int(m[1]))} and {FRACTIONS[m[2]].replace('one half', 'a half')}"


def _amount(number: str, unit: str | None) -> str:
    if unit is None:
        return _number(number)
    one, many = UNITS[unit]
    return f"{decimal(number)} {one if number == '1' else many}"


def _decade(m: re.Match[str]) -> str:
    n = int(m[1]) * 10
    return _plural(year(n))


def _plural(words: str) -> str:
    return f"{words[:-1]}ies" if words.endswith("y") else f"{words}s"


def _saint(m: re.Match[str]) -> str | None:
    # "Main St. Then": a street ends its sentence; "St. James": a saint opens a name
    before = m.string[: m.start()].rstrip()
    after_name = re.search(r"(?:[A-Z]\w+|\d(?:st|nd|rd|th))$", before)
    return None if after_name else "Saint"


def _abbreviation(m: re.Match[str]) -> str | None:
    word, rest = m[1], m.string[m.end() :]
    if word in ("min", "Mon", "Sat", "Sun", "Wed", "Mar", "Fri", "Co", "Jan") and not rest.strip():
        return None  # more likely a word that ends the text
    ends = not rest.strip() or re.match(r"\s+[\"'“(]?[A-Z]", rest) is not None
    if word in ("St", "Ave", "Rd", "Blvd", "Co", "Inc", "Ltd", "Corp") and rest.strip():
        ends = ends and re.match(r"\s+[A-Z]\w*\s+[a-z]", rest) is not None
    return ABBREVIATIONS[word] + ("." if ends else "")


def _initials(m: re.Match[str]) -> str:
    ends = re.match(r"\s*$|\s+[A-Z][a-z]+\s+[a-z]", m.string[m.end() :]) is not None
    return m[0].replace(".", "") + ("." if ends else "")
