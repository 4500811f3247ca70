"""Timers of one conversation. Knows nothing of speech: the owner is told when one fires."""

import asyncio
from collections.abc import Awaitable, Callable

UNITS_S = {"second": 1, "minute": 60, "hour": 3600}
SHORT = {"s": "second", "sec": "second", "m": "minute", "min": "minute", "h": "hour", "hr": "hour"}
LONGEST_S = 24 * 3600
MOST = 20


def unit_of(text: str) -> str | None:
    """The unit that a text names, in the singular: "Minutes", "min", "mins." -> "minute"."""
    text = text.strip().lower().rstrip(".")
    one = SHORT.get(text) or SHORT.get(text.rstrip("s"), text.rstrip("s"))
    return one if one in UNITS_S else None


class Timers:
    """The countdown timers of one conversation.

    Args:
        on_fire: awaited with the timer's duration as people say it ("5 minutes").
    """

    def __init__(self, on_fire: Callable[[str], Awaitable[None]]) -> None:
        self._on_fire = on_fire
        self._running: list[asyncio.Task[None]] = []  # newest last

    def start(self, amount: float, unit: str) -> dict[str, str]:
        """Starts a timer.

        Returns:
            {"status": "started"} or {"error": why}.
        """
        one = unit_of(unit)
        if one is None:
            return {"error": f"unit {unit!r}: seconds, minutes or hours was expected"}
        duration_s = amount * UNITS_S[one]
        if not 0 < duration_s <= LONGEST_S:
            return {"error": "a timer of more than nothing and at most 24 hours was expected"}
        if len(self._running) >= MOST:
            return {"error": f"{MOST} timers are running already"}
        said = f"{amount:g} {one}{'' if amount == 1 else 's'}"
        self._running.append(asyncio.create_task(self._run(duration_s, said)))
        return {"status": "started"}

    def cancel(self) -> dict[str, str]:
        """Cancels the newest timer: {"status": "cancelled"}, or "none" if there was none."""
        if not self._running:
            return {"status": "none"}
        self._running.pop().cancel()
        return {"status": "cancelled"}

    def __len__(self) -> int:
        return len(self._running)

    async def _run(self, duration_s: float, said: str) -> None:
        await asyncio.sleep(duration_s)
        # taken off first: what speaks up can take long, and is not to be cancelled by then
        self._running.remove(asyncio.current_task())  # type: ignore[arg-type]
        await self._on_fire(said)

    async def aclose(self) -> None:
        running, self._running = self._running, []
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
