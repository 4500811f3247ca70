"""How well a voice speaks: pocketsphinx, which never heard it, writes down what it says."""

import shutil
import subprocess
import tempfile
import time
import wave
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .wer import Score

TEACHER = "slt"
"""the voice of flite that the starter voice was taught by"""
STEP_S = 0.4
"""what the level is measured over"""
CLICK = 9.0
"""a jump between two samples, relative to the usual one around it, that is heard as a click"""


def dictation() -> Any:
    import pocketsphinx

    return pocketsphinx.Decoder(samprate=16000, loglevel="FATAL")


def written_down(decoder: Any, audio: NDArray[np.float32]) -> str:
    """Peak at 0.6, with faint noise around it."""
    edge = np.zeros(4800)
    x = np.concatenate([edge, audio / max(1e-6, float(np.abs(audio).max())) * 0.6, edge])
    x = x + np.random.default_rng(0).standard_normal(len(x)) * 3e-4
    decoder.start_utt()
    decoder.process_raw((np.clip(x, -1, 1) * 32767).astype(np.int16).tobytes(), full_utt=True)
    decoder.end_utt()
    hypothesis = decoder.hyp()
    return str(hypothesis.hypstr) if hypothesis else ""


def teacher(text: str) -> NDArray[np.float32]:
    with tempfile.NamedTemporaryFile(suffix=".wav") as out:
        subprocess.run(["flite", "-voice", TEACHER, "-t", text, "-o", out.name], check=True)
        with wave.open(out.name) as wav:
            pcm = np.frombuffer(wav.readframes(wav.getnframes()), "<i2")
    return np.asarray(pcm, np.float32) / np.float32(32768)


def clicks(audio: NDArray[np.float32], rate_hz: int) -> int:
    """Steps between samples that stand out of the 20 ms around them, and can be heard at all."""
    jump = np.abs(np.diff(audio, prepend=np.float32(0), append=np.float32(0)))
    around = int(0.02 * rate_hz)
    mean = np.convolve(jump**2, np.ones(around) / around, "same") ** 0.5
    return int(np.sum((jump > CLICK * mean + 1e-9) & (jump > 0.02)))


def level_db(audio: NDArray[np.float32], rate_hz: int) -> float:
    """Of the loud half of the steps: pauses don't count."""
    step = int(STEP_S * rate_hz)
    rms = [float(np.sqrt(np.mean(audio[i : i + step] ** 2))) for i in range(0, len(audio), step)]
    return float(20 * np.log10(max(1e-6, np.median(sorted(rms)[len(rms) // 2 :]))))


def score(model: Path, sentences: list[str]) -> dict[str, Any]:
    """Without flite on the machine, "wer_teacher" is None."""
    from piper import PiperVoice, SynthesisConfig

    voice, decoder = PiperVoice.load(model), dictation()
    raw = SynthesisConfig(normalize_audio=False)
    student, taught = Score(), Score()
    peaks, levels, rtfs, clicked, clipped = [], [], [], 0, 0
    for sentence in sentences:
        began = time.perf_counter()
        chunks = list(voice.synthesize(sentence, raw))
        spent_s = time.perf_counter() - began
        audio = np.concatenate([c.audio_float_array for c in chunks])
        rate_hz = chunks[0].sample_rate
        rtfs.append(spent_s / (len(audio) / rate_hz))
        peaks.append(float(np.abs(audio).max()))
        levels.append(level_db(audio, rate_hz))
        clicked += clicks(audio, rate_hz)
        clipped += int(np.sum(np.abs(audio) >= 0.999))
        student.add(sentence, written_down(decoder, audio))
        if shutil.which("flite"):
            taught.add(sentence, written_down(decoder, teacher(sentence)))
    return {
        "sentences": student.utterances,
        "words": student.words,
        "wer": round(student.rate, 4),
        "wer_teacher": round(taught.rate, 4) if taught.words else None,
        "peak": round(max(peaks), 3),
        "clicks": clicked,
        "clipped_samples": clipped,
        "level_spread_db": round(float(np.std(levels)), 2),
        "rtf": round(float(np.median(rtfs)), 4),
    }
