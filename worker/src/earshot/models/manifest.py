"""Reads the profiles: what Earshot ships (`manifest.toml`) and what the site added (`local.toml`).

Both lie in `models_dir` and have one form: a profile's three models stand in it, or it names models
of the same manifest. Checksums that the shipped manifest leaves open come
from the lock (`lock.py`), which the first fetch wrote.
"""

import tomllib
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from ..errors import ModelError, ProfileError
from ..text_file import NotTextError, read_text
from .lock import Lock
from .profile import KINDS, Kind, Model, ModelFile, Package, Profile, Source

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
    """The profiles of one manifest; a model that is named there stands in the name's place.

    Raises:
        ModelError: it is missing or damaged.
    """
    try:
        manifest = tomllib.loads(read_text(path))
        tables, named = manifest["profiles"], manifest.get("models", {})
        return {name: _resolved(table, named) for name, table in tables.items()}
    except (OSError, NotTextError) as e:
        raise ModelError(f"models_dir: {path} cannot be read: {_reason(e)}") from e
    except (tomllib.TOMLDecodeError, KeyError) as e:
        raise ModelError(f"{path}: not a manifest: {e}") from e
    except AttributeError as e:
        raise ModelError(f"{path}: not a manifest: profiles is no table of tables") from e


def _resolved(table: dict[str, Any], named: dict[str, Any]) -> dict[str, Any]:
    return {
        key: named[value] if key in KINDS and isinstance(value, str) else value
        for key, value in table.items()
    }


def entry_of(model: Model, path: str) -> dict[str, Any]:
    """What a manifest says of a model that lies at `path`: the opposite of reading it."""
    entry: dict[str, Any] = {"title": model.title, "path": path, "licence": model.licence}
    if model.source:
        entry |= {"repository": model.source.repository, "revision": model.source.revision}
        if model.source.folder:
            entry["folder"] = model.source.folder
    if model.mirrors:
        entry["mirrors"] = list(model.mirrors)
    entry["files"] = [_file_entry(file) for file in model.files]
    return entry


def _file_entry(file: ModelFile) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": file.path.name, "bytes": file.bytes}
    if file.sha256:
        entry["sha256"] = file.sha256
    if file.packages:
        entry["packages"] = [asdict(package) for package in file.packages]
    return entry


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
    decision = table["llm"].get("decision", "router")
    if decision not in ("router", "model"):
        raise ModelError(f"{where}: profile {name!r}: decision {decision!r}: router or model")
    return Profile(
        name,
        models,
        own=where.name == LOCAL,
        demonstration=table.get("demonstration") is True,
        decision=decision,
    )


def _model(kind: Kind, entry: dict[str, Any], models_dir: Path, lock: Lock) -> Model:
    source = None
    if "repository" in entry:
        source = Source(entry["repository"], entry["revision"], entry.get("folder", ""))
    path = models_dir / entry["path"]
    licence, mirrors = entry.get("licence", "unknown"), tuple(entry.get("mirrors", ()))
    model = Model(kind, entry.get("title", entry["path"]), path, licence, (), source, mirrors)
    recorded = lock.checksums(model.folder, source)
    files = []
    for file in entry["files"]:
        name = file["name"]
        if not name or Path(name).name != name:
            raise ValueError(f"{name!r} is not the name of a file")
        checksum = file.get("sha256") or recorded.get(name, "")
        if checksum == "" and source is None:
            raise KeyError("sha256")
        packages = tuple(Package(**package) for package in file.get("packages", ()))
        files.append(ModelFile(model.folder / name, checksum, file["bytes"], packages))
    return replace(model, files=tuple(files))


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
