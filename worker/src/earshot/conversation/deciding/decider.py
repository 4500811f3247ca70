"""Which tool a turn needs: sure sentences first, then the model's choice.

What was decided is kept for the record of the turn: a question may be decided several times, as it
grows.
"""

import time
from collections import OrderedDict

import structlog
from livekit.agents import APIError

from .call import Call
from .decision import Decision
from .intents import Intents
from .router import Router

KEPT = 16  # decisions: of one turn a few, as it grew

_log = structlog.get_logger(__name__)


class Decider:
    """Decides for one conversation.

    Args:
        intents: sentences that need no model.
        router: the model's choice; None: the model decides as it answers, and is shown the tools.
    """

    def __init__(self, intents: Intents, router: Router | None) -> None:
        self._intents = intents
        self._router = router
        self._made: OrderedDict[str, Decision] = OrderedDict()

    @property
    def routed(self) -> bool:
        """Whether the answering model is not to be shown the tools."""
        return self._router is not None

    async def decide(self, heard: str, language: str | None = None) -> Decision:
        """What the turn needs.

        Args:
            language: what was spoken, where that is known.

        Raises:
            APIError: the model can't be asked.
        """
        began = time.perf_counter()
        decision = await self._decide(heard, language, began)
        self._made[heard] = decision
        while len(self._made) > KEPT:
            self._made.popitem(last=False)
        return decision

    def of_turn(self, heard: str) -> Decision | None:
        """What was decided about what was heard, if anything was."""
        return self._made.get(heard)

    async def warm(self, heard: str, timeout_s: float) -> None:
        """Reads ahead what the choice will need.

        Raises:
            APIError: the model can't be asked.
        """
        if self._router is not None:
            await self._router.warm(heard, timeout_s)

    async def _decide(self, heard: str, language: str | None, began: float) -> Decision:
        if call := self._intents.match(heard, language):
            return Decision(call, "sentence", _ms(began))
        if self._router is None:
            return Decision(None, "model", _ms(began))
        tool = await self._router.choose(heard)
        if tool is None:
            return Decision(None, "router", _ms(began))
        if tool == "set_timer" and not self._intents.quantified(heard):
            # asked to write a duration that was not said, every model makes one up
            return Decision(None, "router", _ms(began), missing="duration")
        try:
            arguments = await self._router.arguments(tool, heard)
        except APIError as e:
            if e.retryable:
                raise
            _log.info("a tool was chosen, but not what to give it", tool=tool, error=str(e))
            return Decision(None, "router", _ms(began))
        return Decision(Call(tool, arguments, by="router"), "router", _ms(began))


def _ms(began: float) -> float:
    return round((time.perf_counter() - began) * 1000, 1)
