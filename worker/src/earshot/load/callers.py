"""The callers' processes: started, listened to, and ended in any case.

Each is `one_call` with its script on standard input. One that dies, or is not done by its deadline,
is counted as such and not waited for.
"""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections import deque
from collections.abc import Callable
from typing import Any

from pydantic import TypeAdapter, ValidationError

from .records import Call, Turn
from .script import Script

LINE_MAX = 1024 * 1024
ERRORS_KEPT = 5
END_S = 3.0

_CALL = TypeAdapter(Call)
_TURN = TypeAdapter(Turn)

Heard = Callable[[int, str, dict[str, Any]], None]
"""told (caller's number, event, its content): `ready`, `joined`, `agent`, `turn`, `end`"""


class CallerProcess:
    """One caller, from the start of its process to the end of it.

    Args:
        tell: told what happens, as it happens.
    """

    def __init__(self, script: Script, tell: Heard) -> None:
        self._script = script
        self._tell = tell
        self._process: asyncio.subprocess.Process | None = None
        self._errors: deque[str] = deque(maxlen=ERRORS_KEPT)
        self._reading: asyncio.Task[None] | None = None
        self._ready = False
        self._call: Call | None = None
        self._turns: list[Turn] = []

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    async def start(self) -> None:
        """Returns when it is ready to call, or has died."""
        self._process = process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "earshot.load.one_call",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=LINE_MAX,
            start_new_session=True,  # Ctrl-C is ours to pass on
        )  # fmt: skip
        assert process.stderr is not None
        self._reading = asyncio.create_task(self._read_errors(process.stderr))
        self._order(self._script.to_json())
        self._ready = await self._until("ready")

    async def call(self, within_s: float) -> None:
        """Holds the call; `outcome` has it afterwards."""
        if not self._ready:
            return
        self._order("go")
        try:
            async with asyncio.timeout(within_s):
                await self._until("end")
        except TimeoutError:
            why = f"not done {within_s:.0f} s after its start"
            self._call = Call(self._script.caller, "late", why, seconds=within_s)

    def outcome(self) -> Call:
        """What the call was, with the turns that it told of."""
        call = self._call
        if call is None:
            status = self._process.returncode if self._process else None
            last = self._errors[-1] if self._errors else "no word of why"
            if status is None:
                last = "its process was not ready in time"
            why = last if status is None else f"exit status {status}: {last}"
            call = Call(self._script.caller, "died", why)
        call.turns = self._turns
        return call

    async def aclose(self) -> None:
        """Ends the process: asked first, then killed with all that it started."""
        process = self._process
        if process is None:
            return
        assert process.stdin is not None
        process.stdin.close()  # one_call ends with its input
        try:
            async with asyncio.timeout(END_S):
                await process.wait()
        except TimeoutError:
            pass
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
            if self._reading is not None:
                self._reading.cancel()
                await asyncio.gather(self._reading, return_exceptions=True)

    def _order(self, line: str) -> None:
        assert self._process is not None and self._process.stdin is not None
        with contextlib.suppress(ConnectionError):  # it has died: `_until` finds out
            self._process.stdin.write(line.encode() + b"\n")

    async def _until(self, last: str) -> bool:
        """Reads until that event; False if it did not come and never will."""
        assert self._process is not None and self._process.stdout is not None
        while True:
            try:
                line = await self._process.stdout.readline()
                event = json.loads(line) if line else None
                if event is None:
                    await self._process.wait()
                    return False
                self._take(event)
            except (ValueError, KeyError, TypeError, ValidationError) as e:
                self._errors.append(f"said something that is none of its events: {e}")
                return False
            if event["event"] == last:
                return True

    def _take(self, event: dict[str, Any]) -> None:
        if event["event"] == "turn":
            self._turns.append(_TURN.validate_python(event["turn"]))
        elif event["event"] == "end":
            self._call = _CALL.validate_python(event["call"])
        self._tell(self._script.caller, event["event"], event)

    async def _read_errors(self, stream: asyncio.StreamReader) -> None:
        while True:
            try:
                line = await stream.readline()
            except ValueError:
                continue  # longer than anybody wants to read
            if not line:
                return
            if text := line.decode(errors="replace").strip():
                self._errors.append(text[:300])
