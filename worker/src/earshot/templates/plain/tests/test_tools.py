"""The tools, called as the model would call them."""

import asyncio
from datetime import date, timedelta

import tools


def test_days_until() -> None:
    tomorrow = (date.today() + timedelta(days=1)).isoformat()
    assert asyncio.run(tools.days_until(tomorrow)) == {"days": 1}
    assert "error" in asyncio.run(tools.days_until("soon"))
