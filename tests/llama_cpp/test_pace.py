"""How much of a prompt fits beside a reply, learned from measurements."""

from __future__ import annotations

from livekit.plugins.llama_cpp.pace import Pace


def test_nothing_known_takes_the_largest_step() -> None:
    assert Pace().tokens_within(0.07, decode=0) == 512


def test_the_step_fits_the_budget_that_is_left() -> None:
    pace = Pace()
    for _ in range(20):
        pace.observe(prefill=0, decode=1, seconds=0.03)
        pace.observe(prefill=32, decode=0, seconds=0.032)  # 1 ms a token
    assert pace.tokens_within(0.07, decode=0) == 64
    assert pace.tokens_within(0.07, decode=1) == 32
    assert pace.tokens_within(0.001, decode=1) == 8


def test_small_steps_may_cost_more_a_token() -> None:
    pace = Pace()
    for _ in range(20):
        pace.observe(prefill=8, decode=0, seconds=0.08)
        pace.observe(prefill=64, decode=0, seconds=0.128)
    assert pace.tokens_within(0.09, decode=0) == 8
    assert pace.tokens_within(0.14, decode=0) == 64


def test_it_follows_a_machine_that_gets_slower() -> None:
    pace = Pace()
    pace.observe(prefill=64, decode=0, seconds=0.064)
    assert pace.tokens_within(0.07, decode=0) == 64
    for _ in range(30):
        pace.observe(prefill=64, decode=0, seconds=0.64)
    assert pace.tokens_within(0.07, decode=0) == 8
