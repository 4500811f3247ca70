"""A job process is a client: it must not carry what only the engine needs."""

import json
import subprocess
import sys

import pytest

CODE = """
import importlib, json, sys
importlib.import_module(sys.argv[1])
print(json.dumps(sorted(sys.modules)))
"""
NATIVE = {
    "ctranslate2",
    "faster_whisper",
    "llama_cpp",
    "piper",
    "onnx",
    "torch",
    "transformers",
    "tokenizers",
}


def imported_by(module: str) -> set[str]:
    done = subprocess.run([sys.executable, "-c", CODE, module], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


@pytest.mark.parametrize("module", ["earshot.session", "earshot.engine.client"])
def test_a_job_imports_no_model_library(module: str) -> None:
    modules = imported_by(module)
    assert not modules & NATIVE
    assert not [
        name for name in modules if name.startswith("livekit.plugins.") and name.endswith(".local")
    ]


def test_a_probe_is_light() -> None:
    modules = imported_by("earshot.engine.probe")
    assert not [name for name in modules if name.split(".")[0] in NATIVE | {"livekit", "numpy"}]
