"""A real load on a real stack: two callers for a few seconds; and callers that come to grief."""

import asyncio
import json
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
from earshot.caller.stack import Stack
from earshot.caller.ticket import Ticket
from earshot.load.callers import CallerProcess
from earshot.load.questions import shipped
from earshot.load.script import Script


async def earshot(stack: Stack, *arguments: str | Path) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "earshot", "load-test", *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={"PATH": os.environ["PATH"], "EARSHOT_STATE_DIR": str(stack.state_dir)},
        limit=10_000_000,
        # a shell's background job has Ctrl-C ignored, and hands that down to us and on to it
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip


def callers_of(pid: int) -> list[psutil.Process]:
    found = []
    for process in psutil.Process(pid).children():
        with suppress(psutil.Error):  # another of its children, gone in this moment
            if "earshot.load.one_call" in process.cmdline():
                found.append(process)
    return found


async def test_two_callers_are_measured(stack: Stack, tmp_path: Path) -> None:
    process = await earshot(
        stack, "--calls", "2", "--for", "8s", "--interrupt-every", "2", "--json",
        "--save", tmp_path / "a.json", "--plot", tmp_path / "a.png",
    )  # fmt: skip
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    found: dict[str, Any] = json.loads(out)
    assert (
        found["here"] is True
        and found["steps"] == json.loads((tmp_path / "a.json").read_text())["steps"]
    )
    (step,) = found["steps"]
    summary = step["summary"]
    assert summary["held"] == {"some": 2, "of": 2} and summary["failures"] == {}
    assert summary["voice_to_voice"]["count"] >= 2
    assert 0.1 < summary["voice_to_voice"]["p50"] < 20
    assert summary["transcript"]["count"] >= 2
    assert summary["word_errors"]["some"] <= summary["word_errors"]["of"] / 3
    assert summary["right"]["some"] >= summary["right"]["of"] / 2
    turns = [t for call in step["held"] for t in call["turns"]]
    assert any(t["over"] for t in turns), turns
    for call in step["held"]:
        assert 0 < call["join_s"] < call["greeted_s"]
        assert 0 < call["agent_s"] < call["greeted_s"]
        assert call["audio"]["samples"] > 3 * 48_000
        assert call["audio"]["concealed"] < call["audio"]["samples"] / 2
    load = step["load"]
    assert 0 < load["cpu_callers"] < load["cpu"] and 0 < load["cpu_earshot"] < load["cpu"]
    assert 0 < load["memory_earshot_bytes"] < load["memory_bytes"]
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert "2 at once: held 2 of 2" in err.decode()


async def test_a_caller_who_dies_is_counted_and_ctrl_c_ends_the_others(stack: Stack) -> None:
    process = await earshot(stack, "--calls", "2", "--for", "60s")
    assert process.stderr is not None
    async with asyncio.timeout(60):
        while len(found := callers_of(process.pid)) < 2:
            await asyncio.sleep(0.1)
        victim, other = found
        victim.kill()
        async for line in process.stderr:
            if b"died: exit status -9" in line:
                break
        process.send_signal(signal.SIGINT)
        await process.communicate()
    assert process.returncode == 130
    assert not psutil.wait_procs([other], timeout=5)[1]


def script(url: str) -> Script:
    return Script(0, Ticket(url, "no token", "caller"), shipped(), 5.0, 4, 5.0, "seed")


async def test_a_server_that_is_not_there() -> None:
    caller = CallerProcess(script("ws://127.0.0.1:9"), lambda *_: None)
    try:
        await caller.start()
        await caller.call(60.0)
    finally:
        await caller.aclose()
    call = caller.outcome()
    assert call.outcome == "not joined" and "127.0.0.1:9" in call.why and call.turns == []


async def test_a_caller_who_is_not_done_by_the_deadline(stack: Stack) -> None:
    caller = CallerProcess(script("ws://127.0.0.1:9"), lambda *_: None)
    try:
        await caller.start()
        await caller.call(0.05)
    finally:
        await caller.aclose()
    assert caller.outcome().outcome == "late"
    assert caller.pid is not None and not psutil.pid_exists(caller.pid)
