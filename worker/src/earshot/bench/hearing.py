"""How well a recogniser hears: held-out speech through stock faster-whisper."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .wer import Score, words

RATE_HZ = 16000
SEED = 970_003
SHORT_WINDOW_SPARE_S = 0.5

Audio = NDArray[np.float32]
SpeechSets = dict[str, list[tuple[str, str, NDArray[np.int16]]]]
"""{set: [(text, speaker, sound at 16 kHz), ...]}"""


def read_speech(path: Path) -> SpeechSets:
    """A held-out set as the recipe `stt.held_out` writes it."""
    with np.load(path) as file:
        index = json.loads(str(file["index"]))
        sounds = iter([file[k] for k in sorted(k for k in file.files if k != "index")])
    return {
        name: [(text, speaker, next(sounds)) for text, speaker in said]
        for name, said in index.items()
    }


def as_recorded(pcm: NDArray[np.int16], rng: np.random.Generator) -> Audio:
    """Peak at -30 to -1 dBFS, 0 to 1.5 s of near-silence on either side, faint noise."""
    peak = 10 ** (rng.uniform(-30, -1) / 20)
    before, after = (np.zeros(int(rng.uniform(0, 1.5) * RATE_HZ)) for _ in range(2))
    audio = np.concatenate([before, pcm / max(1, int(np.abs(pcm).max())) * peak, after])
    noise = rng.standard_normal(len(audio)) * peak * 10 ** (rng.uniform(-60, -40) / 20)
    return (audio + noise).astype(np.float32)


def without_speech(rng: np.random.Generator, seconds: int = 60) -> Iterator[tuple[str, Audio]]:
    n = seconds * RATE_HZ
    t = np.arange(n) / RATE_HZ
    yield "silence", np.zeros(n, np.float32)
    for level_db in (-50, -30, -20):
        noise = rng.standard_normal(n) * 10 ** (level_db / 20)
        yield f"white noise {level_db} dB", noise.astype(np.float32)
    hum = 0.1 * np.sin(2 * np.pi * 50 * t) + 0.05 * np.sin(2 * np.pi * 150 * t)
    yield "hum", hum.astype(np.float32)
    notes_hz = np.repeat(rng.choice([220, 247, 262, 294, 330, 392, 440], seconds * 2), 8000)
    tones = 0.2 * np.sin(2 * np.pi * np.cumsum(notes_hz) / RATE_HZ) * (1 - t % 0.5)
    yield "tones", tones.astype(np.float32)


class Listener:
    """A model in stock faster-whisper, greedy, one thread."""

    def __init__(self, model: Path) -> None:
        from faster_whisper import WhisperModel  # type: ignore[import-untyped]

        self._model: Any = WhisperModel(
            str(model), device="cpu", compute_type="int8", cpu_threads=1
        )

    def hear(self, audio: Audio, *, short: bool = False) -> str:
        """`short`: in a window of the audio's own length instead of Whisper's 30 s."""
        length_s = math.ceil(len(audio) / RATE_HZ + SHORT_WINDOW_SPARE_S)
        segments, _ = self._model.transcribe(
            audio,
            language="en",
            beam_size=1,
            temperature=0,
            without_timestamps=True,
            condition_on_previous_text=False,
            chunk_length=min(30, length_s) if short else None,
        )
        return " ".join(s.text.strip() for s in segments)


def score(model: Path, speech: SpeechSets, quiet_s: int = 60) -> dict[str, Any]:
    """{"sets": {name: {...}}, "words in quiet": {...}, "wrong": [...]}"""
    listener, rng = Listener(model), np.random.default_rng(SEED)
    sets: dict[str, Any] = {}
    wrong: list[dict[str, str]] = []
    for name, samples in speech.items():
        stock, short = Score(), Score()
        for text, speaker, pcm in samples:
            audio = as_recorded(pcm, rng)
            heard = listener.hear(audio)
            if stock.add(text, heard):
                wrong.append({"set": name, "speaker": speaker, "said": text, "heard": heard})
            short.add(text, listener.hear(audio, short=True))
        sets[name] = {
            "utterances": stock.utterances,
            "words": stock.words,
            "wer": round(stock.rate, 4),
            "wer_short_window": round(short.rate, 4),
            "exact": stock.exact,
            "first_word_lost": stock.first_lost,
            "last_word_lost": stock.last_lost,
        }
    quiet = {name: len(words(listener.hear(audio))) for name, audio in without_speech(rng, quiet_s)}
    return {"sets": sets, "words_in_quiet": quiet, "wrong": wrong}
