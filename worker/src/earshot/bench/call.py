"""Voice to voice at a caller over WebRTC: ours, a stock agent and an echo, on one livekit-server.

Every figure is taken from the sound at the caller's ear. The three ways take turns, a call each, so
that whatever else the machine does meets all of them alike; one that waits has nothing to do. Each
caller lives in a process of its own.
"""

import asyncio
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import click
import psutil

from ..caller import Caller, Speech, Ticket, from_page, minted
from ..caller.caller import room_name
from ..caller.stack import Stack
from ..errors import CallError
from . import call_stock
from .questions import speak
from .row import Row

Way = Literal["ours", "stock", "echo"]
WAYS: tuple[Way, ...] = ("ours", "stock", "echo")
OURS = "earshot"
"""our agent's name: the stock agent is on the same server, so neither may join by itself"""
STORY = "Tell me a story."
STOP = "What time is it?"
SPEAKING_S = 1.5
"""how long the story is listened to before it is interrupted"""
RATIO, MEDIAN_MS, P95_MS, STOP_MS = 0.45, 400.0, 600.0, 300.0
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


@dataclass
class Measured:
    """Everything that was measured."""

    asked: list[Asked] = field(default_factory=list)
    stops: dict[Way, list[float]] = field(default_factory=dict)
    """ms from the caller's first voiced sample to the agent's last one"""
    late_ms: float = 0.0
    """how late a caller's microphone was at worst: the measuring instrument's own disturbance"""

    def latencies(self, way: Way, calls: int = 1) -> list[float]:
        found = [a.latency_ms for a in self.asked if (a.way, a.calls) == (way, calls)]
        return sorted(ms for ms in found if ms is not None)

    def lost(self, way: Way, calls: int = 1) -> int:
        found = [a for a in self.asked if (a.way, a.calls) == (way, calls)]
        return sum(a.latency_ms is None for a in found)


@dataclass(frozen=True)
class _Script:
    """What one caller does in one call; goes to its process."""

    way: Way
    ticket: Ticket
    questions: tuple[tuple[str, Path], ...]
    story: tuple[Path, Path] | None
    calls: int


@dataclass(frozen=True)
class _Held:
    """What comes back."""

    asked: list[Asked]
    stop_ms: float | None
    late_ms: float


def measure(rounds: int, questions: int, at_once: Sequence[int]) -> Measured:
    """Holds the calls; about 25 s a round for each way, and as much for each number at once.

    Raises:
        CallError: the stack or an agent did not come up.
    """
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_measure(Path(folder), rounds, questions, at_once))


async def _measure(folder: Path, rounds: int, questions: int, at_once: Sequence[int]) -> Measured:
    said = speak(folder, rounds * questions)
    story, stop = (_spoken(folder, text) for text in (STORY, STOP))
    measured, most = Measured(), max(at_once)
    settings = {"EARSHOT_CALLS__AGENT_NAME": OURS, "EARSHOT_CALLS__MAX": str(most)}
    # a process of its own for each caller: what one measures, another must not delay
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(most, mp_context=spawn) as pool:
        async with Stack(folder / "state", settings) as stack, _stock(stack, most) as rival:
            processes = {"ours": stack.pid, "stock": rival.pid, "echo": rival.pid}

            async def hold(way: Way, calls: int, offset: int, barge_in: bool) -> None:
                async with _tickets(stack, way, calls) as tickets:
                    await _calm(processes[way])
                    scripts = [
                        _Script(
                            way,
                            ticket,
                            tuple(said[(offset + i * 3 + k) % len(said)] for k in range(questions)),
                            (story, stop) if barge_in else None,
                            calls,
                        )
                        for i, ticket in enumerate(tickets)
                    ]
                    loop = asyncio.get_running_loop()
                    for held in await asyncio.gather(
                        *(loop.run_in_executor(pool, _converse, s, processes[way]) for s in scripts)
                    ):
                        measured.asked += held.asked
                        measured.late_ms = max(measured.late_ms, held.late_ms)
                        if held.stop_ms is not None:
                            measured.stops.setdefault(way, []).append(held.stop_ms)

            for i in range(rounds):
                for way in WAYS[i % 3 :] + WAYS[: i % 3]:
                    click.echo(f"round {i + 1} of {rounds}: {way} …", err=True)
                    await hold(way, 1, i * questions, barge_in=way != "echo")
            for calls in at_once:
                if calls > 1:
                    for way in WAYS[:2]:
                        click.echo(f"{calls} calls at once: {way} …", err=True)
                        await hold(way, calls, 0, barge_in=False)
    return measured


def _spoken(folder: Path, text: str) -> Path:
    path = folder / f"{text.split()[0].strip('.')}.wav"
    subprocess.run(["flite", "-voice", "slt", "-t", text, "-o", str(path)], check=True)
    return path


