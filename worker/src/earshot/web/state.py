"""The state of the stack, asked for at most once a moment however many pages want to know it."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog

from .limits import Clock

_log = structlog.get_logger("earshot.web")
Status = Callable[[], Awaitable[Mapping[str, Any]]]


class State:
    """A bounded, shared and briefly kept answer of `status`.

    Args:
        timeout_s: how long `status` may take.
        age_s: how long an answer, or that there was none, is told again.
    """

    def __init__(self, status: Status, timeout_s: float, age_s: float, clock: Clock) -> None:
        self._status, self._timeout_s, self._age_s, self._clock = status, timeout_s, age_s, clock
        self._asking: asyncio.Task[Mapping[str, Any] | None] | None = None
        self._asked = 0.0

    async def get(self) -> Mapping[str, Any] | None:
        """The state; None when it could not be told."""
        done = self._asking is None or self._asking.done()
        if self._asking is None or (done and self._clock() - self._asked >= self._age_s):
            self._asking = asyncio.create_task(self._ask())
        return await asyncio.shield(self._asking)

    async def close(self) -> None:
        """Stops asking."""
        if self._asking is not None:
            self._asking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._asking

    async def _ask(self) -> Mapping[str, Any] | None:
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._status()
        except Exception as e:  # whatever it is: the page is told that nobody knows
            _log.warning("the state can't be told", error=type(e).__name__)
            return None
        finally:
            self._asked = self._clock()
