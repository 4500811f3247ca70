"""What `earshot talk` does: checks its input first, then loads, listens and answers."""

import asyncio
import gc
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import EarshotError, NothingHeardError, SettingsError
from ..log import configure, tell_ignored
from ..models import load_profile
from ..settings import Settings, load, of_services
from ..tools.documents import open_documents
from .recording import Recording
from .wav_file import WavFile

if TYPE_CHECKING:
    from ..agent import Assistant
    from ..session import LocalModels, Voice


@dataclass(frozen=True)
class Options:
    """The command line of `earshot talk`."""

    questions: tuple[Path, ...]
    output: Path | None
    texts: tuple[str, ...]
    mic: bool
    profile: str | None
    stay_s: float
    json: bool


def talk(options: Options) -> int:
    """Runs the command.

    Raises:
        EarshotError: in one line; nothing half-written is left behind.
    """
    settings = load({"profile": options.profile} if options.profile else None)
    configure(settings.log)
    tell_ignored(of_services())
    logging.getLogger("livekit.agents").setLevel(max(logging.ERROR, logging.root.level))
    if not (options.questions or options.texts or options.mic):
        raise SettingsError("nothing to do: give a recording, --text or --mic (see --help)")
    if options.mic and (options.questions or options.texts):
        raise SettingsError("--mic is a conversation of its own: without recordings and --text")
    longest_s = settings.turn.question_max_s
    recordings = [Recording.open(path, longest_s) for path in options.questions]
    wav = WavFile(options.output) if options.output else None
    answered = False
    try:
        profile = load_profile(settings.profile, settings.models_dir)
        profile.verify(settings.state_dir / "checksums.json")
        documents = open_documents(settings.documents.folder, settings.state_dir)
        from ..session import agent_for, load_voice, stay_local
        from ..tools.own import load_tools

        own = load_tools(settings.tools.module, settings.persona.tools)
        stay_local()
        voice, models = load_voice(settings, profile)
        gc.freeze()
        gc.enable()
        persona = settings.persona
        if not options.mic and "greeting" not in persona.model_fields_set:
            # a recorded question comes at once: nobody is there to be welcomed
            persona = persona.model_copy(update={"greeting": ""})
        settings = settings.model_copy(update={"persona": persona})
        agent = agent_for(settings, profile, voice.llm, documents, own)
        silent, answered = asyncio.run(
            _run(settings, options, voice, models, agent, recordings, wav)
        )
    finally:
        if wav is not None:
            wav.close(keep=answered)
    if silent:
        names = ", ".join(str(path) for path in silent)
        raise NothingHeardError(f"{names}: heard nothing; a spoken question was expected")
    return 0


async def _run(
    settings: Settings,
    options: Options,
    voice: "Voice",
    models: "LocalModels",
    agent: "Assistant",
    recordings: list[Recording],
    wav: WavFile | None,
) -> tuple[list[Path], bool]:
    try:
        return await _converse(settings, options, voice, agent, recordings, wav)
    finally:
        await models.aclose()  # native threads must not outlive the interpreter


async def _converse(
    settings: Settings,
    options: Options,
    voice: "Voice",
    agent: "Assistant",
    recordings: list[Recording],
    wav: WavFile | None,
) -> tuple[list[Path], bool]:
    """Returns the recordings in which nothing was heard, and whether the agent said anything."""
    from ..prefill import Prefill
    from ..session import build_session
    from .conversation import Conversation
    from .speaker import PacedSpeaker
    from .view import HumanView, JsonView

    view: HumanView | JsonView = JsonView() if options.json else HumanView()
    sink: Callable[[Any], None] = wav.write if wav else lambda _: None
    session = build_session(settings, voice)
    prefill = Prefill(session, voice.llm)
    silent: list[Path] = []
    if options.mic:
        from .devices import LiveMicrophone, LiveSpeaker, open_devices

        devices = open_devices()
        conversation = Conversation(session, agent, prefill, LiveSpeaker(devices, sink), view)
        try:
            await conversation.start(LiveMicrophone(devices))
            await conversation.run()
        finally:
            await conversation.aclose()
            devices.close()
    else:
        from .microphone import RecordedMicrophone

        conversation = Conversation(session, agent, prefill, PacedSpeaker(sink), view)
        microphone = RecordedMicrophone()
        try:
            await conversation.start(microphone)
            for recording in recordings:
                turn = await conversation.ask(recording, microphone)
                if not turn.heard:
                    silent.append(recording.path)
            for text in options.texts:
                await conversation.ask_text(text)
            if options.stay_s:
                await conversation.listen(options.stay_s)
        finally:
            await conversation.aclose()
    view.table()
    if conversation.failure:
        raise EarshotError(f"the conversation broke off: {conversation.failure}")
    return silent, view.answered