@asynccontextmanager
async def _stock(stack: Stack, calls: int) -> AsyncIterator[asyncio.subprocess.Process]:
    """The stock agent's worker, on our server, with the models in memory."""
    keys = stack.credentials
    environment = {
        **os.environ,
        "LIVEKIT_URL": stack.endpoints.livekit_internal,
        "LIVEKIT_API_KEY": keys.api_key,
        "LIVEKIT_API_SECRET": keys.api_secret,
    }
    log = (stack.state_dir / "logs" / "stock.log").open("wb")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", call_stock.__name__, str(calls),
        env=environment, stdout=log, stderr=log,
    )  # fmt: skip
    try:
        await asyncio.sleep(2.0)
        await _calm(process.pid, timeout_s=120.0)
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), 20.0)
            except TimeoutError:
                process.kill()
        log.close()


@asynccontextmanager
async def _tickets(stack: Stack, way: Way, calls: int) -> AsyncIterator[list[Ticket]]:
    """As many rooms; an echo is brought into its room here."""
    if way == "ours":
        yield [await from_page(stack.page) for _ in range(calls)]
        return
    url, keys = stack.endpoints.livekit_internal, stack.credentials

    def ticket(room: str, identity: str, agent: str = "") -> Ticket:
        return minted(url, keys.api_key, keys.api_secret, room, identity, agent)

    rooms = [room_name(way) for _ in range(calls)]
    if way == "stock":
        yield [ticket(room, "caller", call_stock.AGENT) for room in rooms]
        return
    echoes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-m", "earshot.bench.call_echo", url, ticket(room, "echo").token
        )
        for room in rooms
    ]
    try:
        yield [ticket(room, "caller") for room in rooms]
    finally:
        for echo in echoes:
            echo.terminate()
        await asyncio.gather(*(echo.wait() for echo in echoes))


async def _calm(pid: int, timeout_s: float = 30.0) -> None:
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


def _converse(script: _Script, agent_pid: int) -> _Held:
    """In a process of its own: one call."""
    return asyncio.run(_hold(script, agent_pid))


async def _hold(script: _Script, agent_pid: int) -> _Held:
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
                await _calm(agent_pid)
        caller.microphone.latest_s = 0.0  # connecting is not measured
        for question in questions:
            asked.append(await _ask(caller, script, question))
        if script.story:
            stop_ms = await _interrupt(caller, script.story)
        late_ms = 1000 * caller.microphone.latest_s
    return _Held(asked, stop_ms, late_ms)


async def _ask(caller: Caller, script: _Script, question: Speech) -> Asked:
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


def rows(measured: Measured) -> list[Row]:
    """Ours beside stock; where there is no rival, beside what was aimed at."""
    ours, stock, echo = (measured.latencies(way) for way in WAYS)
    of = f"{len(ours)} answers"
    found = [
        Row("voice to voice at the caller, median", of, _median(ours), _median(stock), RATIO),
        Row("the same, p95", of, p95(ours), p95(stock)),
        Row("aimed at: median", of, _median(ours), None, MEDIAN_MS),
        Row("aimed at: p95", of, p95(ours), None, P95_MS),
        Row("of which the way there and back (an echo)", f"{len(echo)} echoes", _median(echo)),
    ]
    stops = measured.stops
    if stops.get("ours") and stops.get("stock"):
        of = f"{len(stops['ours'])} interruptions"
        found += [
            Row("barge-in: first sound -> silence, median", of, _median(stops["ours"]),
                _median(stops["stock"])),
            Row("aimed at: barge-in", of, _median(stops["ours"]), None, STOP_MS),
        ]  # fmt: skip
    for calls in sorted({a.calls for a in measured.asked} - {1}):
        ours, stock = (measured.latencies(way, calls) for way in WAYS[:2])
        lost = measured.lost("ours", calls), measured.lost("stock", calls)
        of = f"{len(ours)} answers"
        if any(lost):
            of += f"; lost {lost[0]} (stock {lost[1]})"
        found += [
            Row(f"{calls} calls at once, median", of, _median(ours), _median(stock)),
            Row(f"{calls} calls at once, p95", of, p95(ours), p95(stock)),
        ]
    return found


def _median(values: Sequence[float]) -> float:
    return statistics.median(values) if values else float("nan")


def p95(values: Sequence[float]) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))] if ordered else float("nan")


def details(measured: Measured) -> list[str]:
    """A line for each answer of ours, with the stages of its record."""
    lines = []
    for a in measured.asked:
        if a.way == "echo":
            continue
        stages = (a.turn or {}).get("latency_ms", {})
        shown = "  ".join(f"{k} {v:.0f}" for k, v in stages.items() if v is not None)
        ms = "no answer" if a.latency_ms is None else f"{a.latency_ms:.0f} ms"
        lines.append(f"{a.way} ({a.calls}): {ms}  {a.text!r} -> {a.reply!r}  {shown}")
    lines.append(f"a caller's microphone was late by {measured.late_ms:.0f} ms at most")
    return lines
