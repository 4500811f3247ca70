"""Files that aren't models: one clear line each, and nothing on the terminal."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import gguf
import pytest
from livekit.plugins.llama_cpp import ChatTemplateError, LocalGenerator, ModelError
from livekit.plugins.llama_cpp.model import Model


def copy_without_template(source: Path, target: Path) -> None:
    reader = gguf.GGUFReader(source)
    writer = gguf.GGUFWriter(target, "llama")
    for field in reader.fields.values():
        if field.name.startswith("GGUF.") or field.name in (
            "general.architecture",
            "tokenizer.chat_template",
        ):
            continue
        kind = field.types[0]
        inner = field.types[-1] if kind == gguf.GGUFValueType.ARRAY else None
        writer.add_key_value(field.name, field.contents(), kind, inner)
    for tensor in reader.tensors:
        writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def test_files_that_are_no_model(tmp_path: Path, starter: Path, capfd) -> None:
    text = tmp_path / "notes.gguf"
    text.write_text("not a model")
    empty = tmp_path / "empty.gguf"
    empty.touch()
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(starter.read_bytes()[:2_000_000])
    header = tmp_path / "header.gguf"
    header.write_bytes(b"GGUF" + b"\xff" * 40)
    for path, why in [
        (tmp_path / "missing.gguf", "No such file"),
        (tmp_path, "is a directory"),
        (text, "not a GGUF file"),
        (empty, "not a GGUF file"),
        (cut, "not a usable GGUF model"),
        (header, "not a usable GGUF model"),
    ]:
        with pytest.raises(ModelError, match=why) as caught:
            LocalGenerator(path)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)
    out, err = capfd.readouterr()
    assert (out, err) == ("", "")


def test_a_model_without_a_chat_template(tmp_path: Path, starter: Path) -> None:
    path = tmp_path / "base.gguf"
    copy_without_template(starter, path)
    with pytest.raises(ChatTemplateError, match="has no chat template") as caught:
        LocalGenerator(path)
    assert "\n" not in str(caught.value)


def test_text_survives_tokenising(model: Model) -> None:
    for text in ["Hello there.", " 5 + 3 =  8\n", "é 漢字 🙂", "<tool_call>\n{}</tool_call>"]:
        tokens = model.tokenize(text)
        assert b"".join(model.piece(t) for t in tokens).decode() == text
    assert model.tokenize("") == []
    assert len(model.tokenize("<|im_end|>")) == 1
    assert model.is_end(model.tokenize("<|im_end|>")[0])


def test_importing_the_plugin_loads_no_native_library() -> None:
    """A job process that is given a Generator from elsewhere must stay light."""
    code = (
        "import sys; from livekit.plugins import llama_cpp; "
        "assert not any(m == 'llama_cpp' or m.startswith('llama_cpp.') for m in sys.modules); "
        "import os; llama_cpp.LocalGenerator; "
        "assert 'llama_cpp' in sys.modules and os.environ['OMP_WAIT_POLICY'] == 'passive'"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
