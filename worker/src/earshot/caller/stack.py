"""An `earshot up` of one's own, in a state folder of its own: for the benchmark and the tests.

Runs the real command as a person would; knows of it only what it prints and writes.
"""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp

from .. import credentials, endpoints
from ..credentials import Credentials
from ..endpoints import Endpoints
from ..errors import CallError, NotRunningError

READY_S = 60.0
STOP_S = 15.0
TAIL_LINES, LINE_MOST = 25, 300


class Stack:
    """A running stack; `start` waits until a caller would be answered.

    Args:
        state_dir: everything that it writes goes there.
        settings: environment, {"EARSHOT_CALLS__MAX": "1"}.
        ready_s: how long it may take.

    Raises:
        CallError: it did not come up; the message holds the ends of its logs.
    """

    def __init__(
        self, state_dir: Path, settings: Mapping[str, str] | None = None, ready_s: float = READY_S
    ) -> None:
        self.state_dir = state_dir
        self.events: list[dict[str, Any]] = []
        self._settings = dict(settings or {})
        self._ready_s = ready_s
        self._process: asyncio.subprocess.Process | None = None
        self._reading: list[asyncio.Task[None]] = []
        self._errors: list[str] = []

    async def __aenter__(self) -> "Stack":
        try:
            await self.start(self._ready_s)
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self, timeout_s: float = READY_S) -> None:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("EARSHOT_")}
        self._process = process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "earshot", "up", "--ports", "auto", "--json",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**environment, "EARSHOT_STATE_DIR": str(self.state_dir), **self._settings},
            start_new_session=True,
        )  # fmt: skip
        assert process.stdout is not None and process.stderr is not None
        self._reading = [
            asyncio.create_task(self._read_events(process.stdout)),
            asyncio.create_task(self._read_errors(process.stderr)),
        ]
        await self.until("ready", timeout_s)

    async def until(self, event: str, timeout_s: float, since: int = 0) -> dict[str, Any]:
        """Waits for an event of that name, from the `since`-th event on."""
        deadline = time.monotonic() + timeout_s
        while True:
            for seen in self.events[since:]:
                if seen.get("event") == event:
                    return seen
            if self._process is None or self._process.returncode is not None:
                raise CallError(f"earshot up ended before {event!r}: {self.tails()}")
            if time.monotonic() > deadline:
                raise CallError(f"earshot up: no {event!r} in {timeout_s:.0f} s: {self.tails()}")
            await asyncio.sleep(0.05)

    async def answers(self, timeout_s: float = READY_S) -> None:
        """Waits until a caller would be answered, after something was broken."""
        deadline = time.monotonic() + timeout_s
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5.0)) as http:
            while True:
                try:
                    async with http.get(f"{self.page}/readyz") as response:
                        if response.status == 200:
                            return
                except (aiohttp.ClientError, TimeoutError, NotRunningError):
                    pass  # not there yet
                if time.monotonic() > deadline:
                    raise CallError(f"not ready in {timeout_s:.0f} s: {self.tails()}")
                await asyncio.sleep(0.2)

    async def stop(self) -> int | None:
        """SIGTERM, and what is left after 15 s is killed; returns the exit status."""
        process = self._process
        if process is None:
            return None
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(process.wait(), STOP_S)
            except TimeoutError:
                os.killpg(process.pid, signal.SIGKILL)
                await process.wait()
        for task in self._reading:
            task.cancel()
        await asyncio.gather(*self._reading, return_exceptions=True)
        return process.returncode

    @property
    def pid(self) -> int:
        """Of `earshot up` itself."""
        assert self._process is not None
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    @property
    def endpoints(self) -> Endpoints:
        """As they are now: processes that were restarted have new numbers."""
        return endpoints.read(self.state_dir)

    @property
    def credentials(self) -> Credentials:
        return credentials.load_or_create(self.state_dir)

    @property
    def page(self) -> str:
        return self.endpoints.page

    def tails(self) -> str:
        """The ends of all logs, for whoever has to find out."""
        parts = ["", *self._errors[-TAIL_LINES:]]
        for log in sorted((self.state_dir / "logs").glob("*.log")):
            parts.append(f"--- {log.name}")
            lines = log.read_text(errors="replace").splitlines()[-TAIL_LINES:]
            parts += [line[:LINE_MOST] for line in lines]
        return "\n".join(parts)

    async def _read_events(self, stream: asyncio.StreamReader) -> None:
        async for line in stream:
            try:
                self.events.append(json.loads(line))
            except ValueError:
                self._errors.append(f"not JSON on standard output: {line!r}")

    async def _read_errors(self, stream: asyncio.StreamReader) -> None:
        async for line in stream:
            self._errors.append(line.decode(errors="replace").rstrip())
