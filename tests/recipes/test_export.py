"""Export, and reading back what was exported: both without torch."""

from pathlib import Path

import numpy as np
import pytest
from recipes.llm import export as llm_export
from recipes.stt import export as stt_export
from recipes.stt.average import between

STARTER = Path(__file__).parents[2] / "models" / "starter"


def test_the_recogniser_read_back_and_exported_again_is_the_same(tmp_path: Path) -> None:
    model = STARTER / "stt"
    stt_export.export(stt_export.restored(model), model / "tokenizer.json", tmp_path / "stt")
    for file in (tmp_path / "stt").iterdir():
        assert file.read_bytes() == (model / file.name).read_bytes(), file.name


def test_the_language_model_read_back_and_exported_again_is_the_same(tmp_path: Path) -> None:
    model, tokens = STARTER / "llm" / "starter.gguf", tmp_path / "tokenizer.json"
    llm_export.restored_tokenizer(model).save(str(tokens))
    llm_export.export(llm_export.restored(model), tokens, tmp_path / "starter.gguf")
    assert (tmp_path / "starter.gguf").read_bytes() == model.read_bytes()


def test_a_broken_export_leaves_the_old_model(tmp_path: Path) -> None:
    model = STARTER / "stt"
    weights = stt_export.restored(model)
    stt_export.export(weights, model / "tokenizer.json", tmp_path / "stt")
    del weights["model.encoder.conv1.weight"]
    weights["model.encoder.conv1.bias"] = np.zeros((2, 2), np.float32)
    with pytest.raises(ValueError):
        stt_export.export(weights, model / "tokenizer.json", tmp_path / "stt")
    assert (tmp_path / "stt" / "model.bin").exists()


def test_between_two_recognisers() -> None:
    one = stt_export.restored(STARTER / "stt")
    zero = {name: np.zeros_like(value) for name, value in one.items()}
    half = between(zero, one, 0.5)
    name = "model.encoder.layers.0.fc1.weight"
    assert np.allclose(half[name], one[name] / 2)


def test_another_format_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(b"\x05\0\0\0")
    with pytest.raises(ValueError, match="format 5: expected 6"):
        stt_export.restored(tmp_path)
