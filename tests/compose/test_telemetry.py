"""Libraries that report to their makers are told not to, before they are loaded."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "module", ["earshot", "livekit.plugins.piper", "livekit.plugins.faster_whisper"]
)
def test_onnxruntime_is_silenced_before_it_is_imported(module: str) -> None:
    program = f"import os, sys, {module}; print('onnxruntime' in sys.modules, os.environ['ORT_DISABLE_TELEMETRY'])"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False", "1"]
