"""What the agent can do beside Earshot's own tools."""

from datetime import date

from livekit.agents import function_tool


@function_tool
async def days_until(day: str) -> dict[str, int | str]:
    """Counts the days from today until a date.

    Args:
        day: the date, as 2026-12-24.
    """
    try:
        return {"days": (date.fromisoformat(day) - date.today()).days}
    except ValueError:
        return {"error": "a date such as 2026-12-24 was expected"}
