"""What the tests of the containers need: a Docker engine, and leave to use it.

`pytest tests/compose --docker` builds the images, starts the whole stack as the README says, and
calls it (minutes); scripts/test does so by default. `--docker-all` also upgrades a bundle's target and
rolls back, with an engine that restarts the stack four times. Without an engine the tests say so.
"""

import functools
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from .stack import Containers, ports_file

ROOT = Path(__file__).parents[2]
LIMIT_S = 1800
"""Of one test: the first one compiles what the images are made of."""


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "docker(all=False): whole stacks in containers; need --docker, or --docker-all"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    everything = config.getoption("--docker-all")
    wanted = everything or config.getoption("--docker")
    for item in items:
        marker = item.get_closest_marker("docker")
        if marker is None:
            continue
        item.add_marker(pytest.mark.timeout(LIMIT_S))
        if not wanted:
            item.add_marker(pytest.mark.skip(reason="takes minutes: pytest tests/compose --docker"))
        elif lack := engine_lack():
            item.add_marker(pytest.mark.skip(reason=f"no Docker engine: {lack}"))
        elif marker.kwargs.get("all") and not everything:
            reason = "takes minutes more: pytest tests/compose --docker-all"
            item.add_marker(pytest.mark.skip(reason=reason))


@functools.cache
def engine_lack() -> str:
    """Why Docker can't be used, "" if it can; scripts/test knows more than is seen from here."""
    if known := os.environ.get("DOCKER_LACK"):
        return known
    for command in (["docker", "info"], ["docker", "compose", "version"]):
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=20)
        except (OSError, subprocess.TimeoutExpired) as e:
            return f"{' '.join(command)}: {e}"
        if done.returncode:
            return (done.stderr.strip().splitlines() or [f"{' '.join(command)} fails"])[-1]
    return ""


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def lines() -> list[str]:
    """The commands of the README's section on containers."""
    readme = (ROOT / "README.md").read_text()
    [block] = re.findall(r"In containers, .*?```sh\n(.*?)```", readme, re.S)
    return [line.partition("  #")[0].strip() for line in block.splitlines()]


@pytest.fixture(scope="session")
def stack(lines: list[str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Containers]:
    """A checkout of its own, in which the README's lines were executed up to `up --wait`."""
    folder = tmp_path_factory.mktemp("site") / "earshot"
    beside = (".git", ".venv*", ".tools", ".state", ".*_cache", ".work", "__pycache__",
              "dist", "weights", "work", ".env", ".earshot")  # fmt: skip
    shutil.copytree(ROOT, folder, symlinks=True, ignore=shutil.ignore_patterns(*beside))
    for name in (".venv", ".tools"):  # as scripts/setup leaves them
        (folder / name).symlink_to(ROOT / name)
    (folder / ".env").write_text(ports_file())
    containers = Containers(folder)
    up = next(n for n, line in enumerate(lines) if " up " in line)
    try:
        for line in lines[: up + 1]:
            containers.shell(line)
        yield containers
    finally:
        containers.down()
