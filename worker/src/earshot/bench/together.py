"""The whole agent on held-out questions: spoken, heard, answered by voice, judged by what was done and said.

Each conversation is a real session without a server, at the speed of life. A second measure lets two
agents talk: what one says is what the other hears.
"""

import asyncio
import json
import re
import wave
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..models import Profile
from ..prefill import Prefill
from ..session import LocalModels, Voice, agent_for, build_session, load_voice, stay_local
from ..settings import PersonaSettings, Settings
from ..talk.conversation import Conversation
from ..talk.microphone import RecordedMicrophone
from ..talk.recording import RATE_HZ, Recording
from ..talk.speaker import PacedSpeaker
from ..talk.view import SilentView
from ..tools.documents import open_documents
from ..turn import Turn

TURNS = 4
"""questions of one conversation"""
AFTER_S = 0.1


@dataclass(frozen=True)
class Asked:
    """A question, its sound at 16 kHz, and what counts as right."""

    text: str
    kind: str
    sound: NDArray[np.int16]
    reply: str
    """a regular expression that the whole answer has to match"""
    tool: list[Any] | None
    """[name, arguments] of the only tool to be used"""

    def right(self, turn: Turn) -> bool:
        used = [[t.name, t.arguments] for t in turn.tools]
        return used == ([self.tool] if self.tool else []) and bool(
            re.fullmatch(self.reply, turn.reply.strip())
        )


def read_questions(path: Path) -> tuple[list[Asked], dict[str, str]]:
    """(the questions, {name: text} of the documents), as `recipes.held_out` writes them."""
    with np.load(path) as file:
        index = json.loads(str(file["index"]))
        sounds = [file[k] for k in sorted(k for k in file.files if k != "index")]
    asked = [
        Asked(q["text"], q["kind"], sound, q["reply"], q["tool"])
        for q, sound in zip(index["questions"], sounds, strict=True)
    ]
    return asked, index["documents"]


def score(profile: Profile, path: Path, folder: Path) -> dict[str, Any]:
    """{"questions", "right", "heard_right", "kinds": {...}, "wrong": [...]}

    Args:
        folder: for recordings and documents.
    """
    stay_local()
    settings = Settings(state_dir=folder / "state", persona=PersonaSettings(greeting=""))
    voice, models = load_voice(settings, profile)
    asked, documents = read_questions(path)
    return asyncio.run(_score(settings, profile, voice, models, asked, documents, folder))


async def _score(
    settings: Settings,
    profile: Profile,
    voice: Voice,
    models: LocalModels,
    asked: list[Asked],
    documents: dict[str, str],
    folder: Path,
) -> dict[str, Any]:
    (folder / "documents").mkdir(parents=True)
    for name, text in documents.items():
        title = name.removeprefix("the ")
        path = folder / "documents" / f"{title.replace(' ', '_')}.md"
        path.write_text(f"# {title.capitalize()}\n\n{text}\n", encoding="utf-8")
    library = open_documents(folder / "documents", folder)
    turns: list[Turn] = []
    try:
        for n in range(0, len(asked), TURNS):
            session = build_session(settings, voice)
            agent = agent_for(settings, profile, voice.llm, library)
            prefill = Prefill(session, voice.llm)
            talk = Conversation(session, agent, prefill, PacedSpeaker(), SilentView())
            microphone = RecordedMicrophone()
            try:
                await talk.start(microphone)
                for question in asked[n : n + TURNS]:
                    recording = _recorded(question.sound, folder / "question.wav")
                    turns.append(await talk.ask(recording, microphone))
            finally:
                await talk.aclose()
    finally:
        if library is not None:
            library.close()
        await models.aclose()
    return _judged(asked, turns)


def _recorded(sound: NDArray[np.int16], path: Path) -> Recording:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE_HZ, 0, "NONE", ""))
        file.writeframes(np.pad(sound, (0, int(AFTER_S * RATE_HZ))).tobytes())
    return Recording.open(path, 60.0)


def _judged(asked: list[Asked], turns: list[Turn]) -> dict[str, Any]:
    from .wer import words

    kinds: dict[str, list[int]] = {}
    wrong = []
    heard = 0
    for question, turn in zip(asked, turns, strict=True):
        ok = question.right(turn)
        heard += words(question.text) == words(turn.heard)
        count = kinds.setdefault(question.kind, [0, 0])
        count[0] += ok
        count[1] += 1
        if not ok:
            used = [[t.name, t.arguments] for t in turn.tools]
            said = {"said": question.text, "heard": turn.heard, "tools": used}
            wrong.append({**said, "reply": turn.reply, "wanted": question.reply})
    return {
        "questions": len(asked),
        "right": sum(a for a, _ in kinds.values()),
        "heard_right": heard,
        "kinds": {k: f"{a}/{b}" for k, (a, b) in sorted(kinds.items())},
        "wrong": wrong,
    }
