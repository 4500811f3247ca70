"""A text as the teacher says it: Piper's symbols, how long each one lasts, and the features of its sound.

Lessons are kept in numbered parts; made again they go on where they were stopped.
"""

import pickle
import subprocess
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from piper.phoneme_ids import DEFAULT_PHONEME_ID_MAP as IDS

from ..stt.speakers import from_wav
from .align import align
from .shape import RATE_HZ, STEP, SUB

TEACHER = "slt"
"""the voice of flite"""
LEAD_S, TAIL_S = 0.05, 0.12
"""silence that is kept at the ends"""
MOST_DISAGREEMENT = 0.15
"""cost per phone beyond which teacher and symbols say different things"""
PART = 100


class Lesson(NamedTuple):
    text: str
    ids: NDArray[np.int16]
    steps: NDArray[np.int16]
    """of 10 ms, per symbol"""
    features: NDArray[np.float16]


@cache
def _phonemizer() -> Any:
    from piper.phonemize_espeak import EspeakPhonemizer

    return EspeakPhonemizer()


def symbols(text: str) -> list[str] | None:
    """Piper's, with ^ and $; None if it makes more than one sentence or unknown symbols."""
    said = [s for s in _phonemizer().phonemize("en-us", text) if s]
    if len(said) != 1 or any(s not in IDS for s in said[0]):
        return None
    return ["^", *said[0], "$"]


def taught(text: str) -> tuple[NDArray[np.float32], list[tuple[str, float]]]:
    """(the teacher's sound, its phones with their ends in seconds)"""
    with tempfile.NamedTemporaryFile(suffix=".wav") as wav:
        done = subprocess.run(
            ["flite", "-voice", TEACHER, "-psdur", "-t", text, "-o", wav.name],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        audio = from_wav(wav.read())
    pairs = [item.rsplit(":", 1) for item in done.stdout.split()]
    return audio, [(phone, float(end)) for phone, end in pairs]


def timed(text: str) -> tuple[list[str], NDArray[np.int64], NDArray[np.float32]] | None:
    """(symbols, steps of each, the sound cut to them); None where the two pronounce differently."""
    if (said := symbols(text)) is None:
        return None
    audio, phones = taught(text)
    bounds, cost = align(said, phones)
    if bounds is None or cost > MOST_DISAGREEMENT:
        return None
    first, last = bounds[0, 1], bounds[-1, 0]
    k = len(said) - 2
    while said[k] in ".?!, " and k > 0:  # silence at the end may sit on the last mark
        last = min(last, bounds[k, 0])
        k -= 1
    start, end = max(0.0, first - LEAD_S), min(len(audio) / RATE_HZ, last + TAIL_S)
    bounds = np.clip(bounds, start, end) - start
    bounds[k + 1 : -1] = last - start
    bounds[-1] = last - start, end - start
    audio = audio[round(start * RATE_HZ) : round(end * RATE_HZ)]
    count = len(audio) // STEP
    edges = np.minimum(np.round(bounds[:, 1] * RATE_HZ / STEP), count).astype(int)
    edges = np.maximum.accumulate(edges)
    edges[-1] = count
    return said, np.diff(edges, prepend=0), audio


def lesson(text: str) -> Lesson | None:
    from .features import features

    if (found := timed(text)) is None:
        return None
    said, steps, audio = found
    frames = features(np.ascontiguousarray(audio, np.float64))[: int(steps.sum()) * SUB]
    if len(frames) < steps.sum() * SUB:
        return None
    ids = np.array([IDS[s][0] for s in said], np.int16)
    return Lesson(text, ids, steps.astype(np.int16), frames.astype(np.float16))


def make(folder: Path, texts: list[str]) -> None:
    """Writes what is missing in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    began, made = time.monotonic(), 0
    for n in range(0, len(texts), PART):
        path = folder / f"{n // PART:04d}.pkl"
        if path.exists():
            continue
        lessons = [tuple(found) for t in texts[n : n + PART] if (found := lesson(t))]
        part = path.with_suffix(".part")
        part.write_bytes(pickle.dumps(lessons))
        part.replace(path)
        made += PART
        left_s = (time.monotonic() - began) / made * (len(texts) - n - PART)
        print(
            f"lessons {min(n + PART, len(texts))} of {len(texts)}  {max(0, left_s) / 60:.1f} min left",
            flush=True,
        )


def read(folder: Path) -> list[Lesson]:
    """Own files only: pickle runs what it reads."""
    return [
        Lesson(*lesson)
        for path in sorted(folder.glob("*.pkl"))
        for lesson in pickle.loads(path.read_bytes())
    ]
