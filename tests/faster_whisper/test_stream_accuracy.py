"""What whole streams hear: word error rate, short words at every level, a minute without speech."""

from typing import Any

import numpy as np
import pytest
from earshot.bench.wer import edits, words
from livekit.plugins import faster_whisper

from .conftest import check_order

RATE_HZ = 16_000


SENTENCES = [
    ("What time is it?", "slt"),
    ("My name is Sarah.", "rms"),
    ("Set a timer for twenty five minutes.", "awb"),
    ("What is thirty plus four?", "kal16"),
    ("Where can I park my car?", "en-us"),
    ("Turn off the lights in the kitchen.", "en-gb"),
    ("Do you need the internet?", "slt"),
    ("I have an appointment with David at three o'clock.", "rms"),
]


async def test_word_error_rate(ears: faster_whisper.STT, say: Any, hear: Any) -> None:
    wrong = total = 0
    for text, voice in SENTENCES:
        hearing = await hear(ears, say(text, voice))
        check_order(hearing.kinds)
        wrong += edits(words(text), words(hearing.heard))
        total += len(words(text))
    assert wrong / total <= 0.1


@pytest.mark.parametrize("level_db", [-30.0, -18.0, -1.0])
async def test_short_words_survive_at_every_level(
    ears: faster_whisper.STT, say: Any, hear: Any, level_db: float
) -> None:
    for text in ("Yes.", "No.", "Stop."):
        for voice in ("slt", "awb"):
            hearing = await hear(ears, say(text, voice, level_db=level_db))
            assert words(hearing.heard) == words(text)


def blips() -> Any:
    rng = np.random.default_rng(7)
    t = np.arange(RATE_HZ // 3) / RATE_HZ
    for i in range(12):
        cough = rng.standard_normal(len(t)) * np.exp(-t * (8 + i)) * 0.4
        click = np.where(t < 0.01, 0.5, 0.0) * rng.standard_normal(len(t))
        beep = 0.3 * np.sin(2 * np.pi * (250 + 170 * i) * t)
        for sound in (cough, click, beep):
            yield np.concatenate([sound, np.zeros(RATE_HZ)])


def steady(kind: str) -> Any:
    rng = np.random.default_rng(11)
    t = np.arange(60 * RATE_HZ) / RATE_HZ
    if kind == "silence":
        return np.zeros(len(t))
    if kind == "noise":
        return rng.standard_normal(len(t)) * 0.03
    if kind == "hum":
        return 0.2 * np.sin(2 * np.pi * 50 * t) + 0.1 * np.sin(2 * np.pi * 150 * t)
    return np.concatenate(list(blips()))


@pytest.mark.parametrize("kind", ["silence", "noise", "hum", "blips"])
async def test_a_minute_without_speech_gives_no_transcript(
    ears: faster_whisper.STT, hear: Any, kind: str
) -> None:
    hearing = await hear(ears, steady(kind).astype(np.float32))
    check_order(hearing.kinds)
    assert hearing.heard == ""
