"""A bad model directory is one clear line."""

import json
import shutil
from pathlib import Path

import pytest
from livekit.plugins import faster_whisper
from livekit.plugins.faster_whisper.model import inspect


@pytest.fixture
def copy(tmp_path: Path, model_path: Path) -> Path:
    return Path(shutil.copytree(model_path, tmp_path / "model"))


def test_missing(tmp_path: Path) -> None:
    with pytest.raises(faster_whisper.ModelNotFoundError, match="no such directory"):
        faster_whisper.STT(tmp_path / "nothing")


def test_a_file(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(b"GGUF")
    with pytest.raises(faster_whisper.ModelFormatError, match="a file; expected"):
        faster_whisper.STT(path)


@pytest.mark.parametrize("name", ["model.bin", "config.json", "tokenizer.json", "vocabulary.json"])
def test_incomplete(copy: Path, name: str) -> None:
    (copy / name).unlink()
    with pytest.raises(faster_whisper.ModelFormatError, match=f"{name} is missing"):
        faster_whisper.STT(copy)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 a zip file", b"\x06\0\0\0\x10\0Transformer"])
def test_another_kind_of_file(copy: Path, content: bytes) -> None:
    (copy / "model.bin").write_bytes(content)
    with pytest.raises(faster_whisper.ModelFormatError, match=r"model\.bin: holds"):
        faster_whisper.STT(copy)


def test_cut_off(copy: Path) -> None:
    model = copy / "model.bin"
    model.write_bytes(model.read_bytes()[:100_000])
    with pytest.raises(faster_whisper.ModelFormatError) as caught:
        faster_whisper.STT(copy)
    assert "\n" not in str(caught.value)
    assert str(copy) in str(caught.value)


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json"])
def test_damaged_json(copy: Path, name: str) -> None:
    (copy / name).write_text("{ not json")
    with pytest.raises(faster_whisper.ModelFormatError):
        faster_whisper.STT(copy)


def test_a_language_it_does_not_know(model_path: Path) -> None:
    with pytest.raises(faster_whisper.LanguageError, match="'de': this model knows 'en' alone"):
        faster_whisper.STT(model_path, language="de")


def test_devices_that_are_not_there(model_path: Path) -> None:
    with pytest.raises(faster_whisper.DeviceError, match="'tpu'"):
        faster_whisper.STT(model_path, device="tpu")
    with pytest.raises(faster_whisper.DeviceError, match="expected one of"):
        faster_whisper.STT(model_path, device="cpu", compute_type="int3")


def test_a_model_may_say_which_windows_suit_it(copy: Path) -> None:
    path = copy / "preprocessor_config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps(config | {"windows_s": [3, 5]}))
    assert inspect(copy).windows_s == (3.0, 5.0, 30.0)
    path.write_text(json.dumps(config | {"windows_s": "short"}))
    with pytest.raises(faster_whisper.ModelFormatError, match="windows_s is 'short'"):
        inspect(copy)


@pytest.mark.parametrize(
    "options",
    [
        {"preflight_silence": 0.0},
        {"preflight_silence": 0.5, "end_of_speech_silence": 0.2},
        {"activation_threshold": 1.5},
    ],
)
def test_numbers_out_of_range(model_path: Path, options: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="expected"):
        faster_whisper.STT(model_path, **options)  # type: ignore[arg-type]
