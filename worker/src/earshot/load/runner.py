"""A number of callers at once: their tickets, their processes, and the machine meanwhile."""

import asyncio
import contextlib
import secrets
from typing import Any

from ..caller.ticket import minted
from ..errors import EarshotError
from ..operator.connection import Connection
from ..operator.server import reach
from .callers import CallerProcess
from .machine import Meter
from .plan import AGENT_WITHIN_S, REST_S, STAGGER_S, Plan
from .records import Call
from .result import Step
from .screen import Screen
from .script import Script

CLOSE_S = 10.0


class Runner:
    """Holds the calls of a plan.

    Args:
        earshot: processes of `earshot up`, where it runs here.
        screen: shows what happens.
    """

    def __init__(
        self, plan: Plan, connection: Connection, earshot: list[int], screen: Screen
    ) -> None:
        self._plan = plan
        self._connection = connection
        self._earshot = earshot
        self._screen = screen
        self._name = f"load-{secrets.token_hex(4)}"
        self._steps = 0

    async def hold(self, calls: int) -> Step:
        """So many callers at once.

        Raises:
            OperatorError: livekit-server is not there any more.
        """
        if self._steps:
            await asyncio.sleep(REST_S)
        self._steps += 1
        await self._check()
        rooms = [f"{self._name}-{self._steps}-{i}" for i in range(calls)]
        processes = [self._caller(i, room) for i, room in enumerate(rooms)]
        self._screen.step(calls, self._plan.for_s)
        try:
            async with asyncio.timeout(self._plan.start_deadline_s(calls)):
                await asyncio.gather(*(p.start() for p in processes), return_exceptions=True)
        except TimeoutError:
            pass  # whoever is not ready is not waited for; its call fails at once
        try:
            meter = Meter([p.pid for p in processes if p.pid], self._earshot)
            meter.start()
            await asyncio.gather(*(self._call(i, p) for i, p in enumerate(processes)))
            load = await meter.stop()
        finally:
            await asyncio.shield(self._end(processes, rooms))
        step = Step(calls, load, [p.outcome() for p in processes])
        self._screen.stepped(step)
        return step

    async def _call(self, number: int, process: CallerProcess) -> Call:
        await asyncio.sleep(number * STAGGER_S)
        await process.call(self._plan.call_deadline_s)
        call = process.outcome()
        self._screen.ended(call)
        return call

    def _caller(self, number: int, room: str) -> CallerProcess:
        plan, server = self._plan, self._connection
        ticket = minted(
            server.url, server.api_key, server.api_secret, room, f"caller-{number}", plan.agent
        )
        script = Script(
            number, ticket, plan.questions, plan.for_s, plan.interrupt_every,
            agent_within_s=AGENT_WITHIN_S, seed=str(self._steps),
        )  # fmt: skip
        return CallerProcess(script, self._heard)

    def _heard(self, caller: int, event: str, content: dict[str, Any]) -> None:
        self._screen.heard(caller, event, content)

    async def _check(self) -> None:
        from livekit import api

        async with reach(self._connection) as server:
            await server.room.list_rooms(api.ListRoomsRequest(names=["-"]))

    async def _end(self, processes: list[CallerProcess], rooms: list[str]) -> None:
        """No process and no room is left: the agent of a caller that died would wait for it."""
        from livekit import api

        await asyncio.gather(*(p.aclose() for p in processes), return_exceptions=True)
        with contextlib.suppress(EarshotError, TimeoutError):
            async with asyncio.timeout(CLOSE_S), reach(self._connection) as server:
                found = await server.room.list_rooms(api.ListRoomsRequest(names=rooms))
                for room in found.rooms:
                    with contextlib.suppress(api.ServerError):
                        await server.room.delete_room(api.DeleteRoomRequest(room=room.name))
