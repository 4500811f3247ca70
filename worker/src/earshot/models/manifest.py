"""Reads the profiles: what Earshot ships (`manifest.toml`) and what the site added (`local.toml`).

Both lie in `models_dir` and have one form. Checksums that the shipped manifest leaves open come
from the lock (`lock.py`), which the first fetch wrote.
"""

import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import ModelError, ProfileError
from ..text_file import NotTextError, read_text
from .lock import Lock
from .profile import KINDS, Kind, Model, ModelFile, Profile, Source

SHIPPED = "manifest.toml"
LOCAL = "local.toml"


def load_profile(name: str, models_dir: Path) -> Profile:
    """Reads one profile.

    Raises:
        ProfileError: nobody knows it; the message names those that exist.
        ModelError: a manifest is missing or damaged.
    """
    tables = _tables(models_dir)
    if name not in tables:
        known = ", ".join(tables)
        raise ProfileError(f"profile {name!r} is unknown; {models_dir / SHIPPED} has: {known}")
    return _profile(name, models_dir, Lock.read(models_dir), *tables[name])


def load_profiles(models_dir: Path) -> list[Profile]:
    """Every profile, the shipped ones first.

    Raises:
        ModelError: a manifest is missing or damaged.
    """
    lock = Lock.read(models_dir)
    return [_profile(name, models_dir, lock, *found) for name, found in _tables(models_dir).items()]


def read_tables(path: Path) -> dict[str, dict[str, Any]]:
    """The profiles of one manifest, as they stand there.

    Raises:
        ModelError: it is missing or damaged.
    """
    try:
        tables = tomllib.loads(read_text(path))["profiles"]
    except (OSError, NotTextError) as e:
        raise ModelError(f"models_dir: {path} cannot be read: {_reason(e)}") from e
    except (tomllib.TOMLDecodeError, KeyError) as e:
        raise ModelError(f"{path}: not a manifest: {e}") from e
    if not isinstance(tables, dict):
        raise ModelError(f"{path}: not a manifest: profiles is no table")
    return tables


def _tables(models_dir: Path) -> dict[str, tuple[dict[str, Any], Path]]:
    shipped, local = models_dir / SHIPPED, models_dir / LOCAL
    found = {name: (table, shipped) for name, table in read_tables(shipped).items()}
    if local.exists():
        found |= {name: (table, local) for name, table in read_tables(local).items()}
    return found


def _profile(
    name: str, models_dir: Path, lock: Lock, table: dict[str, Any], where: Path
) -> Profile:
    try:
        models = tuple(_model(kind, table[kind], models_dir, lock) for kind in KINDS)
    except (KeyError, TypeError) as e:
        raise ModelError(f"{where}: profile {name!r} is incomplete: {e} is missing") from e
    except ValueError as e:
        raise ModelError(f"{where}: profile {name!r}: {e}") from e
    return Profile(name, models, own=where.name == LOCAL)


def _model(kind: Kind, entry: dict[str, Any], models_dir: Path, lock: Lock) -> Model:
    source = None
    if "repository" in entry:
        source = Source(entry["repository"], entry["revision"], entry.get("folder", ""))
    path = models_dir / entry["path"]
    model = Model(
        kind, entry.get("title", entry["path"]), path, entry.get("licence", "unknown"), (), source
    )
    recorded = lock.checksums(model.folder, source)
    files = []
    for file in entry["files"]:
        name = file["name"]
        if not name or Path(name).name != name:
            raise ValueError(f"{name!r} is not the name of a file")
        checksum = file.get("sha256") or recorded.get(name, "")
        if checksum == "" and source is None:
            raise KeyError("sha256")
        files.append(ModelFile(model.folder / name, checksum, file["bytes"]))
    return replace(model, files=tuple(files))


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
