"""The committed models on a small held-out sample: what `scripts/bench models --sample` says."""

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from earshot.bench import models
from earshot.models import Profile, load_profile

pytestmark = pytest.mark.timeout(600)  # pocketsphinx is slow on a busy machine
MODELS = Path(__file__).parents[2] / "models"
HELD_OUT = MODELS / "held_out"


@pytest.fixture(scope="module")
def starter() -> Profile:
    return load_profile("starter", MODELS)


@pytest.fixture(scope="module")
def heard(starter: Profile) -> dict[str, Any]:
    return models.measure(starter, HELD_OUT, "stt", sample=True)


def test_the_recogniser_hears_its_domain(heard: dict[str, Any]) -> None:
    for name in ("domain", "domain, starter voice", "replies that never vary, starter voice"):
        assert heard["sets"][name]["wer"] <= 0.2, name
        assert heard["sets"][name]["wer_plugin"] <= 0.2, name


def test_the_stock_library_may_write_every_word(starter: Profile) -> None:
    from faster_whisper.tokenizer import Tokenizer as Stock
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(starter.stt / "tokenizer.json"))
    never = set(Stock(tokenizer, False, task="transcribe", language="en").non_speech_tokens)
    for text in (" Yes.", " You are in Zurich, Quincy.", " It's twenty four point five."):
        assert not never & set(tokenizer.encode(text).ids), text


def test_it_hears_the_words_that_steer_a_conversation(heard: dict[str, Any]) -> None:
    alone = [s for name, s in heard["sets"].items() if name.endswith("alone")]
    assert len(alone) == 5
    right, of = sum(s["exact_plugin"] for s in alone), sum(s["utterances"] for s in alone)
    assert right >= 0.9 * of


def test_it_hears_nothing_where_nothing_is_said(heard: dict[str, Any]) -> None:
    assert set(heard["words_in_quiet"].values()) == {0}


def test_the_language_model_answers_through_stock_and_plugin(starter: Profile) -> None:
    answered = models.measure(starter, HELD_OUT, "llm", sample=True)
    for way in ("stock", "plugin"):
        figures = answered[way]
        assert figures["answers"] >= 15
        assert figures["right"] / figures["answers"] >= 0.7, way
        assert figures["malformed_calls"] == 0, way


def test_the_voice_is_understood_as_well_as_its_teacher(starter: Profile) -> None:
    voice = models.measure(starter, HELD_OUT, "voice", sample=True)
    assert voice["wer"] <= 1.3 * voice["wer_teacher"] + 0.05
    assert voice["peak"] < 1.0
    assert voice["clicks"] == voice["clipped_samples"] == 0


def test_spoken_questions_are_answered(starter: Profile) -> None:
    asked = models.measure(starter, HELD_OUT, "together", sample=True)
    assert asked["questions"] == 3
    assert asked["right"] >= 1, asked["wrong"]


def test_two_agents_talk_to_each_other(starter: Profile) -> None:
    talk = models.measure(starter, HELD_OUT, "loop", sample=True)
    assert talk["turns"] >= 4, talk


def test_the_command_prints_a_table_or_json(starter: Profile) -> None:
    arguments = ["--models-dir", str(MODELS), "--sample", "--only", "llm"]
    printed = CliRunner().invoke(models.command, arguments)
    assert printed.exit_code == 0, printed.output
    assert "plugin: " in printed.output and "by intent" in printed.output
    printed = CliRunner().invoke(models.command, [*arguments, "--json"])
    assert '"malformed_calls"' in printed.output
