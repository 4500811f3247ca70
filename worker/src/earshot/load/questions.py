"""What simulated callers say: recordings, their words, and what counts as a right answer."""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from ..caller.speech import Speech
from ..errors import AudioError
from ..text_file import NotTextError, decode

SHIPPED = Path(__file__).parents[1] / "caller" / "questions" / "questions.toml"
SOUNDS = (".wav", ".flac", ".ogg", ".opus", ".mp3", ".m4a")
FILES_MAX = 200
SECONDS_MAX = 60.0
TEXT_MAX = 1000
BYTES_MAX = 16 * TEXT_MAX


@dataclass(frozen=True)
class Question:
    """Something to say."""

    text: str
    """its words, which what the agent heard is compared with"""
    file: Path
    right: str = ""
    """a regular expression that a right answer contains, in either case; empty = not judged"""
    long: bool = False
    """its answer is long enough to be interrupted"""

    def speech(self) -> Speech:
        """
        Raises:
            AudioError: no recording, silent, or too long.
        """
        speech = Speech.open(self.file, self.text)
        if speech.duration_s > SECONDS_MAX:
            raise AudioError(
                f"{self.file}: {speech.duration_s:.0f} s long; {SECONDS_MAX:.0f} s at most were"
                " expected"
            )
        return speech

    def is_right(self, reply: str) -> bool | None:
        """None where nothing was expected in particular."""
        return bool(re.search(self.right, reply, re.IGNORECASE)) if self.right else None


@dataclass(frozen=True)
class Questions:
    """Everything that callers may say."""

    asked: tuple[Question, ...]
    noises: tuple[Question, ...]
    """what a listener says over an answer, and what must not stop it"""

    @property
    def long(self) -> tuple[Question, ...]:
        return tuple(q for q in self.asked if q.long)

    @property
    def short(self) -> tuple[Question, ...]:
        """Those with which a caller goes on; all of them where all are long."""
        return tuple(q for q in self.asked if not q.long) or self.asked


def shipped() -> Questions:
    """Those of the package, in the domain of the starter models."""
    index = tomllib.loads(SHIPPED.read_text(encoding="utf-8"))

    def read(kind: str) -> tuple[Question, ...]:
        return tuple(
            Question(**{**entry, "file": (SHIPPED.parent / entry["file"]).resolve()})
            for entry in index[kind]
        )

    return Questions(read("question"), read("noise"))


def of_folder(folder: Path) -> Questions:
    """The operator's own: `hours.wav` with its words in `hours.txt`.

    The first line of the text is what is said; a second one, if there is one, is a regular
    expression that a right answer contains. A listener's noises are those of the package.

    Raises:
        AudioError: a folder, a recording or a text that can't be used, by name.
    """
    if not folder.is_dir():
        raise AudioError(f"{folder}: no such folder; recordings and their texts were expected")
    sounds = sorted(p for p in folder.iterdir() if p.suffix.lower() in SOUNDS)
    if not sounds:
        raise AudioError(f"{folder}: no recordings; {', '.join(SOUNDS)} were expected")
    if len(sounds) > FILES_MAX:
        raise AudioError(f"{folder}: {len(sounds)} recordings; {FILES_MAX} at most were expected")
    questions = tuple(_own(sound) for sound in sounds)
    for question in questions:
        question.speech()
    return Questions(questions, shipped().noises)


def _own(sound: Path) -> Question:
    path = sound.with_suffix(".txt")
    try:
        with path.open("rb") as file:
            data = file.read(BYTES_MAX)
        whole = data if len(data) < BYTES_MAX else data.rpartition(b"\n")[0]
        lines = decode(whole).splitlines()
    except FileNotFoundError:
        raise AudioError(
            f"{sound}: its words are missing; {path.name} was expected beside it"
        ) from None
    except (OSError, NotTextError) as e:
        raise AudioError(f"{path}: not a text that can be read: {e}") from e
    text, right = ([line.strip() for line in lines] + ["", ""])[:2]
    if not text or len(text) > TEXT_MAX:
        raise AudioError(
            f"{path}: the words of {sound.name} were expected in the first line, {TEXT_MAX}"
            " characters at most"
        )
    try:
        re.compile(right)
    except re.error as e:
        raise AudioError(f"{path}: line 2: not a regular expression: {e}") from e
    return Question(text, sound.resolve(), right)
