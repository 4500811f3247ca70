"""One figure of a benchmark: ours, the rival's, and the ratio that was aimed at."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Subject:
    """A model to measure both ways on."""

    name: str
    path: Path
    target: float
    """Ratio aimed at, for the stage's first figure."""


@dataclass(frozen=True)
class Row:
    stage: str
    """What is measured: "end of speech -> final transcript"."""
    model: str
    """On which model: "starter", "base-size random"."""
    ours_ms: float
    stock_ms: float | None = None
    """The stock way in the same run; None where there is none, as with cancelling."""
    target: float | None = None
    """The ratio aimed at; without a rival, the milliseconds aimed at."""
    unit: str = "ms"

    @property
    def ratio(self) -> float | None:
        return None if self.stock_ms is None else self.ours_ms / self.stock_ms

    @property
    def met(self) -> bool | None:
        """Whether the target was met; None without one."""
        if self.target is None:
            return None
        return (self.ours_ms if self.ratio is None else self.ratio) <= self.target

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "ratio": self.ratio, "met": self.met}
