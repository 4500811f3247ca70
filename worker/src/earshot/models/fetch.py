"""Makes a profile present: what is missing, is there room, download, check, put into place.

A model is put into place when all of its files are there and right: until then everything lies in
`weights/.part`, where the next run goes on.
"""

import errno
import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..errors import ChecksumError, FetchError, ModelError, OutputError
from ..progress import Progress, size
from .hub import Hub
from .lock import Lock
from .profile import Model, ModelFile, Profile, Source, check, sha256

SPARE_BYTES = 64_000_000
"""Stay free on the disk, whatever is fetched."""


@dataclass(frozen=True)
class Missing:
    """A model and those of its files that must be fetched."""

    model: Model
    files: tuple[ModelFile, ...]

    @property
    def bytes(self) -> int:
        return sum(file.bytes for file in self.files)


def missing(profile: Profile, progress: Progress) -> list[Missing]:
    """What of a profile must be fetched: files that are not there, or are not the right ones.

    Raises:
        ModelError: something is wrong with a model that has no source.
    """
    found = []
    for model in profile.models:
        files = tuple(file for file in model.files if not _right(profile, model, file, progress))
        if files:
            found.append(Missing(model, files))
    return found


def _right(profile: Profile, model: Model, file: ModelFile, progress: Progress) -> bool:
    try:
        if file.path.stat().st_size != file.bytes and model.source:
            return False
        progress.begin(f"checking {file.path.name}", file.bytes)
        check(profile, file, sha256(file.path, progress.advance))
    except (OSError, ModelError) as e:
        if model.source:
            return False
        if isinstance(e, ModelError):
            raise
        raise ModelError(f"{file.path}: missing, and it has no source to fetch it from") from e
    return True


def fetch(work: list[Missing], models_dir: Path, hub: Hub, progress: Progress) -> None:
    """Fetches what `missing` found.

    Raises:
        FetchError: the hub is not reached, or gives something else.
        ChecksumError: what came is not what the manifest says.
        OutputError: no room, or not writable.
    """
    parts = models_dir / "weights" / ".part"
    with _alone(parts):
        _require_room(work, parts)
        for item in work:
            _fetch_model(item, models_dir, parts, hub, progress)


def _fetch_model(
    item: Missing, models_dir: Path, parts: Path, hub: Hub, progress: Progress
) -> None:
    model, source = item.model, item.model.source
    assert source is not None
    stage = parts / model.folder.name
    _make(stage)
    commit_of = parts / f"{model.folder.name}.commit"
    lock = Lock.read(models_dir)
    revision = _begun(commit_of, source) or lock.revision(model.folder, source) or source.revision
    checksums = {}
    for file in item.files:
        name = file.path.name
        part, whole = stage / f"{name}.part", stage / name
        if _length(whole) == file.bytes:  # by an earlier run, which did not come to the end
            checksums[name] = _check(file, whole)
            continue
        progress.begin(f"{model.folder.name}/{name}", file.bytes, min(_length(part), file.bytes))
        commit = hub.download(hub.url(source, revision, name), part, file.bytes, progress.advance)
        checksums[name] = _check(file, part)
        part.replace(whole)
        if commit and commit != revision:  # the rest of the model from the same commit
            revision = commit
            _write(commit_of, f"{source.repository} {source.revision} {commit}")
    _place(stage, model.folder)
    commit_of.unlink(missing_ok=True)
    known = {f.path.name: f.sha256 for f in model.files if f not in item.files}
    lock.record(model, revision, known | checksums)


def _begun(commit_of: Path, source: Source) -> str | None:
    """The commit from which an earlier run has begun to fetch this model."""
    try:
        repository, asked, commit = commit_of.read_text().split()
    except (OSError, ValueError):
        return None
    return commit if (repository, asked) == (source.repository, source.revision) else None


def _check(file: ModelFile, part: Path) -> str:
    digest = sha256(part)
    if file.sha256 and digest != file.sha256:
        part.unlink()
        raise ChecksumError(
            f"{file.path.name}: wrong bytes arrived (sha256 {digest[:12]}…, expected"
            f" {file.sha256[:12]}…); they were thrown away, nothing else was changed"
        )
    return digest


def _place(stage: Path, folder: Path) -> None:
    try:
        for path in stage.iterdir():
            with path.open("rb") as f:
                os.fsync(f.fileno())
        folder.parent.mkdir(parents=True, exist_ok=True)
        if folder.is_symlink() and not folder.exists():
            raise OutputError(f"{folder}: a link to {folder.readlink()}, which is not there")
        if folder.exists():  # some of its files were there, and right
            for path in stage.iterdir():
                _move(path, folder / path.name)
            stage.rmdir()
        else:
            stage.replace(folder)
    except OSError as e:
        raise OutputError(f"{folder}: cannot be written: {e.strerror}") from e


def _move(path: Path, to: Path) -> None:
    """In one step, also where a linked folder is on another disk."""
    try:
        path.replace(to)
    except OSError as e:
        if e.errno != errno.EXDEV:
            raise
        part = to.with_name(f".{to.name}.part")
        shutil.copyfile(path, part)
        with part.open("rb") as f:
            os.fsync(f.fileno())
        part.replace(to)
        path.unlink()


def _require_room(work: list[Missing], parts: Path) -> None:
    there = sum(
        _length(parts / item.model.folder.name / (file.path.name + suffix))
        for item in work
        for file in item.files
        for suffix in ("", ".part")
    )
    need = sum(item.bytes for item in work) - there + SPARE_BYTES
    free = shutil.disk_usage(parts).free
    if need > free:
        raise OutputError(f"{parts.parent}: {size(need)} are needed, {size(free)} are free")


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text)
    except OSError as e:
        raise OutputError(f"{path}: cannot be written: {e.strerror}") from e


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise OutputError(f"{folder}: cannot be made: {e.strerror}") from e


@contextmanager
def _alone(parts: Path) -> Iterator[None]:
    """Two at once would write into the same unfinished file."""
    _make(parts)
    try:
        file = (parts / "lock").open("w")
    except OSError as e:
        raise OutputError(f"{parts}: cannot be written: {e.strerror}") from e
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as e:
            raise FetchError(f"{parts}: another `earshot models fetch` is at work there") from e
        yield


def _length(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
