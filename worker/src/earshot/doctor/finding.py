"""One line of the doctor's result."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

from .causes import CAUSES

Colour = Literal["green", "yellow", "red", "grey"]
"""works; works, but not for everybody or not well; does not work; was not looked at"""


@dataclass(frozen=True)
class Finding:
    """What one check found."""

    check: str
    colour: Colour
    said: str
    """What was seen, in one line; holds no secret and no word that was spoken."""
    cause: str = ""
    """A key of `causes.CAUSES`; empty where there is nothing to mend."""

    @property
    def means(self) -> str:
        return CAUSES[self.cause].means if self.cause else ""

    @property
    def cure(self) -> str:
        return CAUSES[self.cause].cure if self.cause else ""

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "means": self.means, "cure": self.cure}


def green(check: str, said: str) -> Finding:
    return Finding(check, "green", said)


def yellow(check: str, cause: str, said: str) -> Finding:
    return Finding(check, "yellow", said, cause)


def red(check: str, cause: str, said: str) -> Finding:
    return Finding(check, "red", said, cause)


def grey(check: str, said: str) -> Finding:
    return Finding(check, "grey", said)
