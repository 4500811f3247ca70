"""Numbers in English words. Knows nothing of the text they stand in."""

_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
).split()
_TENS = "_ _ twenty thirty forty fifty sixty seventy eighty ninety".split()
_SCALES = ((10**12, "trillion"), (10**9, "billion"), (10**6, "million"), (1000, "thousand"))
_ORDINALS = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}


def cardinal(n: int) -> str:
    """`1234` -> `one thousand two hundred thirty four`. Past 10**15, digit by digit."""
    if n < 0:
        return f"minus {cardinal(-n)}"
    if n < 20:
        return _ONES[n]
    if n < 100:
        return _TENS[n // 10] + (f" {_ONES[n % 10]}" if n % 10 else "")
    if n < 1000:
        return f"{_ONES[n // 100]} hundred" + (f" {cardinal(n % 100)}" if n % 100 else "")
    for value, name in _SCALES:
        if value <= n < value * 1000:
            return f"{cardinal(n // value)} {name}" + (
                f" {cardinal(n % value)}" if n % value else ""
            )
    return digits(str(n))


def ordinal(n: int) -> str:
    """`21` -> `twenty first`."""
    *head, last = cardinal(n).split()
    last = _ORDINALS.get(last) or (f"{last[:-1]}ieth" if last.endswith("y") else f"{last}th")
    return " ".join([*head, last])


def year(n: int) -> str:
    """`1985` -> `nineteen eighty five`, `2005` -> `two thousand five`, `1905` -> `… oh five`."""
    high, low = divmod(n, 100)
    if n < 1000 or n >= 10000 or (high % 10 == 0 and low < 10):
        return cardinal(n)
    if low == 0:
        return f"{cardinal(high)} hundred"
    return f"{cardinal(high)} {f'oh {_ONES[low]}' if low < 10 else cardinal(low)}"


def digits(text: str) -> str:
    """`007` -> `zero zero seven`; what isn't a digit is left out."""
    return " ".join(_ONES[int(c)] for c in text if c.isdigit())


def decimal(text: str) -> str:
    """`1,234.50` -> `one thousand two hundred thirty four point five zero`."""
    sign, text = ("minus ", text[1:]) if text[:1] in "-−" else ("", text)
    whole, _, fraction = text.replace(",", "").partition(".")
    words = cardinal(int(whole)) if whole else "zero"
    return sign + words + (f" point {digits(fraction)}" if fraction else "")
