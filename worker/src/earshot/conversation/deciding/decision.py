"""What was decided about one turn."""

from dataclasses import dataclass
from typing import Literal

from .call import Call

Way = Literal["sentence", "router", "model"]


@dataclass(frozen=True, slots=True)
class Decision:
    call: Call | None
    """None: it is to be talked about, or the model decides as it answers (`by` = "model")."""
    by: Way
    ms: float
    """From the question to the decision, arguments included."""
    missing: str = ""
    """What has to be asked back before the tool can be called: "duration"."""
