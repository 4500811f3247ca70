"""A tool that is to be called."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Call:
    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    by: str = "sentence"
    """How it was decided: a sentence template matched."""
