"""Voice to voice at a caller over WebRTC: ours, a stock agent and an echo, on one livekit-server.

Every figure is taken from the sound at the caller's ear. The three ways take turns, a call each, so
that whatever else the machine does meets all of them alike; one that waits has nothing to do. Each
caller lives in a process of its own.
"""

import asyncio
import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import click

from ..caller import Ticket, from_page, minted
from ..caller.caller import room_name
from ..caller.stack import Stack
from ..models import load_profile
from ..settings import load
from . import call_stock
from .call_caller import Asked, Script, Way, calm_down, converse
from .questions import speak

WAYS: tuple[Way, ...] = ("ours", "stock", "echo")
OURS = "earshot"
"""our agent's name: the stock agent is on the same server, so neither may join by itself"""
READY_S = 180.0  # large models are read, tried and warmed
STORY = "Tell me a story."
STOP = "What time is it?"


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


def measure(
    rounds: int, questions: int, at_once: Sequence[int], profile: str = "starter"
) -> Measured:
    """Holds the calls; about 25 s a round for each way, and as much for each number at once.

    Raises:
        CallError: the stack or an agent did not come up.
        ModelError: there is no such profile, or a file of it is missing.
    """
    chosen = load({"profile": profile})
    load_profile(profile, chosen.models_dir)  # said now, not by a process that dies of it
    models = {"EARSHOT_PROFILE": profile, "EARSHOT_MODELS_DIR": str(chosen.models_dir)}
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_measure(Path(folder), rounds, questions, at_once, models))


async def _measure(
    folder: Path, rounds: int, questions: int, at_once: Sequence[int], models: dict[str, str]
) -> Measured:
    said = speak(folder, rounds * questions)
    story, stop = (_spoken(folder, text) for text in (STORY, STOP))
    measured, most = Measured(), max(at_once)
    settings = {"EARSHOT_CALLS__AGENT_NAME": OURS, "EARSHOT_CALLS__MAX": str(most), **models}
    # a process of its own for each caller: what one measures, another must not delay
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(most, mp_context=spawn) as pool:
        async with (
            Stack(folder / "state", settings, READY_S) as stack,
            _stock(stack, most, models) as rival,
        ):
            processes = {"ours": stack.pid, "stock": rival.pid, "echo": rival.pid}

            async def hold(way: Way, calls: int, offset: int, barge_in: bool) -> None:
                async with _tickets(stack, way, calls) as tickets:
                    await calm_down(processes[way])
                    scripts = [
                        Script(
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
                        *(loop.run_in_executor(pool, converse, s, processes[way]) for s in scripts)
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
async def _stock(
    stack: Stack, calls: int, models: dict[str, str]
) -> AsyncIterator[asyncio.subprocess.Process]:
    """The stock agent's worker, on our server, with the models in memory."""
    keys = stack.credentials
    environment = {
        **os.environ,
        **models,
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
        await calm_down(process.pid, timeout_s=READY_S)
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
