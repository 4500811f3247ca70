"""Each recipe the whole way, small: data, training, export, evaluation. Only where torch is installed."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-recipes" / "bin" / "python"


def has_torch() -> bool:
    return PYTHON.exists() and any(PYTHON.parents[1].glob("lib/python*/site-packages/torch"))


@pytest.mark.skipif(not has_torch(), reason="needs torch: scripts/setup recipes")
@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    ("name", "made", "said"),
    [
        ("stt", "stt/model.bin", "| domain |"),
        ("llm", "starter.gguf", "answers right"),
        ("voice", "starter.onnx", "pocketsphinx"),
    ],
)
def test_a_recipe_goes_the_whole_way(name: str, made: str, said: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [str(PYTHON), "-m", f"recipes.{name}", "--quick", "--work", str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": "models"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert said in done.stdout
    assert (tmp_path / "quick" / made).stat().st_size > 100_000
