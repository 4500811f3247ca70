"""One call: a room, a caller, and an AgentSession between them. Runs in a process of its own.

The process has no weights: it speaks to the engine. It waits at the door when all slots are taken,
tells the page what happens, and ends the call after long silence or at its longest.
"""

import asyncio
import json
import logging
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

import structlog
from livekit import api, rtc
from livekit.agents import (
    AutoSubscribe,
    CloseEvent,
    ErrorEvent,
    JobContext,
    JobProcess,
    JobRequest,
    UserStateChangedEvent,
    room_io,
)
from livekit.agents.vad import VAD
from livekit.plugins import piper
from livekit.plugins.faster_whisper.vad import detector

from . import endpoints
from .admission import Admission, Slot
from .agent import Assistant
from .busy import BusySignal
from .calls.facts import CHECK_ROOMS, HungUp, of_turn
from .calls.log import open_post
from .clip import Clip
from .conversation.deciding import Decision, Intents
from .engine.address import default_socket
from .engine.client import EngineClient
from .log import configure
from .metrics import count_turn
from .models import Profile, load_profile
from .notices import Notices
from .prefill import Prefill
from .session import (
    Models,
    agent_for,
    build_session,
    intents_for,
    load_vad,
    stay_local,
    voice_on,
)
from .settings import Settings, load
from .tools.documents import Documents, open_documents
from .tools.own import Own, load_tools
from .turn import ToolCall, Turn
from .turns import Turns

ENGINE_WITHIN_S = 60.0
LEFT_S = 10.0  # a caller whose network changed is back within
APOLOGISE_AGAIN_S = 5.0

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Prepared:
    """What a process makes ready before it has a call."""

    settings: Settings
    vad: VAD
    profile: Profile
    documents: Documents | None
    tools: list[Own]
    intents: Intents


def prepare(process: JobProcess) -> None:
    """Makes the process ready for a call."""
    stay_local()
    settings = load()
    configure(settings.log)
    logging.getLogger("livekit.agents").addFilter(_worth_telling)
    documents = open_documents(settings.documents.folder, settings.state_dir)
    detector(None)  # the STT's own: loaded now, not when the caller waits
    tools = load_tools(settings.tools.module, settings.persona.tools)
    profile = load_profile(settings.profile, settings.models_dir)
    intents = intents_for(settings, tools)
    process.userdata["prepared"] = Prepared(
        settings, load_vad(settings), profile, documents, tools, intents
    )


def _worth_telling(record: logging.LogRecord) -> bool:
    # the STT ends a turn before LiveKit's smoothed detector does: every turn, and on purpose
    return "stt end of speech received while vad" not in record.getMessage()


async def consider(request: JobRequest) -> None:
    """Takes every call but the rooms in which the page checks its connection."""
    if request.room.name.startswith(CHECK_ROOMS):
        await request.reject()
    else:
        await request.accept()


async def answer(ctx: JobContext) -> None:
    """Takes the call; returns when it is over."""
    prepared: Prepared = ctx.proc.userdata["prepared"]
    socket = default_socket(prepared.settings.state_dir)
    _, engine = await asyncio.gather(
        ctx.connect(auto_subscribe=AutoSubscribe.AUDIO_ONLY),
        EngineClient.connect(socket, timeout_s=ENGINE_WITHIN_S),
    )
    call = Call(ctx, prepared, engine)
    try:
        await call.run()
    finally:
        await call.aclose()
        await engine.aclose()
        ctx.shutdown("the call is over")


