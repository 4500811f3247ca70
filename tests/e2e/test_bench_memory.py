"""`scripts/bench memory` on a real stack with a real call."""

import asyncio

import pytest
from earshot.bench import memory
from earshot.errors import ModelError


async def test_a_call_has_little_of_its_own() -> None:
    found = {row.stage: row for row in await asyncio.to_thread(memory.measure)}
    for what in ("a process that waits for a call", "a process in a call"):
        own = found[f"{what}: its own"]
        assert own.met, own
        assert own.ours_ms < found[f"{what}: with what it shares (RSS)"].ours_ms / 2


def test_a_profile_that_is_not_there_is_named_at_once() -> None:
    with pytest.raises(ModelError, match="nonesuch"):
        memory.measure("nonesuch")
