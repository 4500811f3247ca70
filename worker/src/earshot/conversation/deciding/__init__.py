"""Which tool a turn needs, and with what: sure sentences first, then the model's choice.

`intents` matches whole utterances against sentence templates, without a model; what it does not
know for sure the `router` asks the language model, which chooses among the tools as it was shown in
worked examples. The `decider` goes through both.
"""

from .call import Call
from .decider import Decider
from .decision import Decision
from .intents import Intents, check, described
from .router import Router

__all__ = ["Call", "Decider", "Decision", "Intents", "Router", "check", "described"]
