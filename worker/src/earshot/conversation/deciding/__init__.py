"""Which tool a turn needs, and with what: sure intents first, without a model.

`intents` matches whole utterances against sentence templates; what it does not know for sure it
leaves to the language model.
"""

from .call import Call
from .intents import Intents, check, described

__all__ = ["Call", "Intents", "check", "described"]
