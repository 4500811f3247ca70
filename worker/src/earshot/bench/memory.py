"""What a call costs in memory: its process's own pages, and those that it shares with the others.

All are forked from one server that has imported everything; what none of them writes to exists
once. A process's own are its private pages (USS): what one more call costs.
"""

import asyncio
import tempfile
from collections.abc import Mapping
from pathlib import Path

import psutil

from ..caller import Caller, Speech, from_page
from ..caller.demo import QUESTIONS
from ..caller.stack import Stack
from ..errors import CallError
from ..models import load_profile
from ..settings import load
from .call_caller import calm_down
from .row import Row

READY_S = 180.0
OWN_MB = 80.0
MB = 1 << 20


def measure(profile: str = "starter") -> list[Row]:
    """Starts a stack, holds one call with a question; takes half a minute.

    Raises:
        CallError: the stack or an agent did not come up.
        ModelError: there is no such profile, or a file of it is missing.
    """
    chosen = load({"profile": profile})
    load_profile(profile, chosen.models_dir)
    models = {"EARSHOT_PROFILE": profile, "EARSHOT_MODELS_DIR": str(chosen.models_dir)}
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_measure(Path(folder), profile, models))


async def _measure(folder: Path, profile: str, settings: Mapping[str, str]) -> list[Row]:
    async with Stack(folder / "state", settings, READY_S) as stack:
        await calm_down(stack.pid)
        server, waiting = _calls(stack.pid)
        rows = _rows("a process that waits for a call", profile, waiting)
        async with Caller(await from_page(stack.page)) as caller:
            await caller.agent(60.0)
            await caller.greeting(30.0)
            text, path = QUESTIONS[0]
            await caller.ask(Speech.open(path, text), 60.0)
            await calm_down(stack.pid)
            _, now = _calls(stack.pid)
            rows += _rows("a process in a call", profile, [p for p in now if p in waiting])
        rows.append(Row("what they share, once", profile, _mb(server)[1], unit="MB"))
    return rows


def _calls(pid: int) -> tuple[psutil.Process, list[psutil.Process]]:
    """The server that processes of calls are forked from, and these."""
    for worker in psutil.Process(pid).children():
        if worker.cmdline()[-2:] == ["earshot", "worker"]:
            for server in worker.children():
                if found := server.children():
                    return server, found
    raise CallError("earshot up has no process that could take a call")


def _rows(what: str, profile: str, processes: list[psutil.Process]) -> list[Row]:
    own, whole = max((_mb(p) for p in processes), default=(float("nan"), float("nan")))
    return [
        Row(f"{what}: its own", profile, own, None, OWN_MB, unit="MB"),
        Row(f"{what}: with what it shares (RSS)", profile, whole, unit="MB"),
    ]


def _mb(process: psutil.Process) -> tuple[float, float]:
    """Its own pages, all its pages."""
    memory = process.memory_full_info()
    return memory.uss / MB, memory.rss / MB