class Call:
    """From the door to the last word.

    Args:
        ctx: connected to the room.
    """

    def __init__(self, ctx: JobContext, prepared: Prepared, engine: EngineClient) -> None:
        self._ctx = ctx
        self._room = ctx.room
        self._settings = prepared.settings
        self._engine = engine
        self._prepared = prepared
        self._notices = Notices(ctx.room)
        self._log = open_post(self._settings)
        self._over = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._slot: Slot | None = None
        self._apologised_at = -APOLOGISE_AGAIN_S
        self._apology: Clip | None = None
        models = Models(engine.transcriber, engine.generator, engine.synthesizer)
        self._voice = voice_on(self._settings, models, prepared.vad)
        away_s = self._settings.calls.silence_prompt_s or None
        self._session = build_session(self._settings, self._voice, away_s=away_s)
        self._prefill = Prefill(self._session, self._voice.llm)
        self._agent: Assistant | None = None
        Turns(self._session, self._on_turn, self._on_tool, self._decided)
        self._session.on("close", self._on_close)
        self._session.on("error", self._on_error)
        self._session.on("user_state_changed", self._on_user_state)
        self._room.on("participant_disconnected", self._on_left)
        engine.listen(on_lost=self._on_engine_lost, on_back=self._on_engine_back)

    async def run(self) -> None:
        """Returns when the call is over."""
        calls = self._settings.calls
        if not await self._admitted():
            return
        began = time.monotonic()
        prepared = self._prepared
        agent = agent_for(
            self._settings,
            prepared.profile,
            self._voice.llm,
            prepared.documents,
            prepared.tools,
            prepared.intents,
        )
        self._agent = agent
        await self._session.start(
            agent, room=self._room, room_options=self._room_options(), record=False
        )
        self._spawn(self._prefill.instructions())
        self._spawn(self._prepare_apology())
        try:
            await asyncio.wait_for(self._over.wait(), calls.length_max_s)
        except TimeoutError:
            await self._farewell("The call has reached its longest.", "longest")
        _log.info("call ended", seconds=round(time.monotonic() - began, 1))

    async def aclose(self) -> None:
        """Frees the slot first: somebody may be waiting for it."""
        await self._session.aclose()
        if self._slot is not None:
            self._slot.release()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._prefill.aclose()
        await self._notices.aclose()
        await self._log.aclose()

    async def _admitted(self) -> bool:
        """Waits for a slot; False if the caller left meanwhile."""
        folder = endpoints.run_dir(self._settings.state_dir) / "slots"
        admission = Admission(folder)
        persona = self._settings.persona
        signal = BusySignal(self._room, self._engine.synthesizer, persona, self._notices)
        entering = asyncio.create_task(admission.enter(signal.waiting))
        leaving = asyncio.create_task(self._over.wait())
        try:
            await asyncio.wait({entering, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if not entering.done():
                return False
            self._slot = entering.result()
            # a worker that comes after us takes us out of the room: livekit-server alone would
            # believe for 20 s that we come back
            self._slot.note(json.dumps([self._room.name, self._room.local_participant.identity]))
            return True
        finally:
            entering.cancel()
            leaving.cancel()
            await asyncio.gather(entering, leaving, return_exceptions=True)
            await signal.aclose()

    def _room_options(self) -> room_io.RoomOptions:
        return room_io.RoomOptions(
            # what the models hear with: no resampling on the way, frames as the network brings
            # them; levels are the caller's own
            audio_input=room_io.AudioInputOptions(
                sample_rate=16_000, frame_size_ms=20, auto_gain_control=False
            ),
            # the voice's own rate: LiveKit's resampler would hold back 30 to 50 ms
            audio_output=room_io.AudioOutputOptions(sample_rate=self._voice.tts.sample_rate),
        )

    # ------------------------------------------------------------------ what the session tells
    def _decided(self, heard: str) -> Decision | None:
        return self._agent.decided(heard) if self._agent else None

    def _on_turn(self, turn: Turn) -> None:
        self._notices.turn(turn)
        count_turn(turn)
        job, words = self._ctx.job, self._settings.calls.keep_words
        self._log.tell(
            of_turn(turn, job.room.sid, job.room.name, job.id, time.time(), keep_words=words)
        )
        latency = {k: v for k, v in turn.to_dict()["latency_ms"].items() if v is not None}
        _log.info("turn", turn=turn.turn, tools=len(turn.tools), cut=turn.interrupted, **latency)

    def _on_tool(self, turn: Turn, call: ToolCall) -> None:
        self._notices.tool(turn, call)

    def _on_close(self, event: CloseEvent) -> None:
        self._over.set()

    def _on_error(self, event: ErrorEvent) -> None:
        if getattr(event.error, "recoverable", False):
            return
        _log.warning("a turn was lost", error=str(getattr(event.error, "error", event.error)))
        self._apologise()

    def _apologise(self) -> None:
        now = time.monotonic()
        if now - self._apologised_at < APOLOGISE_AGAIN_S:
            return
        self._apologised_at = now
        self._notices.notice("error", self._settings.persona.apology)
        if self._apology is not None and not self._over.is_set():
            self._session.say(
                self._apology.text, audio=self._apology.frames(), add_to_chat_ctx=False
            )

    def _on_user_state(self, event: UserStateChangedEvent) -> None:
        if event.new_state == "away":
            self._spawn(self._is_anybody_there())

    async def _is_anybody_there(self) -> None:
        persona, calls = self._settings.persona, self._settings.calls
        self._notices.notice("silence", persona.silence_prompt)
        await self._session.say(persona.silence_prompt, add_to_chat_ctx=False)
        await asyncio.sleep(calls.silence_end_s)
        if self._session.user_state == "away":
            await self._farewell("Nobody has spoken for a while.", "silence")

    async def _farewell(self, why: str, logged: str) -> None:
        """Says goodbye and closes the room, so that no microphone is left open."""
        self._notices.notice("ending", why)
        here = self._ctx.job.room
        self._log.tell(HungUp(here.sid, here.name, time.time(), logged))
        try:
            saying = self._session.say(self._settings.persona.goodbye, add_to_chat_ctx=False)
            await asyncio.wait_for(saying.wait_for_playout(), 10.0)
        except (RuntimeError, TimeoutError) as e:
            _log.info("the goodbye was not said", error=str(e))
        try:
            room = api.DeleteRoomRequest(room=self._room.name)
            await asyncio.wait_for(self._ctx.api.room.delete_room(room), 5.0)
        except (api.TwirpError, TimeoutError, OSError) as e:
            _log.info("the room could not be closed", error=str(e))
        self._over.set()

    # ------------------------------------------------------------------ what happens around it
    def _on_left(self, participant: rtc.RemoteParticipant) -> None:
        self._spawn(self._end_if_nobody_is_back())

    async def _end_if_nobody_is_back(self) -> None:
        if self._slot is not None:  # who waits at the door and leaves is not waited for
            await asyncio.sleep(LEFT_S)
        if not self._room.remote_participants:
            self._over.set()

    def _on_engine_lost(self) -> None:
        self._notices.notice("engine_lost", "The agent's engine stopped and is being restarted.")

    def _on_engine_back(self) -> None:
        self._notices.notice("engine_back", "The agent is back.")
        self._spawn(self._prefill.instructions())

    async def _prepare_apology(self) -> None:
        persona = self._settings.persona
        try:
            self._apology = await Clip.speak(self._engine.synthesizer, persona, persona.apology)
        except piper.PiperError as e:
            _log.warning("the apology could not be spoken ahead", error=str(e))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            _log.error("a part of the call failed", exc_info=error)
