"""One process that is kept running.

It is started, asked until it answers, asked again as long as it lives, started anew when it died or
stopped answering, and ended together with every process it started itself. What it does is its own
business.
"""

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from ..errors import StackError
from .logs import Log
from .probes import NoAnswerError, Probe

_FAULTS = {signal.SIGILL, signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGABRT}

State = Literal[
    "waiting", "starting", "ready", "unready", "restarting", "failed", "stopping", "stopped"
]


@dataclass(frozen=True)
class Spec:
    """What to run, and how to tell that it is well."""

    name: str
    command: Sequence[str]
    probe: Probe
    environment: Mapping[str, str] = field(default_factory=dict)
    """Beside this process' own."""
    after: Sequence[str] = ()
    """Services that must have been ready before it is started."""
    needs: Sequence[str] = ()
    """Services without which it is not ready, whatever it says itself."""
    start_timeout_s: float = 30.0
    """From start to the first answer, be it "not ready yet"."""
    stop_timeout_s: float = 2.0
    """From SIGTERM to SIGKILL."""
    stop_signals: int = 1
    """How often SIGTERM is sent: some programs take the second for "now"."""
    explain: Callable[[str], str] = lambda signal: ""
    """What there is to say of a death by that signal, for people; empty = nothing."""
    hopeless: frozenset[int] = frozenset()
    """Exit codes of a first start, before any answer, that no second one will change."""
    probe_interval_s: float = 2.0
    probe_timeout_s: float = 3.0
    probe_failures: int = 3
    """So many questions without an answer, one after the other, and it is started anew."""


@dataclass(frozen=True)
class Patience:
    """How often a service is started anew."""

    delays_s: Sequence[float] = (0.1, 0.5, 1.0, 2.0, 4.0)
    """Before the first, the second … new start; a caller may be waiting, so the first is quick."""
    window_s: float = 120.0
    """With more failures than delays within this time, it is given up."""
    same_fault: int = 3
    """After so many deaths in a row by the same fault it is given up: it would die again…"""
    forgiven_s: float = 600.0
    """…unless it lived this long before."""


@dataclass(frozen=True)
class Status:
    """How a service is."""

    state: State = "waiting"
    pid: int = 0
    since: float = 0.0
    """Start of its process, seconds since the epoch; 0 = none."""
    restarts: int = 0
    why: str = ""
    """What is in the way, if it is not ready."""


@dataclass(frozen=True)
class Event:
    """Something that happened: `service` (a new state), `restarting`, `gave_up` and others."""

    kind: str
    data: Mapping[str, Any] = field(default_factory=dict)


