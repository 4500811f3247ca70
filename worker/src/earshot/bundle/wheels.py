"""Wheels of the command line and the plugins: built from the tree, without a network."""

import email
import importlib.util
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from ..errors import BundleError
from .archive import MTIME

DISTRIBUTIONS = ("worker", "plugins/faster-whisper", "plugins/llama-cpp", "plugins/piper")


def build(root: Path, out: Path) -> list[Path]:
    """Builds the wheels of the tree at `root` into `out`. The same tree gives the same bytes.

    Raises:
        BundleError: this is no source tree, or the build failed.
    """
    for distribution in DISTRIBUTIONS:
        if not (root / distribution / "pyproject.toml").is_file():
            raise BundleError(
                f"{root}: no source tree of Earshot ({distribution} is missing); a bundle is made"
                " in a checkout"
            )
        _uv(root, "build", "--wheel", "--offline", "--quiet", *_backend(root),
            "--out-dir", str(out), str(root / distribution))  # fmt: skip
    return sorted(out.glob("*.whl"))


def _backend(root: Path) -> tuple[str, ...]:
    """Where the build backend comes from: this environment if it is there (the tests' is), else
    uv's cache, into which scripts/setup brought it."""
    if importlib.util.find_spec("hatchling"):
        return ("--no-build-isolation",)
    return ("--build-constraints", str(root / "requirements" / "build.txt"))


def licence(wheel: Path) -> str:
    """What a wheel declares, or `unknown`.

    Raises:
        BundleError: it is no wheel.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            name = next(n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
            metadata = email.message_from_bytes(archive.read(name))
    except (OSError, zipfile.BadZipFile, StopIteration) as e:
        raise BundleError(f"{wheel}: not a wheel") from e
    return declared(metadata)


def declared(metadata: object) -> str:
    """The licence in a distribution's metadata: its expression, its classifiers, or its text."""
    assert hasattr(metadata, "get") and hasattr(metadata, "get_all")
    if expression := metadata.get("License-Expression"):
        return str(expression)
    classifiers = [
        str(c).rsplit(" :: ", 1)[-1]
        for c in metadata.get_all("Classifier") or ()
        if str(c).startswith("License ::")
    ]
    text = str(metadata.get("License") or "").strip()
    if classifiers:
        return " or ".join(sorted(set(classifiers)))
    return text.splitlines()[0][:80] if text else "unknown"


def _uv(root: Path, *arguments: str) -> None:
    environment = os.environ | {"SOURCE_DATE_EPOCH": str(MTIME), "UV_PYTHON_DOWNLOADS": "never"}
    command = [find_uv(root), *arguments, "--python", sys.executable]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        raise BundleError(
            f"{arguments[-1]}: its wheel could not be built without a network (run scripts/setup"
            f" once with one): {' '.join(lines[-3:])}"
        )


def find_uv(root: Path) -> str:
    """Raises: BundleError."""
    near = (root / ".tools/uv/bin/uv", Path(sys.executable).with_name("uv"))
    found = shutil.which("uv") or next((str(p) for p in near if p.exists()), None)
    if not found:
        raise BundleError("uv, which builds the wheels, is not here: run scripts/setup")
    return found
