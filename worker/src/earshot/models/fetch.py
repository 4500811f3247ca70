"""Makes a profile present: what is missing, is there room, download, check, put into place.

Each file comes from the first of its sources that gives the right bytes (`sources.py`).
A model is put into place when all of its files are there and right: until then everything lies in
`weights/.part`, where the next run goes on.
"""

import errno
import fcntl
import os
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..errors import ChecksumError, EarshotError, FetchError, ModelError, OutputError
from ..progress import Progress, size
from .hub import Hub
from .lock import Lock
from .profile import Model, ModelFile, Profile, check, sha256
from .sources import ORIGINS, From, FromHub, Origin, sources_of

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
        if file.path.stat().st_size != file.bytes and model.fetched:
            return False
        progress.begin(f"checking {file.path.name}", file.bytes)
        check(profile, file, sha256(file.path, progress.advance))
    except (OSError, ModelError) as e:
        if model.fetched:
            return False
        if isinstance(e, ModelError):
            raise
        raise ModelError(f"{file.path}: missing, and it has no source to fetch it from") from e
    return True


def fetch(
    work: list[Missing],
    models_dir: Path,
    hub: Hub,
    progress: Progress,
    origins: Collection[Origin] = ORIGINS,
) -> None:
    """Fetches what `missing` found.

    Args:
        origins: the kinds of source that may be used.

    Raises:
        FetchError: no source is reached, or all give something else.
        ChecksumError: what came is not what the manifest says.
        OutputError: no room, or not writable.
    """
    parts = models_dir / "weights" / ".part"
    with _alone(parts):
        _require_room(work, parts)
        failing: set[str] = set()
        for item in work:
            sources = sources_of(item.model, models_dir, parts, hub, origins)
            _fetch_model(item, models_dir, parts, sources, failing, progress)
        shutil.rmtree(parts / "wheels", ignore_errors=True)


def _fetch_model(
    item: Missing,
    models_dir: Path,
    parts: Path,
    sources: list[From],
    failing: set[str],
    progress: Progress,
) -> None:
    model = item.model
    stage = parts / model.folder.name
    _make(stage)
    checksums = {}
    for number, file in enumerate(item.files):
        whole = stage / file.path.name
        if _length(whole) == file.bytes:  # by an earlier run, which did not come to the end
            checksums[whole.name] = _check(file, whole, "an earlier run")
            continue
        later = {p.sha256 for f in item.files[number + 1 :] for p in f.packages}
        part, checksums[whole.name] = _from_any(file, sources, stage, later, failing, progress)
        part.replace(whole)
    _place(stage, model.folder, {file.path.name for file in item.files})
    known = {f.path.name: f.sha256 for f in model.files if f not in item.files}
    from_hub = next((source for source in sources if isinstance(source, FromHub)), None)
    if from_hub:
        Lock.read(models_dir).record(model, from_hub.revision, known | checksums)
        from_hub.placed()


def _from_any(
    file: ModelFile,
    sources: list[From],
    stage: Path,
    later: set[str],
    failing: set[str],
    progress: Progress,
) -> tuple[Path, str]:
    """From the first source that gives it right; those that failed before are asked last."""
    usable = sorted((s for s in sources if s.holds(file)), key=lambda s: s.where in failing)
    if not usable:
        raise FetchError(f"{file.path.name}: none of the sources asked has it")
    errors: list[EarshotError] = []
    for source in usable:
        last = len(errors) == len(usable) - 1
        try:
            part = source.get(file, stage, later, progress, last)
            digest = _check(file, part, source.where)
            source.accept()
            return part, digest
        except (FetchError, ChecksumError) as e:
            failing.add(source.where)
            errors.append(e)
            if not last:
                progress.note(f"{e}; now trying {usable[len(errors)].where}")
    if len(errors) == 1:
        raise errors[0]
    progress.note(str(errors[-1]))  # a line for each of them
    asked = ", ".join(source.where for source in usable)
    raise FetchError(f"{file.path.name}: no source gives it (asked: {asked})")


def _check(file: ModelFile, part: Path, where: str) -> str:
    digest = sha256(part)
    if file.sha256 and digest != file.sha256:
        part.unlink()
        raise ChecksumError(
            f"{file.path.name}: wrong bytes arrived (sha256 {digest[:12]}…, expected"
            f" {file.sha256[:12]}…) from {where}; they were thrown away, nothing else was changed"
        )
    return digest


def _place(stage: Path, folder: Path, names: set[str]) -> None:
    try:
        for path in stage.iterdir():
            if path.name not in names:  # what a source that failed has left
                path.unlink()
                continue
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
        for suffix in ("", ".part", ".joined")
    )
    wheels = [p.bytes for item in work for file in item.files for p in file.packages]
    largest = 2 * max(wheels, default=0)  # beside what is made of it, and while pip moves it
    need = sum(item.bytes for item in work) - there + largest + SPARE_BYTES
    free = shutil.disk_usage(parts).free
    if need > free:
        raise OutputError(f"{parts.parent}: {size(need)} are needed, {size(free)} are free")


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
