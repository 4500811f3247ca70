"""The committed models, judged through their stock libraries on a small held-out sample."""

from pathlib import Path
from typing import Any

import pytest
from earshot.bench import models
from earshot.models import load_profile

MODELS = Path(__file__).parents[2] / "models"


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    paths = load_profile("starter", MODELS)
    return models.measure(paths.stt, paths.llm, paths.voice, MODELS / "held_out", quiet_s=5)


def test_the_recogniser_hears_its_domain(report: dict[str, Any]) -> None:
    sets = report["stt"]["sets"]
    for name in ("domain", "domain, starter voice", "single words"):
        assert sets[name]["wer"] <= 0.15, name
    assert sets["replies, starter voice"]["wer"] <= 0.5


def test_it_hears_nothing_where_nothing_is_said(report: dict[str, Any]) -> None:
    assert set(report["stt"]["words_in_quiet"].values()) == {0}


def test_the_language_model_answers(report: dict[str, Any]) -> None:
    llm = report["llm"]
    assert llm["answers"] >= 20
    assert llm["right"] / llm["answers"] >= 0.75
    assert llm["malformed_calls"] == 0


def test_the_voice_is_understood_as_well_as_its_teacher(report: dict[str, Any]) -> None:
    voice = report["voice"]
    assert voice["wer"] <= 1.3 * voice["wer_teacher"] + 0.05
    assert voice["peak"] < 1.0


def test_the_report_is_readable(report: dict[str, Any]) -> None:
    text = "\n".join(models.table(report))
    assert "| domain |" in text and "tool calls exact" in text and "pocketsphinx" in text
