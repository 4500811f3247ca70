"""A profile: its three models, their files, and whether each file is the one that was meant."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..errors import ChecksumError, ModelError

Kind = Literal["stt", "llm", "voice"]
KINDS: tuple[Kind, ...] = ("stt", "llm", "voice")
CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Package:
    """A wheel on the package index that holds a file of a model, or a piece of one."""

    project: str
    version: str
    bytes: int
    """Of the wheel."""
    sha256: str
    """Of the wheel."""
    member: str
    """Its path inside the wheel."""


@dataclass(frozen=True)
class ModelFile:
    """One file of a model."""

    path: Path
    sha256: str
    """Empty: nobody has recorded it yet; the first fetch will."""
    bytes: int
    packages: tuple[Package, ...] = ()
    """Their members one after another are this file; empty: no package holds it."""


@dataclass(frozen=True)
class Source:
    """A repository of the hub."""

    repository: str
    revision: str
    folder: str
    """Where in the repository the files lie; empty = at its top."""


@dataclass(frozen=True)
class Model:
    kind: Kind
    title: str
    path: Path
    """What the plugin takes: a folder (STT), a .gguf (LLM) or an .onnx (voice)."""
    licence: str
    files: tuple[ModelFile, ...]
    source: Source | None
    """Where it is on the hub."""
    mirrors: tuple[str, ...] = ()
    """Addresses of folders that hold the same files: `https://models.example.org/whisper-base`."""

    @property
    def folder(self) -> Path:
        """The folder that holds the files."""
        return self.path if self.kind == "stt" else self.path.parent

    @property
    def bytes(self) -> int:
        return sum(file.bytes for file in self.files)

    @property
    def fetched(self) -> bool:
        """Whether there is somewhere to get it from; else it came with Earshot, or is one's own."""
        return bool(self.source or self.mirrors or any(file.packages for file in self.files))

    @property
    def state(self) -> Literal["present", "partly", "missing"]:
        """By size alone: a checksum takes reading all of it (`Profile.verify`)."""
        there = [f for f in self.files if _size(f.path) == f.bytes]
        return "present" if len(there) == len(self.files) else "partly" if there else "missing"


@dataclass(frozen=True)
class Profile:
    """The paths that the three plugins take."""

    name: str
    models: tuple[Model, ...]
    """STT model, LLM, voice."""
    own: bool
    """Added by this site (`earshot models add`)."""
    demonstration: bool = False
    """Too small for people: whoever uses it is told, and how to get real models."""
    decision: Literal["router", "model"] = "router"
    """How its LLM chooses tools: among worked examples, or in calls that it writes."""

    @property
    def stt(self) -> Path:
        return self.models[0].path

    @property
    def llm(self) -> Path:
        return self.models[1].path

    @property
    def voice(self) -> Path:
        return self.models[2].path

    @property
    def files(self) -> tuple[ModelFile, ...]:
        return tuple(file for model in self.models for file in model.files)

    @property
    def bytes(self) -> int:
        return sum(model.bytes for model in self.models)

    @property
    def present(self) -> bool:
        """By size alone, as `Model.state`."""
        return all(model.state == "present" for model in self.models)

    def verify(self, cache: Path) -> None:
        """Compares every file with the manifest.

        Args:
            cache: remembers which file (size, time of change) had which checksum, so that large
                models are read once and not at every start.

        Raises:
            ModelError: a file is missing or cannot be read, or no checksum of it is known.
            ChecksumError: a file is not the one in the manifest.
        """
        known = _read_cache(cache)
        fresh = {}
        for model in self.models:
            for file in model.files:
                stamp, digest = known.get(str(file.path), ("", ""))
                if stamp != (now := _stamp(self, model, file)):
                    digest = sha256(file.path)
                check(self, file, digest)
                fresh[str(file.path)] = (now, digest)
        if fresh.items() - known.items():
            _write_cache(cache, known | fresh)


def check(profile: Profile, file: ModelFile, digest: str) -> None:
    """Raises: ModelError, ChecksumError."""
    if not file.sha256:
        raise ModelError(
            f"{file.path}: no checksum of it is known; `earshot models fetch {profile.name}`"
            " fetches it and records one"
        )
    if digest != file.sha256:
        raise ChecksumError(
            f"{file.path}: wrong checksum: sha256 {digest[:12]}…, {_size(file.path)} bytes;"
            f" the manifest says {file.sha256[:12]}…, {file.bytes} bytes"
        )


def sha256(path: Path, advance: Callable[[int], None] = lambda read: None) -> str:
    """The checksum of a file; `advance` hears how many bytes were read.

    Raises:
        ModelError: it cannot be read.
    """
    digest = hashlib.sha256()
    try:
        with path.open("rb") as f:
            while chunk := f.read(CHUNK_BYTES):
                digest.update(chunk)
                advance(len(chunk))
    except OSError as e:
        raise ModelError(f"{path}: cannot be read: {e.strerror or e}") from e
    return digest.hexdigest()


def _stamp(profile: Profile, model: Model, file: ModelFile) -> str:
    try:
        stat = file.path.stat()
    except OSError as e:
        hint = f": `earshot models fetch {profile.name}` gets it" if model.fetched else ""
        raise ModelError(
            f"{file.path}: missing, but profile {profile.name!r} needs it{hint}"
        ) from e
    # the inode too: where all files are as old as one another, a link may have been set anew
    return f"{stat.st_size} {stat.st_mtime_ns} {stat.st_ino}"


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1


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
