"""What the helper can do: go through a checklist, one step at a time.

Each call has a process, and so a checklist, of its own.
"""

from pathlib import Path

from livekit.agents import function_tool

STEPS = Path(__file__).with_name("steps.txt")


class Checklist:
    """Where somebody is in a list of steps."""

    def __init__(self, steps: list[str]) -> None:
        self._steps = steps
        self._at = -1

    def go(self, by: int) -> dict[str, object]:
        """One on (1), one back (-1), or the same again (0)."""
        if self._at + by >= len(self._steps):
            return {"done": True}
        self._at = max(0, self._at + by)
        return {"step": self._at + 1, "of": len(self._steps), "text": self._steps[self._at]}


checklist = Checklist(
    [line for line in STEPS.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
)


@function_tool
async def next_step() -> dict[str, object]:
    """Reads the next step of the checklist."""
    return checklist.go(1)


@function_tool
async def repeat_step() -> dict[str, object]:
    """Reads the current step of the checklist again."""
    return checklist.go(0)


@function_tool
async def previous_step() -> dict[str, object]:
    """Goes one step back in the checklist."""
    return checklist.go(-1)
