"""The lock: which revision a fetched model is of, and the checksums that its first fetch found.

`weights/lock.json` in `models_dir`. Trust on first use: where the shipped manifest knows no
checksum of a file, the first fetch believes the hub (over TLS), and from then on the file may not
change.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import ModelError, OutputError
from .profile import Model, Source

NAME = "weights/lock.json"


@dataclass(frozen=True)
class Lock:
    models_dir: Path
    entries: dict[str, dict[str, Any]]
    """By the model's folder, relative to `models_dir`."""

    @classmethod
    def read(cls, models_dir: Path) -> "Lock":
        """Raises: ModelError: it is there, but damaged."""
        path = models_dir / NAME
        try:
            entries = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            entries = {}
        except (OSError, ValueError) as e:
            raise ModelError(f"{path}: cannot be read: {e}") from e
        if not isinstance(entries, dict) or not all(
            isinstance(entry, dict) and isinstance(entry.get("files"), dict)
            for entry in entries.values()
        ):
            raise ModelError(f"{path}: not a lock of models")
        return cls(models_dir, entries)

    def checksums(self, folder: Path, source: Source | None) -> dict[str, str]:
        """What was recorded of this folder's files, if they came from this very revision."""
        return {str(k): str(v) for k, v in self._entry(folder, source).get("files", {}).items()}

    def revision(self, folder: Path, source: Source) -> str:
        """The commit that was fetched when this revision was asked for; empty = nothing was."""
        return str(self._entry(folder, source).get("revision", ""))

    def _entry(self, folder: Path, source: Source | None) -> dict[str, Any]:
        entry = self.entries.get(self._key(folder), {})
        asked = (entry.get("repository"), entry.get("asked"))
        return entry if source and asked == (source.repository, source.revision) else {}

    def record(self, model: Model, revision: str, checksums: dict[str, str]) -> "Lock":
        """The lock with one more model; written at once.

        Raises:
            OutputError: it cannot be written.
        """
        assert model.source is not None
        entry = {
            "repository": model.source.repository,
            "asked": model.source.revision,
            "revision": revision,
            "files": dict(sorted(checksums.items())),
        }
        lock = Lock(self.models_dir, self.entries | {self._key(model.folder): entry})
        lock.write()
        return lock

    def write(self) -> None:
        """Raises: OutputError."""
        path = self.models_dir / NAME
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = path.with_suffix(".part")
            temporary.write_text(self.text(), encoding="utf-8")
            temporary.replace(path)
        except OSError as e:
            raise OutputError(f"{path}: cannot be written: {e.strerror}") from e

    def text(self) -> str:
        return json.dumps(self.entries, indent=1, sort_keys=True) + "\n"

    def _key(self, folder: Path) -> str:
        try:
            return folder.relative_to(self.models_dir).as_posix()
        except ValueError:
            return str(folder)
