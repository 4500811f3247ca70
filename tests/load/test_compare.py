"""A run against a saved one."""

import click
import pytest
from earshot.load.compare import Difference, apart, compare
from earshot.load.machine import Machine
from earshot.load.result import Result

from .making import call, result, step, turn


def worse(found: list[Difference]) -> set[str]:
    return {d.measure.name for d in found if d.worse}


def run(latency_s: float | None, **more: object) -> Result:
    turns = [turn(latency_s, words=10, right=True, **more)] * 20
    return result(step(2, call(*turns), call(*turns)))


def test_the_same_is_not_worse() -> None:
    assert worse(compare(run(0.5), run(0.5), 0.2)) == set()


def test_slower_by_more_than_was_allowed() -> None:
    late = {"voice to voice, p50", "voice to voice, p95"}
    assert worse(compare(run(0.5), run(0.7), 0.2)) == late
    assert worse(compare(run(0.5), run(0.7), 0.5)) == set()
    assert worse(compare(run(0.7), run(0.5), 0.2)) == set()


def test_a_difference_that_is_chance_is_none() -> None:
    assert worse(compare(run(0.05), run(0.075), 0.2)) == set()
    one = result(step(2, call(*[turn(words=100)] * 3)))
    other = result(step(2, call(*[turn(words=100, words_wrong=1)] * 3)))
    assert worse(compare(one, other, 0.2)) == set()


def test_answers_that_are_not_there_any_more_are_worse() -> None:
    found = worse(compare(run(0.5), run(None), 0.2))
    assert {"turns without an answer", "voice to voice, p50"} <= found


def test_a_run_without_interruptions_is_not_worse() -> None:
    before = run(0.5, over="speech", cut=True, stop_s=0.3)
    assert worse(compare(before, run(0.5), 0.2)) == set()
    assert worse(compare(before, run(0.5, over="speech", cut=True, stop_s=0.6), 0.2)) == {
        "silent after, p50"
    }


def test_failed_calls_wrong_words_and_wrong_answers_are_worse() -> None:
    now = result(
        step(2, call(*[turn(words=10, words_wrong=1, right=False)] * 20), call(outcome="died"))
    )
    found = worse(compare(run(0.5), now, 0.2))
    assert found == {"calls that failed", "words heard wrong (WER)", "wrong answers"}


def test_only_what_both_have_is_compared() -> None:
    before = result(step(1, call(turn())), step(2, call(turn())))
    now = result(step(2, call(turn())), step(4, call(turn(9.0))))
    assert {d.calls for d in compare(before, now, 0.2)} == {2}
    with pytest.raises(click.UsageError, match=r"nothing in common: saved \[1\]"):
        compare(result(step(1, call(turn()))), result(step(8, call(turn()))), 0.2)


def test_it_is_said_when_they_are_not_quite_comparable() -> None:
    before = result(step(2, call(turn()), cpu_others=0.0))
    now = result(
        step(2, call(turn()), cpu_others=0.4),
        machine=Machine("Another", 8, 8_000_000_000),
        for_s=10.0,
    )
    machine, calls, busy = apart(before, now)
    assert "A processor" in machine and "length" in calls and "40%" in busy
    assert apart(before, before) == []
