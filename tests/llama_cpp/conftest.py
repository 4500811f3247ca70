from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from livekit.plugins.llama_cpp import LocalGenerator
from livekit.plugins.llama_cpp.model import Model

sys.path.insert(0, str(Path(__file__).parent))

STARTER = Path(__file__).parents[2] / "models" / "starter" / "llm" / "starter.gguf"


@pytest.fixture(scope="session")
def starter() -> Path:
    return STARTER


@pytest.fixture(scope="session")
def model() -> Iterator[Model]:
    model = Model(STARTER)
    yield model
    model.close()


@pytest.fixture(scope="session")
def generator() -> Iterator[LocalGenerator]:
    generator = LocalGenerator(STARTER, threads=1)
    yield generator
    generator.close()
