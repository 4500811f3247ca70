"""Makes a project out of a template: a folder that appears whole, or not at all."""

import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ..errors import ProjectError
from ..settings import Settings
from ..settings_file import home

TEMPLATES = {
    "plain": "A friendly assistant with one tool of its own: the place to start.",
    "receptionist": "Answers about the house, finds people, takes messages.",
    "hands-free": "Reads a checklist step by step and keeps the time, for busy hands.",
    "documents": "Answers from a folder of documents, and names its source.",
}
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}")
_FOLDER = Path(__file__).parent
_COMMON = "common"
_LEFT_OUT = ("__pycache__", "*.pyc")


@dataclass(frozen=True)
class Project:
    """What was made."""

    folder: Path
    files: tuple[str, ...]


def create(name: str, template: str, parent: Path, settings: Settings) -> Project:
    """Makes the folder `parent/name`.

    Raises:
        ProjectError: not a name, no such template, something is there already, or it can't be
            written.
    """
    if not _NAME.fullmatch(name):
        raise ProjectError(
            f"{name!r}: expected a name of up to 40 letters, digits, `-` and `_` that begins with"
            " a letter"
        )
    if template not in TEMPLATES:
        raise ProjectError(f"no template {template!r}; there are: {', '.join(TEMPLATES)}")
    target = parent / name
    if target.is_symlink() or target.exists():
        raise ProjectError(f"{target}: there is something already; nothing was changed")
    if not parent.is_dir():
        raise ProjectError(f"{parent}: not a folder")
    try:
        with tempfile.TemporaryDirectory(prefix=f".{name}.", dir=parent) as scratch:
            made = Path(scratch) / name
            made.mkdir()
            for source in (_COMMON, template.replace("-", "_")):
                _copy(_FOLDER / source, made, _values(name, settings))
            files = sorted(str(p.relative_to(made)) for p in made.rglob("*") if p.is_file())
            made.rename(target)
    except OSError as e:
        raise ProjectError(f"{target}: can't be made: {e.strerror or e}") from e
    return Project(target, tuple(files))


def _values(name: str, settings: Settings) -> dict[str, str]:
    running = (_FOLDER / "running.md").read_text()
    # found again from everywhere where Earshot runs from its checkout; else it has to be said
    models = settings.models_dir.absolute()
    told = "" if models == home() / "models" else f'models_dir = "{_toml(models)}"\n'
    return {"running": running, "name": name, "models_dir": told}


def _toml(path: Path) -> str:
    return str(path).replace("\\", "\\\\").replace('"', '\\"')


def _copy(source: Path, target: Path, values: dict[str, str]) -> None:
    shutil.copytree(source, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns(*_LEFT_OUT))
    for path in target.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)  # installed files may be read-only
        if path.is_file():
            text = path.read_text()
            for key, value in values.items():
                text = text.replace("{{" + key + "}}", value)
            path.write_text(text)
    if (hidden := target / "gitignore").exists():
        hidden.rename(target / ".gitignore")
