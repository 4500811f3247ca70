"""A calculator that cannot run code: simpleeval walks the syntax tree, with bounds of its own.

It takes sums as people and models write them, and refuses what could mean two things.
"""

import math
import re

from simpleeval import InvalidExpression, NumberTooHigh, SimpleEval

LONGEST = 200  # characters: a spoken sum is shorter

_SYMBOLS = str.maketrans(
    {"×": "*", "·": "*", "÷": "/", ":": "/", "−": "-", "–": "-", "^": "**", "[": "(", "]": ")"}
    | dict.fromkeys("$€£¥", "")
)
_NUMBER = re.compile(r"\d[\d.,]*(?<=\d)|[.,]\d+")
_TIMES = re.compile(r"(?<=[\d)%])\s*[xX]\s*(?=[\d(.])")
_PERCENT = re.compile(r"([\d.]+)\s*(?:%|per ?cent\b)(\s*of\b)?", re.IGNORECASE)
_ADDED = re.compile(r"(.*[\d)%])\s*([+-])\s*([\d.]+)\s*(?:%|per ?cent)", re.IGNORECASE)
_IMPLIED = re.compile(r"(?<=[\d)])\s*(?=\(|sqrt)")
_ROOT = re.compile(r"(?:√|\bsqrt)\s*([\d.]+)")


def calculate(expression: str) -> dict[str, int | float | str]:
    """Evaluates a sum such as "2 + 3 * (4 - 1)", "20% of 50", "sqrt(16)" or "1,5 * 2".

    Returns:
        {"result": number}, whole where it is whole, else rounded to 4 places, below 0.1 to 4
        significant digits and below 0.0001 written out as a text; or {"error": why}.
    """
    if not expression.strip() or len(expression) > LONGEST:
        return {"error": f"an expression of 1 to {LONGEST} characters was expected"}
    evaluator = SimpleEval(functions={"sqrt": _root}, names={})
    try:
        value = evaluator.eval(_python(expression))
    except ZeroDivisionError:
        return {"error": "division by zero"}
    except (NumberTooHigh, OverflowError):
        return {"error": "the numbers are too large"}
    except (InvalidExpression, SyntaxError, TypeError, ValueError, RecursionError, MemoryError):
        return {"error": "not an expression that I understand"}
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        return {"error": "not an expression that I understand"}
    if abs(value) > 1e15:
        return {"error": "the numbers are too large"}
    return {"result": _rounded(value)}


def number(text: str, decimal: str = ".") -> str:
    """A number as Python writes it: "1,250.5" -> "1250.5", "1,5" -> "1.5", "007" -> "7".

    Args:
        decimal: the decimal sign of the language. The other sign groups thousands where exactly
            three digits follow; before any other number of digits it can only be a decimal sign.

    Raises:
        ValueError: it is no number.
    """
    signs = [c for c in text if c in ".,"]
    *whole, rest = re.split("[.,]", text)
    if not signs:
        return str(int(text))
    if len(set(signs)) == 1:
        if _grouped([*whole, rest]) and (len(signs) > 1 or signs[0] != decimal):
            return str(int("".join([*whole, rest])))
        if len(signs) == 1:
            return f"{int(whole[0] or '0')}.{rest}"
    elif _grouped(whole) and signs[-1] not in signs[:-1]:
        return f"{''.join(whole)}.{rest}"
    raise ValueError(f"{text!r}: a number was expected")


def _grouped(groups: list[str]) -> bool:
    """Whether that is how thousands are grouped: 1-3 digits, then threes."""
    first, *others = groups
    return 0 < len(first) <= 3 and first[0] != "0" and all(len(g) == 3 for g in others)


def _python(expression: str) -> str:
    text = expression.translate(_SYMBOLS).strip().rstrip("=? ")
    text = _NUMBER.sub(lambda found: number(found[0]), text)
    text = _TIMES.sub(" * ", text)
    if (added := _ADDED.fullmatch(text)) and added[1].count("(") == added[1].count(")"):
        text = f"({added[1]}) * (1 {added[2]} {added[3]} / 100)"
    text = _PERCENT.sub(lambda found: f"({found[1]} / 100)" + (" * " if found[2] else ""), text)
    return _IMPLIED.sub(" * ", _ROOT.sub(r"sqrt(\1)", text))


def _root(value: float) -> float:
    whole = math.isqrt(int(value)) if value >= 0 and value == int(value) else -1
    return whole if whole >= 0 and whole * whole == value else math.sqrt(value)


def _rounded(value: float) -> int | float | str:
    if value and abs(value) < 0.1:
        digits = float(f"{value:.4g}")
        # 3.333e-05 is nothing that a voice can say
        return digits if abs(digits) >= 1e-4 else f"{digits:.20f}".rstrip("0")
    rounded = round(value, 4)
    return int(rounded) if rounded == int(rounded) else rounded
