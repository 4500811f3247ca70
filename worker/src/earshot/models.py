"""Profiles: which files make up the STT model, the LLM and the voice, and whether they are whole.

Reads `manifest.toml`. Knows nothing of what is inside the files: that is the plugins' part.
"""

import hashlib
import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from .errors import ChecksumError, ModelError, ProfileError

Kind = Literal["stt", "llm", "voice"]
KINDS: tuple[Kind, ...] = ("stt", "llm", "voice")


@dataclass(frozen=True)
class ModelFile:
    """One file of a model."""

    path: Path
    sha256: str
    bytes: int


@dataclass(frozen=True)
class Profile:
    """The paths that the three plugins take."""

    name: str
    stt: Path
    llm: Path
    voice: Path
    files: tuple[ModelFile, ...]

    def verify(self, cache: Path) -> None:
        """Compares every file with the manifest.

        Args:
            cache: remembers which file (size, time of change) had which checksum, so that large
                models are read once and not at every start.

        Raises:
            ModelError: a file is missing or cannot be read.
            ChecksumError: a file is not the one in the manifest.
        """
        known = _read_cache(cache)
        fresh = {}
        for file in self.files:
            try:
                stat = file.path.stat()
            except OSError as e:
                raise ModelError(f"{file.path}: missing, but profile {self.name!r} needs it") from e
            stamp = f"{stat.st_size} {stat.st_mtime_ns}"
            known_stamp, digest = known.get(str(file.path), ("", ""))
            if known_stamp != stamp:
                digest = _sha256(file.path)
            if digest != file.sha256:
                raise ChecksumError(
                    f"{file.path}: wrong checksum: sha256 {digest[:12]}…, {stat.st_size} bytes;"
                    f" the manifest says {file.sha256[:12]}…, {file.bytes} bytes"
                )
            fresh[str(file.path)] = (stamp, digest)
        if fresh.items() - known.items():
            _write_cache(cache, known | fresh)


def load_profile(name: str, models_dir: Path) -> Profile:
    """Reads a profile from the manifest.

    Raises:
        ProfileError: nobody knows it; the message names those that exist.
        ModelError: the manifest is missing or damaged.
    """
    manifest = models_dir / "manifest.toml"
    try:
        profiles = tomllib.loads(manifest.read_text(encoding="utf-8"))["profiles"]
    except (OSError, UnicodeDecodeError) as e:
        raise ModelError(f"models_dir: {manifest} cannot be read: {_reason(e)}") from e
    except (tomllib.TOMLDecodeError, KeyError) as e:
        raise ModelError(f"{manifest}: not a manifest: {e}") from e
    if name not in profiles:
        raise ProfileError(f"profile {name!r} is unknown; {manifest} has: {', '.join(profiles)}")
    try:
        paths = {kind: models_dir / profiles[name][kind]["path"] for kind in KINDS}
        files = tuple(file for kind in KINDS for file in _files(paths[kind], profiles[name][kind]))
    except (KeyError, TypeError) as e:
        raise ModelError(f"{manifest}: profile {name!r} is incomplete: {e} is missing") from e
    return Profile(name, paths["stt"], paths["llm"], paths["voice"], files)


def _files(path: Path, entry: dict[str, Any]) -> list[ModelFile]:
    # a model is a folder of files (STT) or a file, perhaps with others beside it (voice)
    folder = path if path.suffix not in {".gguf", ".onnx"} else path.parent
    return [ModelFile(folder / f["name"], f["sha256"], f["bytes"]) for f in entry["files"]]


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as f:
            return hashlib.file_digest(f, "sha256").hexdigest()
    except OSError as e:
        raise ModelError(f"{path}: cannot be read: {_reason(e)}") from e


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _read_cache(cache: Path) -> dict[str, tuple[str, str]]:
    try:
        return {k: (v[0], v[1]) for k, v in json.loads(cache.read_text()).items()}
    except (OSError, ValueError, AttributeError, IndexError, TypeError):
        return {}  # a cache: whatever is wrong with it, the files are read again


def _write_cache(cache: Path, entries: dict[str, tuple[str, str]]) -> None:
    try:
        cache.parent.mkdir(parents=True, exist_ok=True)
        temporary = cache.with_suffix(".part")
        temporary.write_text(json.dumps(entries))
        temporary.replace(cache)
    except OSError:
        return  # a read-only state folder costs time at the next start, nothing else
