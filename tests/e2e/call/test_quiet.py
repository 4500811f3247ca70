"""A minute in which nobody speaks; it went on beside the tests before this one."""

import asyncio

from earshot.caller import Seen


async def test_a_minute_of_silence_produces_no_word(silent_minute: "asyncio.Task[Seen]") -> None:
    seen = await asyncio.wait_for(asyncio.shield(silent_minute), 90.0)
    assert seen.said("caller") == ""
    assert [c.text for c in seen.captions] == ["Hello, how can I help you?"]
    assert [t["heard"] for t in seen.of("turn")] == [""]  # the greeting
    assert seen.of("notice") == []
