"""How well a recogniser hears: held-out speech through stock faster-whisper and through our plugin."""

import asyncio
import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .wer import Score, words

RATE_HZ = 16000
SEED = 970_003
PLUGIN_LONGEST_S = 30

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
    """A model in stock faster-whisper as it is by default, one thread."""

    def __init__(self, model: Path) -> None:
        from faster_whisper import WhisperModel  # type: ignore[import-untyped]

        self._model: Any = WhisperModel(
            str(model), device="cpu", compute_type="int8", cpu_threads=1
        )

    def hear(self, audio: Audio) -> str:
        """Padded to Whisper's 30 s, as it is by default."""
        segments, _ = self._model.transcribe(
            audio,
            language="en",
            temperature=0,
            without_timestamps=True,
            condition_on_previous_text=False,
        )
        return " ".join(s.text.strip() for s in segments)


class PluginListener:
    """A model in our plugin, as a call uses it: short windows, one thread."""

    def __init__(self, model: Path) -> None:
        from livekit.plugins import faster_whisper

        self._requests = 0
        self._transcriber = faster_whisper.LocalTranscriber(model, device="cpu", threads=1)

    def hear(self, audio: Audio) -> str:
        """Audio beyond 30 s is heard in pieces."""
        longest = PLUGIN_LONGEST_S * RATE_HZ
        pieces = [audio[i : i + longest] for i in range(0, len(audio), longest)]
        return " ".join(t for p in pieces if (t := asyncio.run(self._heard(p))))

    async def _heard(self, audio: Audio) -> str:
        from livekit.plugins.faster_whisper.transcriber import TranscriptionRequest

        self._requests += 1
        name = str(self._requests)
        request = TranscriptionRequest(name, name, audio, timeout_s=60.0)
        return (await self._transcriber.transcribe(request)).text

    def close(self) -> None:
        self._transcriber.close()


def voice_of(speaker: str) -> str:
    """ "espeak en-gb+Andy" -> "espeak": its variants are too many to tell apart."""
    return "espeak" if speaker.startswith("espeak") else speaker


def score(model: Path, speech: SpeechSets, quiet_s: int = 60) -> dict[str, Any]:
    """{"sets": {name: {...}}, "words_in_quiet": {...}, "wrong": [...]}"""
    stock, plugin, rng = Listener(model), PluginListener(model), np.random.default_rng(SEED)
    sets: dict[str, Any] = {}
    wrong: list[dict[str, str]] = []
    try:
        for name, samples in speech.items():
            ours, theirs = Score(), Score()
            voices: dict[str, list[int]] = defaultdict(lambda: [0, 0])
            for text, speaker, pcm in samples:
                audio = as_recorded(pcm, rng)
                heard, by_plugin = stock.hear(audio), plugin.hear(audio)
                errors = theirs.add(text, heard)
                voices[voice_of(speaker)][0] += errors == 0
                voices[voice_of(speaker)][1] += 1
                if ours.add(text, by_plugin) or errors:
                    said = {"said": text, "heard": heard, "heard_by_plugin": by_plugin}
                    wrong.append({"set": name, "speaker": speaker, **said})
            sets[name] = {
                "utterances": theirs.utterances,
                "words": theirs.words,
                "wer": round(theirs.rate, 4),
                "wer_plugin": round(ours.rate, 4),
                "exact": theirs.exact,
                "exact_plugin": ours.exact,
                "first_word_lost": theirs.first_lost,
                "last_word_lost": theirs.last_lost,
                "voices": {v: f"{a}/{b}" for v, (a, b) in sorted(voices.items())},
            }
        quiet = {
            name: len(words(stock.hear(audio))) + len(words(plugin.hear(audio)))
            for name, audio in without_speech(rng, quiet_s)
        }
    finally:
        plugin.close()
    return {"sets": sets, "words_in_quiet": quiet, "wrong": wrong}
