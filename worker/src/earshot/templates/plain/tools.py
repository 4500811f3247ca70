"""What the agent can do beside Earshot's own tools."""

from datetime import date
from typing import Literal, get_args

from livekit.agents import function_tool

Month = Literal[
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
]  # fmt: skip
MONTHS: tuple[Month, ...] = get_args(Month)


@function_tool
async def days_until(month: Month, day: int) -> dict[str, int | str]:
    """Counts the days from today until a day of the year.

    Args:
        month: its name.
        day: day of the month, 1 to 31.
    """
    today = date.today()
    for year in range(today.year, today.year + 9):  # the next 29th of February can be far away
        try:
            then = date(year, MONTHS.index(month) + 1, day)
        except ValueError:
            continue
        if then >= today:
            return {"days": (then - today).days}
    return {"error": f"{month} has no day {day}"}
