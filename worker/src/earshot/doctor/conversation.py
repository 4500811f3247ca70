"""A spoken question, answered by voice: one call in which each step is a check."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from ..caller.caller import Caller
from ..caller.demo import QUESTIONS
from ..caller.speech import Speech
from ..errors import CallError
from .finding import Finding, green, red, yellow
from .target import Target

AGENT_S = 30.0
GREETING_S = 20.0
ANSWER_S = 25.0
SLOW_S = 3.0
"""longer, and people ask whether anybody is there"""
TEXT, WAV = QUESTIONS[1]


async def conversation(target: Target) -> AsyncIterator[Finding]:
    """Findings: agent, hearing, understanding, answer. Ends at the first red one."""
    assert target.ticket is not None
    listens = asyncio.Event()
    caller = Caller(target.ticket)
    caller.room.on("local_track_subscribed", lambda _track: listens.set())
    try:
        async with caller:
            async for finding in _talk(caller, listens):
                yield finding
    except CallError as e:
        yield red("agent", "call_broken", str(e))


async def _talk(caller: Caller, listens: asyncio.Event) -> AsyncIterator[Finding]:
    try:
        await caller.until(lambda: _agents(caller), AGENT_S, "an agent")
    except CallError as e:
        yield red("agent", "call_broken" if caller.disconnected else "agent_absent", str(e))
        return
    try:
        await caller.agent(AGENT_S)
    except CallError as e:
        busy = any(n.get("kind") == "busy" for n in caller.seen.of("notice"))
        cause = "agent_busy" if busy else "call_broken" if caller.disconnected else "agent_silent"
        yield red("agent", cause, str(e))
        return
    yield green("agent", "joined, and is there for us")
    # an agent without a greeting, or without a voice: the answer will tell
    with contextlib.suppress(CallError):
        await caller.greeting(GREETING_S)
    question = Speech.open(WAV, TEXT)
    spoken = caller.say(question)
    try:
        await caller.until(
            lambda: caller.seen.said("caller", since=spoken.began_at),
            question.duration_s + ANSWER_S,
            "a transcript of the question",
        )
    except CallError as e:
        deaf = "not_understood" if listens.is_set() else "agent_deaf"
        yield red("hearing", "call_broken" if caller.disconnected else deaf, str(e))
        return
    yield green("hearing", "the agent hears us, and words come back")
    try:
        answer = await caller.answer_to(spoken, ANSWER_S)
    except CallError as e:
        yield red("answer", "call_broken" if caller.disconnected else "agent_silent", str(e))
        return
    said = f"a spoken question was answered by voice after {answer.latency_s * 1000:.0f} ms"
    if answer.latency_s > SLOW_S:
        yield yellow("answer", "answer_slow", said)
    else:
        yield green("answer", said)


def _agents(caller: Caller) -> bool:
    from livekit import rtc

    agent = rtc.ParticipantKind.PARTICIPANT_KIND_AGENT
    return any(p.kind == agent for p in caller.room.remote_participants.values())
