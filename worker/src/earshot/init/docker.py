"""Is there a Docker that can run compose.yaml? Asks the programs; starts nothing."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

COMPOSE_MIN = (2, 20)
ENGINE_MIN = (20, 10)
_WITHIN_S = 20.0
_IMAGE_PREFIX = "/opt/earshot"  # docker/Dockerfile


def in_container() -> bool:
    """Whether this is Earshot's image, from which the Docker outside is not seen."""
    return sys.prefix == _IMAGE_PREFIX


def lack() -> str:
    """What is missing, as one line for people; "" when `docker compose up` can run."""
    if shutil.which("docker") is None:
        return "docker is not on PATH (Debian: apt install docker.io, and the Compose plugin)"
    compose = _ask("docker", "compose", "version", "--short")
    if compose is None:
        return "docker has no Compose plugin: `docker compose version` fails"
    if _version(compose) < COMPOSE_MIN:
        return f"Docker Compose {compose} is too old, {_dotted(COMPOSE_MIN)} or newer was expected"
    engine = _ask("docker", "version", "--format", "{{.Server.Version}}")
    if engine is None:
        return "the Docker engine does not answer: does it run, and may this user reach it?"
    if _version(engine) < ENGINE_MIN:
        return f"Docker {engine} is too old, {_dotted(ENGINE_MIN)} or newer was expected"
    return ""


def stack_runs(folder: Path) -> bool:
    """Whether containers of this folder's compose.yaml run: they have the ports, then."""
    return bool(_ask("docker", "compose", "--project-directory", str(folder), "ps", "-q"))


def _ask(*command: str) -> str | None:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_WITHIN_S, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text)[:2])


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(str(part) for part in version)
