"""The tools, called as the model would call them."""

import asyncio
from datetime import date, timedelta

import tools


def test_days_until() -> None:
    tomorrow = date.today() + timedelta(days=1)
    assert asyncio.run(tools.days_until(f"{tomorrow:%B}", tomorrow.day)) == {"days": 1}
    today = date.today()
    assert asyncio.run(tools.days_until(f"{today:%B}", today.day)) == {"days": 0}
    assert "error" in asyncio.run(tools.days_until("June", 31))
