"""The worker: takes calls from livekit-server, a process each, and serves the page.

Load is counted in calls, not in CPU: the default of LiveKit would refuse calls whenever a model
works. Nothing is asked of LiveKit's cloud: `start` mode, everything local by name (see session.py).
"""

import asyncio
import json
import signal
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import structlog
from livekit import api
from livekit.agents import AgentServer
from livekit.plugins import llama_cpp

from . import call, endpoints, processes
from .admission import Admission
from .calls.facts import CHECK_ROOMS
from .calls.log import CallLog, open_log
from .capacity import calls_max
from .credentials import Credentials, load_or_create
from .engine.address import default_socket
from .engine.client import EngineClient
from .errors import EngineError
from .models import Profile, load_profile
from .prefill import read_instructions
from .session import Models, agent_for, stay_local
from .settings import Settings
from .tools.own import Own, load_tools
from .version import __version__
from .web.app import build_app
from .web.server import serve

ENGINE_WITHIN_S = 120.0
READ_WITHIN_S = 30.0  # then it goes on beside the first call
RECONNECT_TRIES = 1_000_000  # a livekit-server that restarts is waited for
LOOPBACK = "127.0.0.1"
TEND_S = 0.5

_log = structlog.get_logger(__name__)


def livekit_url(settings: Settings) -> str:
    """Where this machine reaches livekit-server."""
    return settings.livekit.url or f"ws://{LOOPBACK}:{settings.network.livekit_port}"


