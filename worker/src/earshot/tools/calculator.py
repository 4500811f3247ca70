"""A calculator that cannot run code: simpleeval walks the syntax tree, with bounds of its own."""

import re

from simpleeval import InvalidExpression, NumberTooHigh, SimpleEval

LONGEST = 200  # characters: a spoken sum is shorter

_SYMBOLS = {"×": "*", "·": "*", "÷": "/", "−": "-", "–": "-", "^": "**", ",": ""}


def calculate(expression: str) -> dict[str, int | float | str]:
    """Evaluates a sum such as "2 + 3 * (4 - 1)".

    Returns:
        {"result": number}, whole where it is whole, else rounded to 4 places; or {"error": why}.
    """
    text = "".join(_SYMBOLS.get(c, c) for c in expression).strip()
    text = re.sub(r"(?<=\d)\s*x\s*(?=\d)", " * ", text)
    # int("007") is fine for people, not for Python's syntax
    text = re.sub(r"(?<![\d.])0+(?=\d)", "", text)
    if not text or len(text) > LONGEST:
        return {"error": f"an expression of 1 to {LONGEST} characters was expected"}
    evaluator = SimpleEval(functions={}, names={})
    try:
        value = evaluator.eval(text)
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
    rounded = round(value, 4)
    return {"result": int(rounded) if rounded == int(rounded) else rounded}
