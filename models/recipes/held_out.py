"""All held-out sets, as `scripts/bench models` reads them: python -m recipes.held_out FOLDER [--share 0.02]

    speech.npz       what the recogniser must hear, by set
    dialogues.jsonl  what the language model must answer
    sentences.json   what the voice must say
    questions.npz    spoken questions to the whole agent, with what counts as right, and its documents

Needs flite and espeak-ng, and no torch. The same folder again is not made anew.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from . import questions
from .llm import held_out as dialogues
from .stt import held_out as speech
from .voice import texts

DIALOGUES, SENTENCES = 500, 100


def write(folder: Path, share: float = 1.0) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "speech.npz").exists():
        speech.write(folder / "speech.npz", share)
    if not (folder / "dialogues.jsonl").exists():
        dialogues.write(folder / "dialogues.jsonl", max(3, round(DIALOGUES * share)))
    if not (folder / "sentences.json").exists():
        said = texts.held_out(max(6, round(SENTENCES * share)))
        (folder / "sentences.json").write_text(json.dumps(said, indent=0), encoding="utf-8")
    if not (folder / "questions.npz").exists():
        asked, sounds = questions.make(share)
        index = {"questions": asked, "documents": questions.DOCUMENTS}
        np.savez_compressed(
            folder / "questions.npz",
            index=np.array(json.dumps(index)),
            **{f"{n:05d}": sound for n, sound in enumerate(sounds)},
        )


def main() -> None:
    parser = argparse.ArgumentParser(prog="recipes.held_out")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--share", type=float, default=1.0, help="of the full numbers")
    a = parser.parse_args()
    write(a.folder, a.share)


if __name__ == "__main__":
    main()
