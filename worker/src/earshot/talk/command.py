"""What `earshot talk` does: checks its input first, then loads, listens and answers."""

import asyncio
import gc
import logging
from dataclasses import dataclass
from pathlib import Path

from ..agent import Assistant
from ..errors import EarshotError, NothingHeardError, SettingsError
from ..log import configure
from ..models import load_profile
from ..session import Voice, build_session, load_voice, stay_local
from ..settings import Settings, load
from ..tools.documents import Documents, index_path
from .conversation import Conversation
from .microphone import RecordedMicrophone
from .recording import Recording
from .speaker import PacedSpeaker, WavFile
from .view import HumanView, JsonView


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
    stay_local()
    settings = load({"profile": options.profile} if options.profile else None)
    configure(settings.log)
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
        documents = open_documents(settings)
        voice = load_voice(settings, profile)
        # the models stay for good: the collector need not walk through them in every turn
        gc.collect()
        gc.freeze()
        silent, answered = asyncio.run(
            _converse(settings, options, voice, documents, recordings, wav)
        )
    finally:
        if wav is not None:
            wav.close(keep=answered)
    if silent:
        names = ", ".join(str(path) for path in silent)
        raise NothingHeardError(f"{names}: heard nothing; a spoken question was expected")
    return 0


def open_documents(settings: Settings) -> Documents | None:
    """The documents of the settings, read and ready, or None if no folder is set."""
    folder = settings.documents.folder
    if folder is None:
        return None
    documents = Documents(folder, index_path(folder, settings.state_dir))
    documents.refresh()
    return documents


async def _converse(
    settings: Settings,
    options: Options,
    voice: Voice,
    documents: Documents | None,
    recordings: list[Recording],
    wav: WavFile | None,
) -> tuple[list[Path], bool]:
    """Returns the recordings in which nothing was heard, and whether the agent said anything."""
    view = JsonView() if options.json else HumanView()
    sink = wav.write if wav else lambda _: None
    agent = Assistant(settings.persona, documents)
    silent: list[Path] = []
    if options.mic:
        from .devices import LiveMicrophone, LiveSpeaker, open_devices

        devices = open_devices()
        speaker: PacedSpeaker = LiveSpeaker(devices, sink)
        conversation = Conversation(build_session(settings, voice), agent, speaker, view)
        await conversation.start(LiveMicrophone(devices))
        try:
            await conversation.run()
        finally:
            await conversation.aclose()
            devices.close()
    else:
        conversation = Conversation(
            build_session(settings, voice), agent, speaker := PacedSpeaker(sink), view
        )
        microphone = RecordedMicrophone()
        await conversation.start(microphone)
        try:
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
    await voice.aclose()
    view.table()
    if conversation.failure:
        raise EarshotError(f"the conversation broke off: {conversation.failure}")
    return silent, view.answered
