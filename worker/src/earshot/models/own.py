"""Makes a profile of a folder of one's own models, and records it in the site's manifest.

The models stay where they are. Each is looked at by the plugin that will use it: what the plugin
refuses never becomes a profile.
"""

import errno
import json
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import ModelError, OutputError, ProfileError
from ..progress import Progress
from .manifest import LOCAL, SHIPPED, entry_of, load_profile, read_tables
from .profile import KINDS, Kind, Profile, sha256

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")
DEPTH_MAX = 4
WHAT: dict[Kind, str] = {
    "stt": "a CTranslate2 Whisper folder (with model.bin)",
    "llm": "a .gguf",
    "voice": "a Piper voice (.onnx and .onnx.json)",
}


def add(
    folder: Path,
    name: str,
    models_dir: Path,
    *,
    licence: str,
    rest: str | None,
    cache_dir: Path,
    progress: Progress,
) -> Profile:
    """Records `folder` as profile `name`.

    Args:
        licence: as its owner says; shown, and carried by bundles.
        rest: the profile from which the models are taken that the folder does not hold.
        cache_dir: where the voice is kept as the engine will want it.

    Raises:
        ProfileError: the name is no name, or taken.
        ModelError: a model is missing, there are several, or the plugin refuses it.
        OutputError: the site's manifest cannot be written.
    """
    if not NAME.fullmatch(name):
        raise ProfileError(f"profile {name!r}: expected a-z, 0-9, '.', '_', '-', at most 40 long")
    if name in read_tables(models_dir / SHIPPED):
        raise ProfileError(f"profile {name!r} comes with Earshot; expected another name")
    found = find(folder)
    table: dict[str, dict[str, Any]] = {}
    for kind in KINDS:
        if path := found.get(kind):
            inspect(kind, path, cache_dir)
            table[kind] = _entry(kind, path, models_dir, licence, progress)
        elif rest:
            table[kind] = _taken(rest, kind, models_dir)
        else:
            raise ModelError(f"{folder}: holds no {kind} model; expected {WHAT[kind]}")
    _record(models_dir / LOCAL, name, table)
    return load_profile(name, models_dir)


def find(folder: Path) -> dict[Kind, Path]:
    """The models in a folder and its subfolders, at most one of each kind; links are followed.

    Raises:
        ModelError: no folder, no model, several of a kind, or a link that leads nowhere.
    """
    if not _is_folder(folder):
        raise ModelError(f"{folder}: not a folder; expected one with models")
    # by the file itself, which links may name several times
    found: dict[Kind, dict[Path, Path]] = {kind: {} for kind in KINDS}
    for path in _files(folder, DEPTH_MAX, set()):
        if path.name == "model.bin":
            found["stt"].setdefault(path.parent.resolve(), path.parent)
        elif path.suffix == ".gguf":
            found["llm"].setdefault(path.resolve(), path)
        elif path.suffix == ".onnx":
            # a link to the voice alone: its configuration lies beside the voice itself
            for voice in (path, path.resolve()):
                if voice.suffix == ".onnx" and Path(f"{voice}.json").exists():
                    found["voice"].setdefault(path.resolve(), voice)
                    break
    for kind, paths in found.items():
        if len(paths) > 1:
            names = ", ".join(sorted(os.path.relpath(p, folder) for p in paths.values()))
            raise ModelError(f"{folder}: {len(paths)} {kind} models ({names}); expected one")
    if not any(found.values()):
        raise ModelError(f"{folder}: no model found; expected {'; '.join(WHAT.values())}")
    return {kind: _place(kind, path) for kind, paths in found.items() for path in paths.values()}


def _place(kind: Kind, path: Path) -> Path:
    """Without links, but for a file's own name: what it is a link to may be called anything."""
    return path.resolve() if kind == "stt" else path.parent.resolve() / path.name