class Service:
    """A process by a Spec. `keep` runs it; `stop` ends it."""

    def __init__(
        self,
        spec: Spec,
        log_dir: Path,
        tell: Callable[[Event], None] = lambda event: None,
        patience: Patience | None = None,
    ) -> None:
        self.spec = spec
        self.status = Status()
        self.ready = asyncio.Event()
        self.log = Log(log_dir / f"{spec.name}.log")
        self._tell = tell
        self._patience = patience or Patience()
        self._process: asyncio.subprocess.Process | None = None
        self._pump: asyncio.Task[None] | None = None
        self._answered = False
        self._doubts: set[str] = set()
        self._ask_now = asyncio.Event()
        self._exit_code: int | None = None

    async def keep(self) -> None:
        """Runs until it is cancelled.

        Raises:
            StackError: the service can't be kept running: why, and the last lines it printed.
        """
        failures: deque[float] = deque()
        fault, in_a_row = "", 0
        while True:
            first = self.status.restarts == 0
            began = time.monotonic()
            why = await self._live()
            now = time.monotonic()
            died_of = _fault(self._exit_code)
            settled = died_of != fault or now - began > self._patience.forgiven_s
            fault, in_a_row = died_of, 1 if settled else in_a_row + 1
            said = self.spec.explain(fault) if fault else ""
            if fault and in_a_row >= self._patience.same_fault:
                raise self._give_up(why, in_a_row, said)
            why = f"{why}: {said}" if said else why
            failures.append(now)
            while failures[0] < now - self._patience.window_s:
                failures.popleft()
            hopeless = first and not self._answered and self._exit_code in self.spec.hopeless
            if hopeless or len(failures) > len(self._patience.delays_s):
                raise self._give_up(why, len(failures))
            delay = self._patience.delays_s[len(failures) - 1]
            self._set("restarting", why=why)
            self._tell(
                Event("restarting", {"service": self.spec.name, "why": why, "delay_s": delay})
            )
            await asyncio.sleep(delay)
            self.status = replace(self.status, restarts=self.status.restarts + 1)

    def doubt(self, other: str) -> None:
        """Another service, which this one needs, is down: it is not ready before that one is."""
        self._doubts.add(other)
        if self.status.state == "ready":
            self._set("unready", why=self._doubt())

    def trust(self, other: str) -> None:
        """The other is back; this one is asked at once."""
        if other in self._doubts:
            self._doubts.remove(other)
            self._ask_now.set()

    def _doubt(self) -> str:
        return f"waits for {', '.join(sorted(self._doubts))}" if self._doubts else ""

    async def stop(self, *, at_once: bool = False) -> None:
        """Ends the process and all of its own; `keep` must have been cancelled before."""
        process = self._process
        if process and process.returncode is None:
            self._set("stopping", why="")
            if not at_once:
                for _ in range(self.spec.stop_signals):
                    with contextlib.suppress(ProcessLookupError):
                        process.terminate()
                    # two signals sent together are one
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(process.wait(), 0.05)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(process.wait(), self.spec.stop_timeout_s)
        await self._end()
        if self.status.state != "failed":
            self._set("stopped", pid=0, since=0.0, why="")
        self.log.close()

    async def _live(self) -> str:
        """One life of the process. Returns why it ended."""
        self._answered = False
        await self._start()
        assert self._process
        exited = asyncio.create_task(self._process.wait())
        watched = asyncio.create_task(self._watch())
        try:
            await asyncio.wait({exited, watched}, return_when=asyncio.FIRST_COMPLETED)
            why = _how_it_ended(exited.result()) if exited.done() else watched.result()
        finally:
            watched.cancel()
            exited.cancel()
            self.ready.clear()
        await self._end()
        return why

    async def _start(self) -> None:
        read, write = os.pipe()
        guard = (sys.executable, "-I", "-S", str(Path(__file__).with_name("guard.py")))
        try:
            # a session of its own: Ctrl-C reaches only us, and one signal all that it started.
            # Started from this, the main thread: the kernel takes its end for the parent's
            self._process = await asyncio.create_subprocess_exec(
                *guard, str(os.getpid()), *self.spec.command,
                stdin=asyncio.subprocess.DEVNULL, stdout=write, stderr=write,
                env={**os.environ, **self.spec.environment}, start_new_session=True,
            )  # fmt: skip
        finally:
            os.close(write)
        self._pump = asyncio.create_task(self.log.pump(read))
        self._set("starting", pid=self._process.pid, since=time.time(), why="")

    async def _watch(self) -> str:
        """Asks again and again. Returns when nothing more is to be expected."""
        spec, started, silent = self.spec, time.monotonic(), 0
        while True:
            try:
                async with asyncio.timeout(spec.probe_timeout_s):
                    why = await spec.probe()
            except (NoAnswerError, TimeoutError) as e:
                why, silent = str(e) or f"no answer in {spec.probe_timeout_s:g} s", silent + 1
                if self._answered:
                    self._set("unready", why=why)
                    if silent >= spec.probe_failures:
                        return f"stopped answering: {why}"
                elif time.monotonic() - started > spec.start_timeout_s:
                    return f"did not answer within {spec.start_timeout_s:g} s of its start: {why}"
            else:
                silent, self._answered = 0, True
                why = why or self._doubt()
                self._set("unready" if why else "ready", why=why)
            pause = 0.05  # somebody waits for it
            if self._answered:
                pause = spec.probe_interval_s if self.ready.is_set() else 0.3 if silent else 0.1
            self._ask_now.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ask_now.wait(), pause)

    async def _end(self) -> None:
        """No process of this service is left when it returns."""
        if self._process:
            # the whole group: a process that it started may outlive it
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            await self._process.wait()
            self._exit_code = self._process.returncode
            self._process = None
        if self._pump:
            # the pipe closes with the last process that holds it
            await asyncio.wait({self._pump}, timeout=0.5)
            self._pump.cancel()
            self._pump = None

    def _set(self, state: State, **changes: Any) -> None:
        before = self.status
        self.status = replace(before, state=state, **changes)
        if state == "ready":
            self.ready.set()
        else:
            self.ready.clear()
        if (before.state, before.pid) != (state, self.status.pid):
            data = {"service": self.spec.name, "state": state, "pid": self.status.pid}
            self._tell(
                Event("service", data | ({"why": self.status.why} if self.status.why else {}))
            )

    def _give_up(self, why: str, failures: int, said: str = "") -> StackError:
        last = self.log.last_lines(3)
        self._set("failed", pid=0, since=0.0, why=why)
        times = "" if failures == 1 else f", the last of {failures} failures"
        message = f"{self.spec.name} {why}{times}, given up" + (f": {said}" if said else "")
        self._tell(
            Event(
                "gave_up", {"service": self.spec.name, "why": why, "log": self.log.last_lines(20)}
            )
        )
        return StackError(
            f"{message}; its last words: {' | '.join(last) or '(none)'} (all: {self.log.path})"
        )


def _fault(code: int | None) -> str:
    """The signal by which a process ended through its own fault; empty = in another way."""
    return signal.Signals(-code).name if code is not None and -code in _FAULTS else ""


def _how_it_ended(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"
