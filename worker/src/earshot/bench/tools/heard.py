"""Makes the `heard` field of the sets: each text spoken once and written down by Whisper.

    python -m earshot.bench.tools.heard --whisper FOLDER --voice FILE.onnx [--only SET]

Voices take turns: espeak-ng, flite and a Piper voice for English, espeak-ng's for the others. The
sound is made quieter, and every third English one has a hiss in it; speech goes through our own
plugin. What a voice says so badly that it is written down as something else is said by the next,
and left out if none can: that would measure espeak-ng. Rows that have a good one keep it.
"""

import asyncio
import json
import subprocess
import tempfile
import wave
from collections.abc import Callable
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import click
import numpy as np
from livekit.plugins import faster_whisper
from numpy.typing import NDArray

from ...conversation.deciding.words import digits, split
from .cases import HERE, SETS

RATE_HZ = 16_000
QUIET_S = 0.4
CLOSE = 0.75
Audio = NDArray[np.float32]
Speak = Callable[[str, Path], None]

ESPEAK = {
    "en": ("en-us", "en-gb", "en-us+f3"),
    "de": ("de", "de+f2", "de+m3", "de+m7"),
    "fr": ("fr-fr", "fr-fr+f2", "fr-be", "fr-ch+f4", "fr-fr+m7"),
}
FLITE = ("slt", "rms", "awb")


def espeak(voice: str) -> Speak:
    def speak(text: str, out: Path) -> None:
        subprocess.run(
            ["espeak-ng", "-v", voice, "-s", "125", "-g", "3", "-w", out, "--", text], check=True
        )

    return speak


def flite(voice: str) -> Speak:
    def speak(text: str, out: Path) -> None:
        subprocess.run(["flite", "-voice", voice, "-t", text, "-o", out], check=True)

    return speak


def piper(file: Path) -> Speak:
    from piper import PiperVoice

    loaded = PiperVoice.load(file)

    def speak(text: str, out: Path) -> None:
        with wave.open(str(out), "wb") as sound:
            loaded.synthesize_wav(text, sound)

    return speak


def sound(path: Path) -> Audio:
    """Mono, 16 kHz, -1..1, with silence around it."""
    with wave.open(str(path)) as file:
        rate = file.getframerate()
        pcm = np.frombuffer(file.readframes(file.getnframes()), np.int16).astype(np.float32)
    at = np.arange(0, len(pcm), rate / RATE_HZ)
    spoken = np.interp(at, np.arange(len(pcm)), pcm) / 32768 * 0.5
    quiet = np.zeros(int(QUIET_S * RATE_HZ))
    return np.concatenate([quiet, spoken, quiet]).astype(np.float32)


def close(said: str, heard: str, language: str) -> bool:
    """Whether somebody who reads that knows what was said: its letters, numbers as digits."""
    one, other = (" ".join(digits(split(text), language, {})) for text in (said, heard))
    return SequenceMatcher(None, one, other).ratio() >= CLOSE


async def hear(whisper: Path, speakers: dict[str, list[tuple[str, Speak]]], name: str) -> None:
    path = HERE / f"{name}.jsonl"
    rows: list[dict[str, Any]] = [json.loads(line) for line in path.read_text().splitlines()]
    transcriber = faster_whisper.LocalTranscriber(whisper, threads=2)
    random = np.random.default_rng(7)
    with tempfile.TemporaryDirectory() as folder:
        for n, row in enumerate(r for r in rows if "heard" in r):
            text, language, own = row["text"], row["language"], speakers[row["language"]]
            if close(text, row["heard"], language):
                continue
            for voice, speak in (own[(n + turn) % len(own)] for turn in range(len(own))):
                out = Path(folder) / "said.wav"
                await asyncio.to_thread(speak, text, out)
                audio = sound(out)
                if n % 3 == 2 and language == "en":
                    audio += random.normal(0, 0.004, len(audio)).astype(np.float32)
                request = faster_whisper.TranscriptionRequest(
                    "bench", str(n), audio, languages=(language,), timeout_s=60
                )
                row["heard"] = (await transcriber.transcribe(request)).text.strip()
                row["voice"] = voice
                if close(text, row["heard"], language):
                    break
            else:
                del row["heard"], row["voice"]
            click.echo(f"{text}\n    {row.get('heard', '-')}")
    transcriber.close()
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


@click.command()
@click.option("--whisper", type=click.Path(path_type=Path), required=True)
@click.option("--voice", type=click.Path(path_type=Path), required=True)
@click.option("--only", type=click.Choice(SETS))
def main(whisper: Path, voice: Path, only: str | None) -> None:
    speakers: dict[str, list[tuple[str, Speak]]] = {
        language: [(f"espeak-ng {v}", espeak(v)) for v in voices]
        for language, voices in ESPEAK.items()
    }
    speakers["en"] += [(f"flite {v}", flite(v)) for v in FLITE]
    speakers["en"] += [(voice.stem, piper(voice))] * 3
    for name in (only,) if only else SETS[:2]:
        asyncio.run(hear(whisper, speakers, name))


if __name__ == "__main__":
    main()
