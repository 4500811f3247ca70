"""How the capacity is looked for, with a runner that knows the answer."""

import pytest
from earshot.load.result import Step
from earshot.load.search import find

from .making import call, step, turn


class Runner:
    """A machine that answers so many calls in time."""

    def __init__(self, capacity: int, fails: bool = False) -> None:
        self.capacity = capacity
        self.fails = fails
        self.tried: list[int] = []

    async def hold(self, calls: int) -> Step:
        self.tried.append(calls)
        if calls <= self.capacity:
            return step(calls, *[call(turn(0.4), turn(0.9))] * calls)
        if self.fails:
            return step(calls, *[call(turn(0.4))] * (calls - 1), call(outcome="busy"))
        return step(calls, *[call(turn(0.4), turn(1.4))] * calls)


@pytest.mark.parametrize("most", [1, 2, 7, 16, 64])
@pytest.mark.parametrize("capacity", [0, 1, 2, 3, 5, 7, 11, 16, 63, 64])
async def test_it_is_found_in_few_trials(capacity: int, most: int) -> None:
    runner = Runner(capacity)
    found = await find(runner.hold, most, 1.0)
    assert found.calls == min(capacity, most)
    assert found.tried == runner.tried and len(set(found.tried)) == len(found.tried)
    assert max(found.tried) <= most and len(found.tried) <= 2 * most.bit_length()
    assert found.ended_by == ("limit" if capacity >= most else "turns late")


async def test_calls_that_fail_are_too_many() -> None:
    found = await find(Runner(3, fails=True).hold, 16, 1.0)
    assert (found.calls, found.ended_by) == (3, "calls failed")


async def test_a_turn_without_an_answer_is_never_in_time() -> None:
    async def hold(calls: int) -> Step:
        return step(calls, call(turn(0.1), turn(None)))

    assert (await find(hold, 8, 1.0)).calls == 0
