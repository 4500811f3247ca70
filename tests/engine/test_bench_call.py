"""`scripts/bench call`: its rows, and that it refuses before anything is started."""

import pytest
from earshot.bench import call
from earshot.bench.call_caller import Asked
from earshot.bench.call_rows import rows
from earshot.errors import ModelError


def measured(ours_ms: float, stock_ms: float) -> call.Measured:
    return call.Measured(
        asked=[
            Asked(way, 1, "What time is it?", ms)
            for way, ms in (("ours", ours_ms), ("stock", stock_ms), ("echo", 100.0))
        ]  # type: ignore[arg-type]
    )


def test_each_profile_has_its_aims() -> None:
    for profile, ratio, median_ms, p95_ms in (
        ("starter", 0.45, 400.0, 600.0),
        ("mini", 0.30, 900.0, 1300.0),
        ("small", 0.30, 1500.0, None),
    ):
        found = {row.stage: row for row in rows(measured(800.0, 3200.0), profile)}
        assert found["voice to voice at the caller, median"].target == ratio
        assert found["voice to voice at the caller, median"].ratio == 0.25
        assert found["aimed at: median"].target == median_ms
        aimed = found.get("aimed at: p95")
        assert (aimed.target if aimed else None) == p95_ms


def test_a_profile_that_is_not_there_is_named_at_once() -> None:
    with pytest.raises(ModelError, match="nonesuch"):
        call.measure(1, 1, [1], "nonesuch")
