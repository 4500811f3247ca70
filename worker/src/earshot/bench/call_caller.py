"""One caller of the benchmark, in a process of its own: asks, listens, interrupts."""

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import psutil

from ..caller import Caller, Speech, Ticket
from ..errors import CallError

Way = Literal["ours", "stock", "echo"]


SPEAKING_S = 1.5
"""how long the story is listened to before it is interrupted"""


CALM = 0.15
"""of one core: an agent that uses less has nothing left to load"""


@dataclass(frozen=True)
class Asked:
    """One question of one call."""

    way: Way
    calls: int
    """how many calls went on at once"""
    text: str
    latency_ms: float | None
    """None: no answer came"""
    reply: str = ""
    turn: dict[str, Any] | None = None
    transcript_ms: float | None = None
    """when the caption of the question stood at the caller; before the last sound is possible"""


@dataclass(frozen=True)
class Script:
    """What one caller does in one call; goes to its process."""

    way: Way
    ticket: Ticket
    questions: tuple[tuple[str, Path], ...]
    story: tuple[Path, Path] | None
    calls: int


@dataclass(frozen=True)
class Held:
    """What comes back."""

    asked: list[Asked]
    stop_ms: float | None
    late_ms: float


async def calm_down(pid: int, timeout_s: float = 30.0) -> None:
    """Until a process and its children have nothing to do: a worker that was given a call fetches
    the next process at once, and stock loads all models into it."""
    deadline = time.monotonic() + timeout_s
    before: dict[int, float] = {}
    calm = 0
    while calm < 2 and time.monotonic() < deadline:
        now = {p.pid: sum(p.cpu_times()[:2]) for p in _family(pid)}
        used = sum(spent - before.get(child, 0.0) for child, spent in now.items())
        calm = calm + 1 if before and used / 0.5 < CALM else 0
        before = now
        await asyncio.sleep(0.5)


def _family(pid: int) -> list[psutil.Process]:
    try:
        root = psutil.Process(pid)
        return [p for p in [root, *root.children(recursive=True)] if p.is_running()]
    except psutil.Error:
        return []


def converse(script: Script, agent_pid: int) -> Held:
    """In a process of its own: one call."""
    return asyncio.run(_hold(script, agent_pid))


async def _hold(script: Script, agent_pid: int) -> Held:
    questions = [Speech.open(path, text) for text, path in script.questions]
    asked: list[Asked] = []
    stop_ms = None
    async with Caller(script.ticket) as caller:
        if script.way == "echo":
            await caller.until(lambda: caller.ears, 20.0, "the echo")
            await asyncio.sleep(1.0)
        else:
            await caller.agent(60.0)
            await caller.greeting(30.0)
            if script.calls == 1:
                await calm_down(agent_pid)
        caller.microphone.latest_s = 0.0  # connecting is not measured
        for question in questions:
            asked.append(await _ask(caller, script, question))
        if script.story:
            stop_ms = await _interrupt(caller, script.story)
        late_ms = 1000 * caller.microphone.latest_s
    return Held(asked, stop_ms, late_ms)


async def _ask(caller: Caller, script: Script, question: Speech) -> Asked:
    if script.way == "echo":
        spoken = caller.say(question)
        await asyncio.sleep(question.duration_s + 0.8)
        sounds = caller.sounds(spoken.began_at)
        ms = 1000 * (sounds[-1].ended_at - spoken.ended_at) if sounds else None
        return Asked(script.way, script.calls, question.text, ms)
    try:
        answer = await caller.ask(question)
    except CallError:
        await caller.quiet()
        return Asked(script.way, script.calls, question.text, None)
    await asyncio.sleep(0.3)
    ready_at = caller.seen.recognised_at(answer.spoken.began_at)
    return Asked(
        script.way,
        script.calls,
        question.text,
        1000 * answer.latency_s,
        answer.reply,
        answer.turn,
        None if ready_at is None else 1000 * (ready_at - answer.spoken.ended_at),
    )


async def _interrupt(caller: Caller, story: tuple[Path, Path]) -> float | None:
    """From the caller's first voiced sample to the last sound of the story."""
    try:
        spoken = caller.say(Speech.open(story[0]))
        await caller.loud(spoken.ended_at)
        await asyncio.sleep(SPEAKING_S)
        if caller.seen.state != "speaking":
            return None  # it was no story
        stop = caller.say(Speech.open(story[1]))
        await asyncio.sleep(stop.speech.duration_s + 2.0)
        ended = [s.ended_at for s in caller.sounds(stop.began_at, pause_s=0.2)]
        await caller.quiet()
        return 1000 * (ended[0] - stop.began_at) if ended else None
    except CallError:
        return None
