"""How what a tool found becomes an answer.

A small model that sees calls in its history writes calls, not sentences: so it is shown results as
notes under the question (`notes`). What was done, or could not be done, the agent states itself
(`answers`): a model must not confirm what did not happen. What the model says of a result is held
to the result's numbers (`grounding`).
"""

from .answers import Answers
from .grounding import Grounded
from .notes import Result, noted, results

__all__ = ["Answers", "Grounded", "Result", "noted", "results"]
