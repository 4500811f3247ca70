import asyncio
from datetime import datetime

import pytest
from earshot.tools.calculator import calculate
from earshot.tools.clock import current_time
from earshot.tools.timers import MOST, Timers, unit_of


def test_clock_says_what_the_model_was_shown() -> None:
    assert current_time(datetime(2026, 11, 4, 9, 5)) == {
        "time": "09:05",
        "date": "Wednesday, November 4, 2026",
    }


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("5 + 3", 8),
        ("7 / 2", 3.5),
        ("10 / 3", 3.3333),
        ("007 + 1", 8),
        ("10.50 * 2", 21),
        ("3 x 4", 12),
        ("1,000 + 5", 1005),
        ("2 ^ 10", 1024),
        ("6 ÷ 2 × 3", 9),
        ("-(2 - 5)", 3),
        ("1,5 * 2", 3),
        ("3,14*2", 6.28),
        ("1.234,5 + 1", 1235.5),
        ("1,234,567.5 + 1", 1234568.5),
        ("0,125 * 8", 1),
        ("1/30000", "0.00003333"),
        ("0.001*0.01", "0.00001"),
        ("1 / 300", 0.003333),
        ("20% of 50", 10),
        ("15 percent of 80", 12),
        ("15% * 80", 12),
        ("80 * 15%", 12),
        ("80 + 15%", 92),
        ("100 - 2.5 %", 97.5),
        ("sqrt(16)", 4),
        ("√2 * √2", 2),
        ("3 + sqrt 9", 6),
        ("2(3+4)", 14),
        ("(1 + 1)(2 + 3)", 10),
        ("$5 + $3", 8),
        ("2+2=", 4),
        ("2 + 2 = ?", 4),
        ("12:4", 3),
        ("2 x (3 + 4)", 14),
    ],
)
def test_calculator(expression: str, result: float | str) -> None:
    assert calculate(expression) == {"result": result}


@pytest.mark.parametrize(
    ("expression", "error"),
    [
        ("1 / 0", "division by zero"),
        ("2 ** 3000", "too large"),
        ("9 ** 9 ** 9", "too large"),
        ("10 ** 16", "too large"),
        ("__import__('os').system('true')", "not an expression"),
        ("().__class__", "not an expression"),
        ("'a' * 3", "not an expression"),
        ("1 < 2", "not an expression"),
        ("x + 1", "not an expression"),
        ("two plus", "not an expression"),
        ("15 % 80", "not an expression"),
        ("1, 2", "not an expression"),
        ("1,2,3 + 1", "not an expression"),
        ("sqrt(-1)", "not an expression"),
        ("(" * 150, "not an expression"),
        ("1 +" * 100, "characters"),
        ("", "characters"),
    ],
)
def test_calculator_refuses(expression: str, error: str) -> None:
    assert error in str(calculate(expression)["error"])


async def test_timers_fire_in_order_and_can_be_cancelled() -> None:
    fired: list[str] = []

    async def on_fire(said: str) -> None:
        fired.append(said)

    timers = Timers(on_fire)
    assert timers.start(0.08, "seconds") == {"status": "started"}
    assert timers.start(0.02, "second") == {"status": "started"}
    assert timers.start(0.05, "seconds") == {"status": "started"}
    assert timers.cancel() == {"status": "cancelled"}  # the newest
    await asyncio.sleep(0.2)
    assert fired == ["0.02 seconds", "0.08 seconds"]
    assert timers.cancel() == {"status": "none"}


async def test_timers_say_durations_as_people_do() -> None:
    fired: list[str] = []

    async def on_fire(said: str) -> None:
        fired.append(said)

    timers = Timers(on_fire)
    timers.start(1, "seconds")
    await asyncio.sleep(1.1)
    assert fired == ["1 second"]


async def test_timers_have_limits() -> None:
    async def on_fire(said: str) -> None:
        raise AssertionError(said)

    timers = Timers(on_fire)
    assert "seconds, minutes or hours" in timers.start(1, "fortnights")["error"]
    assert "24 hours" in timers.start(25, "hours")["error"]
    assert "24 hours" in timers.start(0, "minutes")["error"]
    for _ in range(MOST):
        timers.start(1, "hour")
    assert "running already" in timers.start(1, "hour")["error"]
    await timers.aclose()
    assert len(timers) == 0


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("minutes", "minute"),
        (" Min. ", "minute"),
        ("mins", "minute"),
        ("m", "minute"),
        ("sec", "second"),
        ("secs", "second"),
        ("s", "second"),
        ("Hours", "hour"),
        ("hr", "hour"),
        ("hrs", "hour"),
        ("days", None),
        ("", None),
    ],
)
def test_units_may_be_short(text: str, unit: str | None) -> None:
    assert unit_of(text) == unit
