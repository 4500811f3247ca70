"""Where bundles are installed: versions unpacked beside each other, and which of them runs.

    versions/0.1.0/  versions/0.2.0/   what the bundles held
    current -> versions/0.2.0          what runs
    previous -> versions/0.1.0         where `rollback` goes

A version is complete as soon as it has its name: until then it is `versions/.0.2.0.part`.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..errors import BundleError, OutputError


@dataclass(frozen=True)
class Site:
    root: Path

    @property
    def versions(self) -> Path:
        return self.root / "versions"

    def folder(self, version: str) -> Path:
        return self.versions / version

    def part(self, version: str) -> Path:
        return self.versions / f".{version}.part"

    @property
    def current(self) -> str | None:
        """The version that runs."""
        return self._target("current")

    @property
    def previous(self) -> str | None:
        """The version that ran before, if it is still here."""
        version = self._target("previous")
        return version if version != self.current else None

    def installed(self) -> list[str]:
        """Every complete version, in no order."""
        if not self.versions.is_dir():
            return []
        return [p.name for p in self.versions.iterdir() if not p.name.startswith(".")]

    def switch(self, version: str) -> None:
        """Makes `version` the current one, in one step, and what was current the previous one.

        Raises:
            OutputError: a link cannot be written.
        """
        before = self.current
        if before == version:
            return
        if before:
            self._link("previous", before)
        self._link("current", version)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Nobody else installs here meanwhile.

        Raises:
            BundleError: somebody does.
            OutputError: the folder cannot be written.
        """
        try:
            self.versions.mkdir(parents=True, exist_ok=True)
            file = (self.versions / ".lock").open("w")
        except OSError as e:
            raise OutputError(f"{self.root}: cannot be written: {e.strerror}") from e
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as e:
                raise BundleError(f"{self.root}: another installation is under way there") from e
            yield

    def _target(self, name: str) -> str | None:
        try:
            version = (self.root / name).readlink().name
        except OSError:
            return None
        return version if self.folder(version).is_dir() else None

    def _link(self, name: str, version: str) -> None:
        part = self.root / f".{name}.part"
        try:
            part.unlink(missing_ok=True)
            part.symlink_to(f"versions/{version}")
            part.replace(self.root / name)
            sync(self.root)
        except OSError as e:
            raise OutputError(f"{self.root / name}: cannot be written: {e.strerror}") from e


def sync(folder: Path) -> None:
    """What was renamed in this folder stays so, even if the power fails now."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
