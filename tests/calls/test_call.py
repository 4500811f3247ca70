"""The log of real calls: `earshot up`, callers over WebRTC, and the command that reads it."""

import asyncio
import csv
import json
import os
import shutil
import signal
import sqlite3
import stat
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from earshot.caller import Caller, from_page
from earshot.caller.stack import Stack

ROOT = Path(__file__).parents[2]
CLOCK = '''
from livekit.agents import function_tool

@function_tool
async def get_current_time() -> dict[str, str]:
    """Returns the current local date and time."""
    return {"time": "04:05", "date": "Monday, January 5, 2026"}
'''
pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    built = ROOT / ".tools" / "livekit-server"
    if not (shutil.which("livekit-server") or built.exists()):
        pytest.skip("livekit-server is not built: scripts/setup")
    folder = tmp_path_factory.mktemp("log")
    (folder / "tools.py").write_text(CLOCK)
    settings = {
        "EARSHOT_CALLS__MAX": "2",
        "EARSHOT_CALLS__DRAIN_S": "1",
        "EARSHOT_PERSONA__TOOLS": '["calculate"]',
        "EARSHOT_TOOLS__MODULE": str(folder / "tools.py"),
    }
    async with Stack(folder / "state", settings) as running:
        yield running


async def earshot(stack: Stack, *arguments: str, status: int = 0) -> str:
    """`earshot calls …`: what it prints."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "earshot", "calls", *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "EARSHOT_STATE_DIR": str(stack.state_dir)},
    )  # fmt: skip
    out, errors = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == status, errors.decode()
    return out.decode() + (errors.decode() if status else "")


async def listed(
    stack: Stack, ready: Callable[[list[dict[str, Any]]], object], *filters: str
) -> list[dict[str, Any]]:
    """The log, as soon as it is as expected."""
    calls: list[dict[str, Any]] = []
    for _ in range(60):
        calls = json.loads(await earshot(stack, "list", "--json", *filters))
        if ready(calls):
            return calls
        await asyncio.sleep(0.5)
    pytest.fail(f"the log is {calls}\n{stack.tails()}")


async def asked(caller: Caller, question: str) -> None:
    await caller.agent()
    before = len(caller.seen.of("turn"))
    await caller.write(question)
    await caller.until(lambda: len(caller.seen.of("turn")) > before, 40.0, "an answer")


async def test_two_calls_at_once(stack: Stack, tmp_path: Path) -> None:
    async with (
        Caller(await from_page(stack.page, identity="anna")) as anna,
        Caller(await from_page(stack.page, identity="berta")) as berta,
    ):
        await asyncio.gather(
            asked(anna, "What is two plus three?"), asked(berta, "What time is it?")
        )
        # a tool of our own ran in the call's process
        (clock,) = berta.seen.of("tool")
        assert (clock["name"], clock["result"]["time"]) == ("get_current_time", "04:05")
        await listed(stack, lambda calls: len(calls) == 2 and all(c["running"] for c in calls))
    calls = await listed(stack, lambda calls: not any(c["running"] for c in calls))
    assert {c["how_ended"] for c in calls} == {"caller left"}
    (call,) = [c for c in calls if c["callers"][0]["identity"] == "anna"]
    assert call["turns"] == 1
    assert call["tools"] == {"calculate": 1}
    assert 0 < call["duration_s"] < 100
    assert call["latency_ms"]["llm_ttft"]["median"] > 0

    shown = json.loads(await earshot(stack, "show", call["room"], "--json"))
    assert any(turn["tools"] == ["calculate"] for turn in shown["turn_list"])
    assert "anna" in await earshot(stack, "list", "--identity", "anna", "--since", "1h")
    assert "calculate" in await earshot(stack, "show", call["id"][:8])

    # no words, and nobody else's to read
    for file in stack.state_dir.glob("calls.sqlite*"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert b"two plus" not in file.read_bytes()

    out = tmp_path / "calls.csv"
    await earshot(stack, "export", "-o", str(out))
    rows = list(csv.DictReader(out.read_text().splitlines()))
    assert sorted(row["identity"] for row in rows) == ["anna", "berta"]
    assert stat.S_IMODE(out.stat().st_mode) == 0o600


async def test_the_worker_is_killed_in_mid_call(stack: Stack) -> None:
    async with Caller(await from_page(stack.page, identity="clara")) as clara:
        await asked(clara, "Hello.")
        (call,) = await listed(stack, lambda calls: len(calls) == 1, "--identity", "clara")
        assert call["running"]
        os.kill(stack.endpoints.pids["worker"], signal.SIGKILL)
    # she has left while nobody listened; or the server tries again and tells the worker after it
    (call,) = await listed(stack, lambda calls: not calls[0]["running"], "--identity", "clara")
    assert call["how_ended"] in ("caller left", "lost")
    assert call["turns"] >= 1
    await stack.answers()


async def test_erased_while_the_worker_writes(stack: Stack) -> None:
    dry = await earshot(stack, "erase", "--identity", "anna", "--dry-run")
    assert "would erase 1 call" in dry
    assert "--yes" in await earshot(stack, "erase", "--identity", "anna", status=2)
    async with Caller(await from_page(stack.page, identity="anna")) as anna:
        await asked(anna, "Hello.")
        await listed(stack, lambda calls: len(calls) == 2, "--identity", "anna")
        gone = json.loads(await earshot(stack, "erase", "--identity", "anna", "--yes", "--json"))
        assert gone["erased"] == 2
        await asked(anna, "What is your name?")
    async with Caller(await from_page(stack.page, identity="dora")) as dora:
        await asked(dora, "Hello.")
    await listed(stack, lambda calls: calls and not calls[0]["running"], "--identity", "dora")
    assert json.loads(await earshot(stack, "list", "--json", "--identity", "anna")) == []
    everything = b"".join(f.read_bytes() for f in stack.state_dir.glob("calls.sqlite*"))
    assert b"anna" not in everything
    db = sqlite3.connect(stack.state_dir / "calls.sqlite")
    assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    db.close()


async def test_a_call_that_is_cut_off(stack: Stack) -> None:
    async with Caller(await from_page(stack.page, identity="emil")) as emil:
        await asked(emil, "Hello.")
        await listed(stack, lambda calls: calls and calls[0]["turns"] == 1, "--identity", "emil")
        assert await stack.stop() == 0
    (call,) = json.loads(await earshot(stack, "list", "--json", "--identity", "emil"))
    assert (call["running"], call["how_ended"]) == (False, "stopped")
    assert call["duration_s"] > 0
