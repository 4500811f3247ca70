"""All services together: started as soon as what they need is there, stopped in reverse."""

import asyncio
import contextlib
import fcntl
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from .. import endpoints as addresses
from ..endpoints import Endpoints, run_dir
from ..errors import StackError
from . import report
from .plan import Plan
from .service import Event, Service, Status

_REFRESH_S = 2.0
_ONE_WISH_S = 0.5


@contextmanager
def alone(state_dir: Path) -> Iterator[None]:
    """Holds the state folder for this process; the kernel lets go of it whatever happens.

    Raises:
        StackError: another `earshot up` has it.
    """
    path = run_dir(state_dir) / "up.lock"
    with path.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as e:
            lock.seek(0)
            raise StackError(
                f"runs already with {state_dir}, as process {lock.read().strip() or '?'}: "
                "`earshot status` shows it; another one needs another state_dir"
            ) from e
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield


def runs(state_dir: Path) -> bool:
    """Whether an `earshot up` has the state folder."""
    path = state_dir / "run" / "up.lock"
    if not path.exists():
        return False
    with path.open("rb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
        return False


class Stack:
    """The services of a plan. Use `run`, once."""

    def __init__(self, plan: Plan, tell: Callable[[Event], None]) -> None:
        self.plan = plan
        self._calls: dict[str, Any] = {}
        self._look = report.Look()
        self._tell = tell
        log_dir = Path(plan.endpoints.log_dir)
        self._services = [Service(spec, log_dir, self._hear) for spec in plan.services]
        self._run_dir = run_dir(plan.settings.state_dir)
        self._signals = 0
        self._signalled = 0.0
        self._stop = asyncio.Event()
        self._ready = False
        self._began = time.monotonic()

    @property
    def endpoints(self) -> Endpoints:
        """With the processes of now."""
        pids = {s.spec.name: s.status.pid for s in self._services if s.status.pid}
        return replace(self.plan.endpoints, pids={"up": os.getpid(), **pids})

    def report(self) -> dict[str, Any]:
        """How everything is: see `report.make`."""
        return report.make(self.endpoints, self._states(), self._calls, self._look)

    def _states(self) -> dict[str, Status]:
        return {service.spec.name: service.status for service in self._services}

    def stop(self) -> None:
        """Lets `run` return, as a signal does."""
        self._stop.set()

    async def run(self) -> None:
        """Until `stop`, SIGINT or SIGTERM; everything is stopped when it returns or raises.

        Raises:
            StackError: a service gave up.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._on_signal)
        self._hear(Event("starting", {"services": [s.spec.name for s in self._services]}))
        kept = [asyncio.create_task(self._keep(service)) for service in self._services]
        stopped = asyncio.create_task(self._stop.wait())
        refreshed = asyncio.create_task(self._refresh())
        try:
            await asyncio.wait({stopped, *kept}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (stopped, refreshed, *kept):
                task.cancel()
            results = await asyncio.gather(*kept, return_exceptions=True)
            await self._stop_all()
        for result in results:
            if isinstance(result, Exception):
                raise result

    async def _keep(self, service: Service) -> None:
        for other in self._services:
            if other.spec.name in service.spec.after:
                await other.ready.wait()
        await service.keep()

    async def _stop_all(self) -> None:
        self._tell(Event("stopping"))
        for service in reversed(self._services):
            # a second signal means: now
            stopping = asyncio.create_task(service.stop(at_once=self._signals > 1))
            self._stop.clear()
            again = asyncio.create_task(self._stop.wait())
            await asyncio.wait({stopping, again}, return_when=asyncio.FIRST_COMPLETED)
            again.cancel()
            if not stopping.done():
                stopping.cancel()
                await asyncio.gather(stopping, return_exceptions=True)
                await service.stop(at_once=True)
        addresses.remove(self.plan.settings.state_dir)
        report.forget(self._run_dir)
        self._tell(Event("stopped"))

    def _on_signal(self) -> None:
        # Ctrl-C may come twice, from the terminal and from what we run under: that is one wish
        now = time.monotonic()
        if self._signals == 0 or now - self._signalled > _ONE_WISH_S:
            self._signals += 1
            self._signalled = now
            self._stop.set()

    def _hear(self, event: Event) -> None:
        """Everything that happens passes here."""
        self._tell(event)
        if event.kind != "service":
            return
        for service in self._services:
            if event.data["service"] in service.spec.needs:
                if event.data["state"] == "ready":
                    service.trust(event.data["service"])
                elif event.data["state"] == "restarting":
                    service.doubt(event.data["service"])
        states = self._states()
        with contextlib.suppress(OSError):  # a full disk is no reason to stop calls
            report.remember(self._run_dir, states)
            self.endpoints.write(self.plan.settings.state_dir)
        ready = all(status.state == "ready" for status in states.values())
        if ready and not self._ready:
            e = self.plan.endpoints
            seconds = round(time.monotonic() - self._began, 2)
            self._tell(
                Event("ready", {"page": e.page, "page_lan": e.page_lan, "livekit": e.livekit,
                                "seconds": seconds})
            )  # fmt: skip
        elif self._ready and not ready:
            self._began = time.monotonic()
        self._ready = ready

    async def _refresh(self) -> None:
        while True:
            if self._ready:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_REFRESH_S):
                        self._calls = await report.calls(self.plan.endpoints)
            self._look = await asyncio.to_thread(report.look, self.plan.endpoints, self._states())
            self._tell(Event("tick"))
            await asyncio.sleep(_REFRESH_S)
