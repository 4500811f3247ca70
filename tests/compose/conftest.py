"""What the tests of the containers need: a Docker engine, and leave to use it.

`pytest tests/compose --docker` builds the images, starts the whole stack and calls it (minutes).
Without the option those tests are skipped; without an engine they say so.
"""

import functools
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--docker", action="store_true", help="Build the images and run the stack in containers."
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "docker: whole stacks in containers; need --docker")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("docker") is None:
            continue
        if not config.getoption("--docker", default=False):
            item.add_marker(pytest.mark.skip(reason="takes minutes: pytest tests/compose --docker"))
        elif not engine_answers():
            item.add_marker(pytest.mark.skip(reason="no Docker engine: `docker info` fails"))


@functools.cache
def engine_answers() -> bool:
    try:
        done = subprocess.run(["docker", "info"], capture_output=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT
