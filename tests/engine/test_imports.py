"""A job process is a client: it must not carry what only the engine needs."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

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


FORKED = """
import asyncio, multiprocessing, sys
from pathlib import Path


def ask(socket, answers):
    from earshot.engine.client import EngineClient

    async def status():
        async with await EngineClient.connect(Path(socket), timeout_s=60) as client:
            return (await client.status()).pid

    answers.put(asyncio.run(status()))


if __name__ == "__main__":
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["earshot.session", "earshot.engine.client"])
    answers = context.Queue()
    jobs = [context.Process(target=ask, args=(sys.argv[1], answers)) for _ in range(3)]
    for job in jobs:
        job.start()
    print(*(answers.get(timeout=60) for _ in jobs))
    for job in jobs:
        job.join()
"""


def test_jobs_forked_with_the_client_loaded(tmp_path: Path, shared_engine: Any) -> None:
    """As LiveKit starts them: what gRPC has when it is imported must outlive a fork."""
    script = tmp_path / "forked.py"
    script.write_text(FORKED)
    done = subprocess.run(
        [sys.executable, str(script), str(shared_engine.socket)],
        capture_output=True, text=True, timeout=100,
    )  # fmt: skip
    assert done.stdout.split() == [str(shared_engine.process.pid)] * 3, done.stderr


def test_a_probe_is_light() -> None:
    modules = imported_by("earshot.engine.probe")
    assert not [name for name in modules if name.split(".")[0] in NATIVE | {"livekit", "numpy"}]