def inspect(kind: Kind, path: Path, cache_dir: Path) -> None:
    """Lets the plugin look at a model; the weights of an LLM or an STT model are not loaded.

    Raises:
        ModelError: the plugin would refuse it; the message is the plugin's.
    """
    if kind == "stt":
        from livekit.plugins.faster_whisper import FasterWhisperError
        from livekit.plugins.faster_whisper import model as whisper

        try:
            whisper.inspect(path)
        except FasterWhisperError as e:
            raise ModelError(str(e)) from e
    elif kind == "llm":
        from livekit.plugins.llama_cpp import LlamaCppError
        from livekit.plugins.llama_cpp.model import Model as Gguf

        try:
            Gguf(path, vocab_only=True).close()
        except LlamaCppError as e:
            raise ModelError(str(e)) from e
    else:
        from livekit.plugins.piper import PiperError
        from livekit.plugins.piper.sessions import open_sessions
        from livekit.plugins.piper.voice import read_config

        try:
            read_config(path)
            open_sessions(path, cache_dir)
        except PiperError as e:
            raise ModelError(str(e)) from e


def _files(folder: Path, depth: int, seen: set[Path]) -> Iterator[Path]:
    if folder.resolve() in seen:  # by another link, or a link to a folder above
        return
    seen.add(folder.resolve())
    try:
        entries = sorted(folder.iterdir())
    except OSError as e:
        raise ModelError(f"{folder}: cannot be read: {e.strerror}") from e
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if not _is_folder(entry):
            yield entry
        elif depth:
            yield from _files(entry, depth - 1, seen)


def _is_folder(path: Path) -> bool:
    try:
        return stat.S_ISDIR(path.stat().st_mode)
    except OSError as e:
        if not path.is_symlink():
            if isinstance(e, FileNotFoundError | NotADirectoryError):
                return False
            raise ModelError(f"{path}: cannot be read: {e.strerror}") from e
        why = "leads back to itself" if e.errno == errno.ELOOP else "leads nowhere"
        raise ModelError(
            f"{path}: a link to {path.readlink()}, which {why} ({e.strerror}); expected a link to a"
            " file or folder that is there"
        ) from e


def _entry(
    kind: Kind, path: Path, models_dir: Path, licence: str, progress: Progress
) -> dict[str, Any]:
    if kind == "stt":
        files = sorted(p for p in path.iterdir() if p.is_file() and p.suffix in _STT_FILES)
    else:
        files = [path, Path(f"{path}.json")] if kind == "voice" else [path]
    described = []
    for file in files:
        size = file.stat().st_size
        progress.begin(file.name, size)
        digest = sha256(file, progress.advance)
        described.append({"name": file.name, "bytes": size, "sha256": digest})
    return {
        "title": path.name,
        "path": _shown(path, models_dir),
        "licence": licence,
        "files": described,
    }


_STT_FILES = {".bin", ".json", ".txt"}


def _taken(rest: str, kind: Kind, models_dir: Path) -> dict[str, Any]:
    model = next(m for m in load_profile(rest, models_dir).models if m.kind == kind)
    return entry_of(model, _shown(model.path, models_dir))


def _shown(path: Path, models_dir: Path) -> str:
    try:
        return path.relative_to(models_dir.resolve()).as_posix()
    except ValueError:
        return str(path)


def _record(local: Path, name: str, table: dict[str, dict[str, Any]]) -> None:
    tables = read_tables(local) if local.exists() else {}
    try:
        temporary = local.with_suffix(".part")
        temporary.write_text(text(tables | {name: table}), encoding="utf-8")
        temporary.replace(local)
    except OSError as e:
        raise OutputError(f"{local}: cannot be written: {e.strerror}") from e


def text(tables: dict[str, dict[str, Any]]) -> str:
    """A manifest of these profiles."""
    lines = ["# The profiles of this site: written by `earshot models add`."]
    for name, table in tables.items():
        for kind, entry in table.items():
            lines += ["", f"[profiles.{json.dumps(name)}.{kind}]"]
            lines += [f"{key} = {_toml(value)}" for key, value in entry.items() if key != "files"]
            lines += ["files = [", *(f"  {_toml(file)}," for file in entry["files"]), "]"]
    return "\n".join(lines) + "\n"


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(v)}" for key, v in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    # a JSON string is a TOML string, but for one character
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
