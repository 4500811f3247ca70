import json
import shutil
from pathlib import Path
from typing import Any

import onnx
import pytest
from livekit.plugins.piper import TTS, LocalSynthesizer, VoiceFormatError, VoiceNotFoundError
from onnx import TensorProto, helper


def refused(path: Path, error: type[Exception]) -> str:
    with pytest.raises(error) as caught:
        TTS(path)
    message = str(caught.value)
    assert "\n" not in message and path.name in message and "expected" in message
    return message


@pytest.fixture
def voice(starter_path: Path, tmp_path: Path) -> Path:
    """A copy of the starter voice, to spoil."""
    for suffix in ("", ".json"):
        shutil.copy(f"{starter_path}{suffix}", tmp_path / f"voice.onnx{suffix}")
    return tmp_path / "voice.onnx"


def edit(voice: Path, **changes: Any) -> None:
    path = Path(f"{voice}.json")
    config = json.loads(path.read_text(encoding="utf-8")) | changes
    path.write_text(json.dumps({k: v for k, v in config.items() if v is not None}))


def test_missing(voice: Path, tmp_path: Path) -> None:
    refused(tmp_path / "none.onnx", VoiceNotFoundError)
    refused(tmp_path, VoiceNotFoundError)
    Path(f"{voice}.json").unlink()
    assert "voice.onnx.json" in refused(voice, VoiceNotFoundError)


@pytest.mark.parametrize("content", [b"", b"RIFF not ONNX at all", b"\x08\x09" * 999])
def test_not_onnx(voice: Path, content: bytes) -> None:
    voice.write_bytes(content)
    refused(voice, VoiceFormatError)


def test_cut_off(voice: Path) -> None:
    voice.write_bytes(voice.read_bytes()[:1_000_000])
    refused(voice, VoiceFormatError)


def test_another_model(voice: Path) -> None:
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", [x], [y])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), str(voice))
    assert "inputs are x" in refused(voice, VoiceFormatError)


def test_config_is_no_json(voice: Path) -> None:
    Path(f"{voice}.json").write_text("{not json")
    refused(voice, VoiceFormatError)
    Path(f"{voice}.json").write_bytes(b"\xff\xfe\x00")
    refused(voice, VoiceFormatError)
    Path(f"{voice}.json").write_text("[1]")
    refused(voice, VoiceFormatError)


@pytest.mark.parametrize(
    "changes",
    [
        {"phoneme_id_map": None},
        {"audio": {"sample_rate": "much"}},
        {"audio": {"sample_rate": 1}},
        {"phoneme_id_map": {"a": [1]}},
        {"phoneme_type": "pinyin"},
        {"num_speakers": None},
        {"espeak": {"voice": "klingonish"}},
        {"hop_length": 0},
    ],
)
def test_config_lacks_what_is_needed(voice: Path, changes: dict[str, Any]) -> None:
    edit(voice, **changes)
    refused(voice, VoiceFormatError)


def test_info(tiny: LocalSynthesizer, starter: LocalSynthesizer) -> None:
    assert tiny.info.speakers == ("speaker 0", "speaker 1", "speaker 2")
    assert starter.info.speakers == () and starter.info.language == "en_US"
    assert (tiny.info.sample_rate_hz, starter.info.sample_rate_hz) == (22050, 16000)
