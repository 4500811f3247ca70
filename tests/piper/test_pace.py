import math

import pytest
from livekit.plugins.piper.pace import Pace


def paced(chars_per_s: float, *, burst: int = 0, speed: float = 1.0) -> Pace:
    """After three seconds of text that came five characters at a time."""
    pace, now_s = Pace(speed), 100.0
    for _ in range(burst):
        pace.push(50, now_s)
    pace.push(5, now_s)
    while now_s < 103.0:
        now_s += 5 / chars_per_s
        pace.push(5, now_s)
    return pace


def test_how_fast_text_comes() -> None:
    assert paced(50.0).chars_per_s == pytest.approx(50.0, rel=0.01)
    # what was there before says nothing about it
    assert paced(50.0, burst=4).chars_per_s == pytest.approx(50.0, rel=0.01)
    assert Pace().chars_per_s == math.inf


def test_a_fast_model_begins_with_a_phrase() -> None:
    assert paced(90.0).lasts(14, 18, 0.0)
    assert paced(50.0).lasts(16, 20, 0.0)


def test_a_slow_model_waits_for_more() -> None:
    slow = paced(20.0)
    assert not slow.lasts(16, 20, 0.0)
    assert slow.lasts(32, 36, 0.0)
    # slower than speech
    assert not paced(9.0).lasts(36, 36, 0.0)
    assert paced(9.0).lasts(45, 45, 0.0)


def test_what_is_still_to_be_heard_counts() -> None:
    assert paced(20.0).lasts(16, 20, 1.5)


def test_a_quicker_voice_needs_more() -> None:
    assert not paced(50.0, speed=2.0).lasts(16, 20, 0.0)


def test_text_that_is_there_can_be_spoken() -> None:
    pace = Pace()
    assert pace.lasts(1, 1, 0.0)
    pace.push(100, 1.0)
    assert pace.lasts(1, 1, 0.0)
