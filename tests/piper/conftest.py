"""Voices: the starter, which can't be cut, and a small random one of Piper's own shape, which can."""

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from livekit.plugins.piper import LocalSynthesizer

sys.path.insert(0, str(Path(__file__).parent))  # speaking.py

ROOT = Path(__file__).parents[2]
STARTER = ROOT / "models" / "starter" / "voice" / "starter.onnx"


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Cut graphs are kept here instead of the home folder."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder))
        yield folder


@pytest.fixture(scope="session")
def starter_path() -> Path:
    return STARTER


@pytest.fixture(scope="session")
def tiny_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    spec = importlib.util.spec_from_file_location(
        "vits", ROOT / "models" / "recipes" / "shapes" / "vits.py"
    )
    assert spec and spec.loader
    recipe = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(recipe)
    path: Path = recipe.build(tmp_path_factory.mktemp("voice") / "tiny.onnx", "tiny")
    return path


@pytest.fixture(scope="session")
def starter(starter_path: Path) -> Iterator[LocalSynthesizer]:
    with LocalSynthesizer(starter_path) as synthesizer:
        yield synthesizer


@pytest.fixture(scope="session")
def tiny(tiny_path: Path) -> Iterator[LocalSynthesizer]:
    with LocalSynthesizer(tiny_path) as synthesizer:
        yield synthesizer
