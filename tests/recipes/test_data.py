"""The training data and the held-out sets: what is held out is never trained on."""

import json
import random
import shutil
from pathlib import Path

import numpy as np
import pytest
from earshot.bench.hearing import read_speech
from recipes.llm import dialogue, listening, noise, phrases
from recipes.llm import held_out as held_dialogues
from recipes.stt import held_out as held_speech
from recipes.stt import line, shards, speakers, texts
from recipes.stt.spoken import spoken
from recipes.voice import data
from recipes.voice import texts as voice_texts

needs_speakers = pytest.mark.skipif(
    not (shutil.which("flite") and shutil.which("espeak-ng")), reason="needs flite and espeak-ng"
)


def asked(held: bool, dialogues: int) -> list[str]:
    return [
        m["content"]
        for _ in range(dialogues)
        for m in dialogue.conversation(held)[2]
        if m["role"] == "user"
    ]


def test_a_question_is_misheard_as_the_recogniser_does() -> None:
    said, heard = "please tell me who you are".split(), "please tall me you are".split()
    assert listening.mistakes(said, heard) == [("tell", "tall"), ("who", "")]
    random.seed(1)
    forms = {noise.heard("What does your clock say, {}?") for _ in range(400)}
    assert all(form.count("{}") == 1 for form in forms) and len(forms) > 10
    instead = {word for word in noise.MISHEARD["your"] if word}
    assert any(f"does {word} clock" in form for form in forms for word in instead)


def test_no_held_out_sentence_is_trained_on() -> None:
    random.seed(1)
    trained = {phrases.bare(t) for t in asked(False, 3000)}
    whole = {form for form in phrases.HELD_OUT if "{" not in form}
    assert len(whole) > 40
    assert not trained & whole


def test_a_frame_with_alternatives_is_one_sentence() -> None:
    random.seed(1)
    forms = {phrases.expanded("(Could|Can) you (go|please |)go, on (.|?)") for _ in range(60)}
    assert all(not set("(|)") & set(form) for form in forms)
    assert "Can you go, on?" in forms
    assert all("{" not in t and "|" not in t for t in asked(False, 300))


def test_held_out_dialogues_are_the_same_every_time(tmp_path: Path) -> None:
    for name in ("a", "b"):
        held_dialogues.write(tmp_path / name, 20)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    first = json.loads((tmp_path / "a").read_text().splitlines()[0])
    assert set(first) == {"system", "tools", "messages"}


def test_numbers_are_written_in_one_form() -> None:
    assert spoken("It is 14:05.") == "It is fourteen oh five."
    assert spoken("The answer is -3.25.") == "The answer is minus three point two five."
    assert (
        spoken("Today is Tuesday, November 24, 2026.")
        == "Today is Tuesday, November twenty fourth, twenty twenty six."
    )
    random.seed(2)
    assert not any(any(c.isdigit() for c in texts.text()[0]) for _ in range(500))


def test_training_never_uses_the_held_out_settings_of_a_voice() -> None:
    random.seed(3)
    trained = [speakers.factor(0.75, 1.3, held=False) for _ in range(2000)]
    held = [speakers.factor(0.75, 1.3, held=True) for _ in range(200)]
    assert not any(a <= x <= b for x in trained for a, b in speakers.HELD_BANDS)
    assert all(any(a <= x <= b for a, b in speakers.HELD_BANDS) for x in held)
    assert not set(speakers.VARIANTS) & set(speakers.HELD_VARIANTS)


@needs_speakers
def test_speech_is_made_without_held_out_texts(tmp_path: Path) -> None:
    held_speech.write(tmp_path / "speech.npz", 0.01)
    speech = read_speech(tmp_path / "speech.npz")
    assert speech and all(speech.values())
    starter = speakers.starter_voice()
    made = shards.make("7", 6, starter, frozenset())
    without = shards.make("7", 6, starter, frozenset({made[0].text}) | texts.fixed())
    assert made[0].text not in {s.text for s in without} or made[0].text in texts.fixed()
    again = shards.make("7", 6, starter, frozenset())
    assert [s.text for s in again] == [s.text for s in made]
    shards.write(tmp_path / "0.pkl", made)
    assert [s.text for s in shards.read(tmp_path / "0.pkl")] == [s.text for s in made]


def test_a_call_keeps_speech_in_step() -> None:
    t = np.arange(16000) / 16000
    sweep = (8000 * np.sin(2 * np.pi * (200 + 600 * t) * t) * (t > 0.3)).astype(np.int16)
    heard = line.through_opus(sweep, 24_000)
    assert len(heard) == len(sweep)
    assert np.abs(heard[:4000]).max() < 800, "nothing before it begins"
    sent, got = sweep.astype(float)[500:-500], heard.astype(float)
    lag = np.argmax([np.dot(sent, np.roll(got, k)[500:-500]) for k in range(-40, 41)])
    assert abs(int(lag) - 40) <= 8, "within half a millisecond"


@needs_speakers
def test_the_teacher_is_cut_to_piper_symbols() -> None:
    found = data.timed("The answer is forty two.")
    assert found is not None
    symbols, steps, audio = found
    assert symbols[0] == "^" and symbols[-1] == "$"
    assert len(steps) == len(symbols)
    assert int(steps.sum()) == len(audio) // 160
    assert all(n == 0 for s, n in zip(symbols, steps, strict=True) if s in "ˈˌ")
    assert data.timed("One. Two.") is None, "only single sentences are lessons"


def test_held_out_sentences_of_the_voice() -> None:
    held = voice_texts.held_out(40)
    assert held == voice_texts.held_out(40)
    assert not set(held) & set(voice_texts.training(200, frozenset(held)))
    assert sum("twenty" in s or "The answer" in s for s in held) >= 3
