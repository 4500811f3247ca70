"""What one caller does, as its process is told: one JSON object on its standard input."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from ..caller.ticket import Ticket
from .questions import Question, Questions


@dataclass(frozen=True)
class Script:
    """A call."""

    caller: int
    """its number, from 0"""
    ticket: Ticket
    questions: Questions
    for_s: float
    """how long it goes on asking"""
    interrupt_every: int
    """every so many turns it speaks over an answer; 0 = never"""
    agent_within_s: float
    seed: str

    def to_json(self) -> str:
        return json.dumps(asdict(self), default=str)

    @classmethod
    def from_json(cls, text: str | bytes) -> "Script":
        given = json.loads(text)

        def questions(kind: str) -> tuple[Question, ...]:
            entries = given["questions"][kind]
            return tuple(Question(**{**e, "file": Path(e["file"])}) for e in entries)

        return cls(
            **{
                **given,
                "ticket": Ticket(**given["ticket"]),
                "questions": Questions(questions("asked"), questions("noises")),
            }
        )
