"""Calls by a scripted caller over WebRTC: what a page would not add anything to."""

import asyncio

import pytest
from earshot.caller import Caller, Speech

from .conftest import OpenCall, Say
from .sound import Listener, cough

pytestmark = pytest.mark.usefixtures("silent_minute")

STORY = "Tell me a story."


async def noises_over_a_story(open_call: OpenCall, story: Speech, noises: list[Speech]) -> None:
    """Makes noises over a story, and wants it to go on as if nothing had been."""
    async with open_call() as caller:
        spoken = caller.say(story)
        await caller.loud(spoken.ended_at)
        for sound in noises:
            await asyncio.sleep(1.0)
            made = caller.say(sound)
            await asyncio.sleep(made.speech.duration_s)
        last = made.ended_at
        before = agent_captions(caller)
        went_on = await caller.loud(last + 0.5, 8.0)
        await asyncio.sleep(3.0)
        # the same sentence goes on: nothing else was begun, nothing was written down as cut off
        after = agent_captions(caller)
        assert len(after) == len(before) == 1
        assert after[0].startswith(before[0]) and len(after[0]) > len(before[0]) + 10
        assert [t for t in caller.seen.of("turn") if t["heard"]] == []
        spoken_s = sum(s.duration_s for s in caller.sounds(went_on, pause_s=0.1))
        assert spoken_s > 1.5
        assert caller.seen.said("caller") == story.text


def agent_captions(caller: Caller) -> list[str]:
    """Without the greeting."""
    return [c.text for c in caller.seen.captions if c.speaker == "agent"][1:]


async def test_a_cough_or_mm_hm_lets_the_story_go_on(open_call: OpenCall, say_it: Say) -> None:
    story = say_it(STORY)
    await asyncio.gather(
        noises_over_a_story(open_call, story, [say_it("mm-hm.", "rms"), say_it("uh huh.", "slt")]),
        noises_over_a_story(open_call, story, [cough(), cough(8)]),
    )


async def test_a_timer_speaks_up_on_its_own(
    open_call: OpenCall, say_it: Say, listener: Listener
) -> None:
    async with open_call() as caller:
        caller.say(say_it("Set a timer for five seconds."))
        await caller.until(lambda: caller.seen.of("tool"), 20.0, "the tool")
        assert [t["name"] for t in caller.seen.of("tool")] == ["set_timer"]
        await caller.until(lambda: "is over" in caller.seen.said("agent"), 20.0, "the timer")
        await caller.quiet()
        over = caller.seen.captions[-1]
        assert (over.speaker, over.text) == ("agent", "Your timer for 5 seconds is over.")
        assert caller.seen.said("caller") == "Set a timer for five seconds."
        heard = await asyncio.to_thread(listener.hear, caller.recording(over.began_at - 0.4))
        assert {"timer", "seconds", "over"} & set(heard.split()), heard
