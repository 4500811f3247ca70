"""An utterance and the call that is right for it; whether another call means the same."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...errors import EarshotError
from ...tools.calculator import calculate
from ...tools.timers import UNITS_S, unit_of

HERE = Path(__file__).parent
SETS = ("develop", "held_out", "phrasings")
BUILT_IN = "built-in"


@dataclass(frozen=True)
class Case:
    """One utterance."""

    text: str
    """As somebody says it; what a recogniser wrote in a heard case."""
    language: str
    tool: str | None
    """None: no tool is to be called."""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """A list of words: each must be in the argument, "a|b" being either of two; else a value."""
    offered: str = BUILT_IN
    """Which tools there are: Earshot's five, or those of a template."""
    heard: bool = False


def load(path: Path) -> list[Case]:
    """The cases of a file, those that were also heard twice.

    Raises:
        EarshotError: a line is no case.
    """
    return [case for line in path.read_text().splitlines() for case in _cases(path, line)]


def _cases(path: Path, line: str) -> Iterator[Case]:
    try:
        row = json.loads(line)
        heard = row.pop("heard", None)
        row.pop("voice", None)
        yield Case(**row)
        if heard is not None:
            yield Case(**{**row, "text": heard, "heard": True})
    except (ValueError, TypeError) as e:
        raise EarshotError(f"{path}: {line[:60]!r}: a case was expected: {e}") from e


def decided(case: Case, tool: str | None) -> bool:
    """Whether that is the right tool, or rightly none."""
    return case.tool == tool


def same(case: Case, arguments: Mapping[str, Any]) -> bool:
    """Whether the arguments mean what those of the case do."""
    if case.tool == "set_timer":
        return _seconds(arguments) == _seconds(case.arguments)
    if case.tool == "calculate":
        expected = calculate(case.arguments["expression"])
        return "result" in expected and calculate(str(arguments.get("expression"))) == expected
    return all(_means(arguments.get(key), wanted) for key, wanted in case.arguments.items())


def _seconds(arguments: Mapping[str, Any]) -> float | None:
    one = unit_of(str(arguments.get("unit")))
    try:
        return None if one is None else float(arguments["amount"]) * UNITS_S[one]
    except (KeyError, TypeError, ValueError):
        return None


def _means(value: Any, wanted: Any) -> bool:
    text = str(value).casefold()
    if not isinstance(wanted, list):
        return text == str(wanted).casefold()
    return all(any(either in text for either in w.casefold().split("|")) for w in wanted)