async def work(settings: Settings) -> None:
    """Runs until SIGTERM or SIGINT; then lets calls end for `calls.drain_s`.

    Raises:
        EarshotError: a port is taken, secrets are not as they should be, no engine.
    """
    stay_local()
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    credentials = load_or_create(settings.state_dir, own_keys=not settings.livekit.url)
    # a tool that can't be used is said now, not by every call's process
    tools = load_tools(settings.tools.module, settings.persona.tools)
    worker = Worker(settings, credentials, tools)
    running = asyncio.create_task(worker.run())
    stop = asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait({running, stop}, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            await running  # it does not end by itself: says why
            return
        await worker.drain()
    finally:
        stop.cancel()
        running.cancel()
        await asyncio.gather(stop, running, return_exceptions=True)


@dataclass
class _Live:
    """What the page may ask about."""

    engine: EngineClient
    admission: Admission
    calls_max: int
    registered: bool = False


class Worker:
    """AgentServer and web app in one event loop."""

    def __init__(self, settings: Settings, credentials: Credentials, tools: list[Own]) -> None:
        self._settings = settings
        self._credentials = credentials
        self._tools = tools
        self._reading: asyncio.Task[None] | None = None
        self._metrics = endpoints.run_dir(settings.state_dir) / "metrics"
        self._live: _Live | None = None
        self._server: AgentServer | None = None
        self._log: CallLog | None = None
        self._draining = False
        self._demonstration = False
        self._tending: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Serves the page at once, and calls as soon as the engine is warm."""
        settings = self._settings
        processes.begin(
            livekit_url(settings),
            self._credentials,
            self._metrics,
            livekit_models="livekit" in (settings.vad.engine, settings.turn.detector),
        )
        async with open_log(self._settings) as self._log:
            await self._serve()

    async def _serve(self) -> None:
        tell = self._log.webhook if self._log else None
        app = build_app(self._settings, self._credentials, self.status, on_webhook=tell)
        async with serve(app, self._settings.network):
            socket = default_socket(self._settings.state_dir)
            async with await EngineClient.connect(socket, timeout_s=ENGINE_WITHIN_S) as engine:
                await self._take_calls(engine)

    async def _take_calls(self, engine: EngineClient) -> None:
        settings = self._settings
        profile = load_profile(settings.profile, settings.models_dir)
        self._demonstration = profile.demonstration
        models = Models(engine.transcriber, engine.generator, engine.synthesizer)
        most = await calls_max(settings, profile, models)
        await self._read_instructions(models, profile)
        folder = endpoints.run_dir(settings.state_dir) / "slots"
        self._live = live = _Live(engine, Admission(folder, most), most)
        self._server = server = self._agent_server(most)
        server.on("worker_registered", lambda *_: self._registered(live))
        try:
            await server.run()
        finally:
            for task in (self._tending, self._reading):
                if task is not None:
                    task.cancel()
            with suppress(Exception):  # whatever it was, the page and the engine close after it
                await server.aclose()

    async def _read_instructions(self, models: Models, profile: Profile) -> None:
        """Has the engine read what every call begins with, and keep it: the very first caller's
        answer is to come as soon as any."""
        model = llama_cpp.LLM(models.generator)
        agent = await asyncio.to_thread(
            agent_for, self._settings, profile, model, None, self._tools
        )
        reading = read_instructions(agent, model)
        self._reading = asyncio.create_task(reading)
        await asyncio.wait({self._reading}, timeout=READ_WITHIN_S)

    def _agent_server(self, most: int) -> AgentServer:
        settings = self._settings
        network = settings.network
        server = AgentServer(
            ws_url=livekit_url(settings),
            api_key=self._credentials.api_key,
            api_secret=self._credentials.api_secret,
            host=LOOPBACK,
            port=network.health_port,
            prometheus_port=network.metrics_port,
            prometheus_multiproc_dir=str(self._metrics),
            setup_fnc=call.prepare,
            load_fnc=lambda s: self._load(s, most),
            num_idle_processes=1 if most == 1 else 2,
            drain_timeout=max(1, round(settings.calls.drain_s)),
            shutdown_process_timeout=3.0,
            session_end_timeout=2.0,
            initialize_process_timeout=30.0,
            max_retry=RECONNECT_TRIES,
            http_proxy=None,
        )
        server.rtc_session(
            call.answer, agent_name=settings.calls.agent_name, on_request=call.consider
        )
        return server

    def _load(self, server: AgentServer, most: int) -> float:
        places = most + self._settings.calls.waiting_max
        return 0.0 if len(server.active_jobs) < places and not self._draining else 1.0

    def _registered(self, live: _Live) -> None:
        live.registered = True
        _log.info("ready for calls", calls_max=live.calls_max)
        if self._tending is not None:
            self._tending.cancel()
        self._tending = asyncio.get_running_loop().create_task(self._tend_rooms(live))

    async def _tend_rooms(self, live: _Live) -> None:
        """Comes to those who wait in a room whose agent died: with the worker before this one, or
        later, in a call's process alone."""
        orphaned = True
        async with api.LiveKitAPI(
            livekit_url(self._settings).replace("ws", "http", 1),
            self._credentials.api_key,
            self._credentials.api_secret,
        ) as server:
            while not self._draining:
                for note in live.admission.abandoned():
                    orphaned = True
                    with suppress(api.TwirpError, ValueError):  # it is gone already
                        room, identity = json.loads(note)
                        dead = api.RoomParticipantIdentity(room=room, identity=identity)
                        await server.room.remove_participant(dead)
                if orphaned:
                    try:
                        await self._take_up_rooms(server)
                        orphaned = False
                    except (api.TwirpError, OSError, TimeoutError) as e:
                        _log.info("rooms could not be looked at", error=str(e))
                if self._log is not None:
                    with suppress(api.TwirpError, OSError, TimeoutError):
                        await self._log.look(server)
                await asyncio.sleep(TEND_S)

    async def _take_up_rooms(self, server: api.LiveKitAPI) -> None:
        for room in (await server.room.list_rooms(api.ListRoomsRequest())).rooms:
            request = api.ListParticipantsRequest(room=room.name)
            people = (await server.room.list_participants(request)).participants
            kinds = {p.kind for p in people}
            checks = room.name.startswith(CHECK_ROOMS)
            if people and not checks and api.ParticipantInfo.Kind.AGENT not in kinds:
                dispatch = api.CreateAgentDispatchRequest(
                    room=room.name, agent_name=self._settings.calls.agent_name
                )
                await server.agent_dispatch.create_dispatch(dispatch)
                _log.info("an abandoned call is taken up", room=room.name)

    async def status(self) -> dict[str, Any]:
        """What the page shows; no secret in it."""
        live = self._live
        state: dict[str, Any] = {
            "ready": False,
            "agent_name": self._settings.calls.agent_name,
            "demonstration": self._demonstration,
            "persona": {"name": self._settings.persona.name},
            "calls": 0,
            "calls_max": 0,
            "waiting": 0,
            "engine": "down",
            "livekit": "down",
            "stopping": self._draining,
            "version": __version__,
        }
        if live is None:
            return state | {"engine": "restarting"}
        try:
            health = await live.engine.health()
            engine = "ready" if health.serving else "restarting"
        except EngineError:
            engine = "restarting"
        # LiveKit tells of a connection that is made, not of one that is lost
        connected = live.registered and self._server is not None and not self._server._connecting
        return state | {
            "ready": engine == "ready" and connected and not self._draining,
            "calls": live.admission.calls,
            "calls_max": live.calls_max,
            "waiting": live.admission.waiting,
            "engine": engine,
            "livekit": "ready" if connected else "down",
        }

    async def drain(self) -> None:
        """No new calls; running ones may go on for `calls.drain_s`."""
        self._draining = True
        if self._server is None:
            return
        _log.info("draining", seconds=self._settings.calls.drain_s)
        try:
            await self._server.drain()
        except TimeoutError:
            _log.warning("calls were cut off", calls=len(self._server.active_jobs))
        if self._log is not None:  # now: there may be no time for it later
            self._log.stopped()
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._server.aclose(), 5.0)
