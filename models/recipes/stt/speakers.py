"""Synthetic speakers: text -> sound at 16 kHz, with the time of every phone where the synthesiser tells it.

A speaker knows nothing about what is said or how the sound is used.
"""

import random
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
from numpy.typing import NDArray
from piper import PiperVoice
from piper.config import SynthesisConfig

RATE_HZ = 16000
LONGEST_S = 14.0
VOICE = Path(__file__).parents[2] / "starter" / "voice" / "starter.onnx"

FLITE = ["slt", "rms", "awb", "kal16"]
FLITE_F0_HZ = {"slt": 180, "rms": 105, "kal16": 105}  # awb has no such feature
ACCENTS = ["en-us", "en-gb", "en-gb-x-rp", "en-us-nyc", "en-gb-scotland"]
VARIANTS = (
    "m1 m2 m3 m4 m5 m6 m7 f1 f2 f3 f4 f5 Alex Alicia Andrea Annie belinda linda steph Lee Michael "
    "Mike paul Hugo ed max female2 female3 grandpa"
).split()

HELD_VARIANTS = "Andy Denis Gene Marco adam anika benjamin pablo sandro travis victor m8".split()
HELD_BANDS = [(0.88, 0.93), (1.10, 1.15)]
"""rates and pitches, relative to a voice's own, that training never uses"""

Phones = list[tuple[str, float]]
"""(phone, its end in seconds), in order."""


class Sample(NamedTuple):
    """One spoken text."""

    text: str
    speaker: str
    audio: NDArray[np.int16]
    """16 kHz, peak at 0.7, at most 25 ms of silence at either end"""
    phones: Phones | None


Raw = tuple[str, NDArray[np.float32], Phones | None]


def factor(low: float, high: float, held: bool) -> float:
    """Of a rate or a pitch."""
    if held:
        return random.uniform(*random.choice(HELD_BANDS))
    while True:
        x = random.uniform(low, high)
        if not any(a <= x <= b for a, b in HELD_BANDS):
            return x


def flite(text: str, held: bool = False, voice: str | None = None) -> Raw:
    voice = voice or random.choice(FLITE)
    stretch = factor(0.75, 1.3, held)
    command = ["flite", "-voice", voice, "--setf", f"duration_stretch={stretch:.2f}"]
    if voice in FLITE_F0_HZ and random.random() < 0.5:
        f0_hz = FLITE_F0_HZ[voice] * factor(0.82, 1.25, held)
        command += ["--setf", f"int_f0_target_mean={f0_hz:.0f}"]
    with tempfile.NamedTemporaryFile(suffix=".wav") as wav:
        done = subprocess.run(
            [*command, "-psdur", "-t", text, "-o", wav.name],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        audio = from_wav(wav.read())
    pairs = [item.rsplit(":", 1) for item in done.stdout.split()]
    return f"flite {voice}", audio, [(phone, float(end)) for phone, end in pairs]


def espeak(text: str, held: bool = False) -> Raw:
    voice = random.choice(ACCENTS)
    if held or random.random() < 0.95:
        voice += "+" + random.choice(HELD_VARIANTS if held else VARIANTS)
    rate, pitch, gap = (
        random.randint(115, 215),
        random.randint(20, 80),
        random.choice([0, 0, 0, 1, 3]),
    )
    command = ["espeak-ng", "-v", voice, "-s", str(rate), "-p", str(pitch), "-g", str(gap)]
    done = subprocess.run([*command, "--stdout", text], capture_output=True, check=True)
    return f"espeak {voice}", from_wav(done.stdout), None


def starter_voice(path: Path = VOICE, held: bool = False) -> Callable[[str], Raw]:
    """The voice the assistant answers with: the recogniser hears it when two agents talk."""
    voice = PiperVoice.load(path)

    def starter(text: str) -> Raw:
        scale = factor(0.8, 1.3, held) if random.random() < 0.6 else 1.0
        audio, phones, before_s = [], [], 0.0
        for chunk in voice.synthesize(text, SynthesisConfig(length_scale=scale), True):
            audio.append(chunk.audio_float_array)
            phones += [
                (phone, end_s + before_s)
                for phone, end_s in arpabet(
                    [(a.phoneme, int(a.num_samples)) for a in chunk.phoneme_alignments or ()]
                )
            ]
            before_s += len(chunk.audio_float_array) / RATE_HZ
        return "starter", np.concatenate(audio), phones

    return starter


IPA = dict(
    zip(
        "ɪɛæʌɑɔʊəɐᵻiueoɜɚɝɹlmnŋpbtdkɡgfvθðszʃʒhjwɾʔx",
        "ih eh ae ah aa ao uh ax ax ih iy uw ey ow er er er r l m n ng p b t d k g g f v th dh s z "
        "sh zh hh y w d t k".split(),
        strict=True,
    )
)
GLIDES = {("a", "ɪ"): "ay", ("a", "ʊ"): "aw", ("ɔ", "ɪ"): "oy", ("e", "ɪ"): "ey", ("o", "ʊ"): "ow"}
AFFRICATES = {("t", "ʃ"): "ch", ("d", "ʒ"): "jh"}


def arpabet(symbols: list[tuple[str, int]]) -> Phones:
    """Piper's symbols with their lengths in samples -> flite's phones with their ends in seconds."""
    said = [s for s in symbols if s[1]]  # stress marks and spaces take no time
    phones: Phones = []
    at = 0
    for i, (symbol, length) in enumerate(said):
        at += length
        following = said[i + 1][0] if i + 1 < len(said) else ""
        previous = said[i - 1][0] if i else ""
        if symbol == "ː" and phones:
            phone = phones[-1][0]
        elif (pair := {**GLIDES, **AFFRICATES}.get((symbol, following))) or (
            pair := {**GLIDES, **AFFRICATES}.get((previous, symbol))
        ):
            phone = pair
        else:
            phone = IPA.get(symbol, "ae" if symbol == "a" else "pau")
        phones.append((phone, at / RATE_HZ))
    return phones


def from_wav(data: bytes) -> NDArray[np.float32]:
    """16-bit mono WAV; espeak-ng writes a header without length into a pipe, so it isn't read."""
    rate_hz = int.from_bytes(data[24:28], "little")
    pcm = np.frombuffer(data[44 : 44 + (len(data) - 44) // 2 * 2], dtype="<i2")
    return resampled(pcm, rate_hz, RATE_HZ).astype(np.float32) / 32768


def resampled(pcm: NDArray[np.int16], from_hz: int, to_hz: int) -> NDArray[np.int16]:
    """Mono, in step with what went in."""
    if from_hz == to_hz:
        return pcm
    resampler = av.AudioResampler("s16", "mono", to_hz)
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(pcm)[None], "s16", "mono")
    frame.sample_rate = from_hz
    frames = [*resampler.resample(frame), *resampler.resample(None)]
    return np.concatenate([f.to_ndarray()[0] for f in frames])


def say(text: str, speaker: Callable[[str], Raw]) -> Sample | None:
    """None if it is silent or longer than `LONGEST_S`."""
    name, audio, phones = speaker(text)
    loud = np.abs(audio) > 0.003
    if not loud.any():
        return None
    start = max(0, int(loud.argmax()) - 400)
    audio = audio[start : len(audio) - int(loud[::-1].argmax()) + 400]
    if len(audio) > RATE_HZ * LONGEST_S:
        return None
    if phones:
        phones = [(phone, end_s - start / RATE_HZ) for phone, end_s in phones]
    pcm = (audio / max(1e-4, float(np.abs(audio).max())) * 0.7 * 32767).astype(np.int16)
    return Sample(text, name, pcm, phones)
