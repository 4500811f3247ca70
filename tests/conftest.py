"""What several tests need: a spoken sentence, and an environment without settings."""

import logging
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
STARTER = ROOT / "models" / "starter"

Say = Callable[..., Path]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--artifacts", type=Path, help="Folder for the screenshots that the tests of a call take."
    )
    parser.addoption(
        "--docker", action="store_true", help="Build the images and run the stack in containers."
    )
    parser.addoption(
        "--docker-all", action="store_true", help="The same, and what takes minutes more."
    )
    parser.addoption(
        "--real-models",
        action="store_true",
        help="Talk with published models (scripts/real-models).",
    )


@pytest.fixture(autouse=True)
def clean_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """No setting of the person who runs the tests, nor what they chose at a start."""
    for name in list(os.environ):
        if name.startswith("EARSHOT_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("EARSHOT_STATE_DIR", str(tmp_path_factory.getbasetemp() / "state"))


@pytest.fixture(autouse=True)
def log_levels() -> Iterator[None]:
    """A command that silences LiveKit's logger in this process does so for its own test alone."""
    logger = logging.getLogger("livekit")
    before = logger.level
    yield
    logger.setLevel(before)


@pytest.fixture
def say(tmp_path: Path) -> Say:
    """say("text", voice="slt") -> a WAV spoken by flite."""

    def speak(text: str, voice: str = "slt", name: str | None = None) -> Path:
        path = tmp_path / (name or f"{abs(hash((text, voice)))}.wav")
        subprocess.run(["flite", "-voice", voice, "-t", text, "-o", str(path)], check=True)
        return path

    return speak
