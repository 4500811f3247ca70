"""What a load test does, and what it will not do: every number has a limit here."""

from dataclasses import dataclass

from .questions import Questions

CALLERS_MAX = 64
"""at once; each is a process of about 100 MB"""
STEPS_MAX = 12
FOR_MIN_S, FOR_MAX_S = 5.0, 3600.0
AGENT_WITHIN_S = 30.0
START_S = 30.0
"""for the callers' processes to be ready, and START_EACH_S more for each"""
START_EACH_S = 4.0
STAGGER_S = 0.5
"""between one caller and the next: nobody's callers come in the same millisecond"""
JOIN_S, GREETING_S, TURN_S, LEAVE_S = 35.0, 50.0, 80.0, 15.0
"""the longest that these may take by the limits of their own waits"""
REST_S = 6.0
"""between steps: the worker makes its next processes ready"""


@dataclass(frozen=True)
class Plan:
    """What was asked for."""

    calls: tuple[int, ...]
    """how many at once, step by step"""
    for_s: float
    """how long each call asks"""
    questions: Questions
    interrupt_every: int = 4
    agent: str = ""
    """the agent to be called by name; empty: whichever joins by itself"""

    @property
    def call_deadline_s(self) -> float:
        """From a caller's start to its end; whoever is not done by then is ended."""
        return JOIN_S + AGENT_WITHIN_S + GREETING_S + self.for_s + TURN_S + LEAVE_S

    def start_deadline_s(self, calls: int) -> float:
        return START_S + calls * START_EACH_S


def parse_calls(text: str) -> tuple[int, ...]:
    """`1,2,4,8` -> (1, 2, 4, 8), in this order, each once.

    Raises:
        ValueError: no numbers, or too many; the message is for people.
    """
    try:
        numbers = [int(part) for part in text.split(",")]
    except ValueError:
        raise ValueError(f"{text!r}: numbers of calls like 1,2,4 were expected") from None
    if any(not 1 <= n <= CALLERS_MAX for n in numbers):
        raise ValueError(f"{text!r}: 1 to {CALLERS_MAX} calls at once were expected")
    steps = tuple(dict.fromkeys(numbers))
    if len(steps) > STEPS_MAX:
        raise ValueError(f"{text!r}: {STEPS_MAX} numbers at most were expected")
    return steps
