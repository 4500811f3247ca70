"""Servers with a name: `~/.config/earshot/projects.yaml`, which holds secrets and has mode 600.

    use: office
    projects:
      office: {url: wss://voice.example, api_key: APIxyz, api_secret: …}

A file that others may read is refused: whoever read it keeps the keys.
"""

import os
import re
import stat
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ..errors import CredentialsError
from ..text_file import NotTextError, read_text

_NAME = re.compile(r"[\w.-]{1,64}")
_KEYS = ("url", "api_key", "api_secret")


@dataclass(frozen=True)
class Project:
    """A server and the key to it."""

    url: str
    api_key: str
    api_secret: str = field(repr=False)


@dataclass
class Projects:
    """All of them, and the one in use (empty = none)."""

    by_name: dict[str, Project] = field(default_factory=dict)
    use: str = ""

    def get(self, name: str) -> Project:
        """
        Raises:
            CredentialsError: nobody added it.
        """
        if name not in self.by_name:
            known = ", ".join(self.by_name) or "none; add one with `earshot project add`"
            raise CredentialsError(f"no project {name!r} in {path()}; there: {known}")
        return self.by_name[name]


def path() -> Path:
    """Where they are kept."""
    base = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(base).expanduser() / "earshot" / "projects.yaml"


def load() -> Projects:
    """Reads them; none when there is no file.

    Raises:
        CredentialsError: others may read the file, or it is not what it should be.
    """
    file = path()
    try:
        mode = stat.S_IMODE(file.stat().st_mode)
        if mode & 0o077:
            raise CredentialsError(
                f"{file}: others may read it (mode {mode:o}, expected 600): if it was ever exposed,"
                f" change the keys in it; else chmod 600 {file}"
            )
        data = yaml.safe_load(read_text(file))
    except FileNotFoundError:
        return Projects()
    except OSError as e:
        raise CredentialsError(f"{file}: {e.strerror or e}") from e
    except NotTextError as e:
        raise CredentialsError(f"{file}: {e}") from e
    except yaml.YAMLError as e:
        raise CredentialsError(f"{file}: not YAML") from e
    return _parse(file, data)


def save(projects: Projects) -> None:
    """Writes them in one step: a reader sees the old file or the new one, whole.

    Raises:
        CredentialsError: a folder that can't be written to.
    """
    file = path()
    data = {"use": projects.use, "projects": {n: vars(p) for n, p in projects.by_name.items()}}
    part = ""
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, part = tempfile.mkstemp(dir=file.parent, prefix=".projects.")  # mode 600
        with os.fdopen(handle, "w") as out:
            yaml.safe_dump(data, out, sort_keys=False, allow_unicode=True)
            out.flush()
            os.fsync(out.fileno())
        Path(part).replace(file)
    except OSError as e:
        Path(part).unlink(missing_ok=True) if part else None
        raise CredentialsError(f"{file}: {e.strerror or e}") from e


def check_name(name: str) -> None:
    """
    Raises:
        CredentialsError: not a name.
    """
    if not _NAME.fullmatch(name):
        raise CredentialsError(
            f"{name!r} is no name for a project: letters, digits, `.`, `_` and `-` were expected"
        )


def _parse(file: Path, data: Any) -> Projects:
    entries = data.get("projects") if isinstance(data, dict) else None
    if not isinstance(entries, dict):
        raise CredentialsError(f"{file}: expected `projects:` with names below it")
    found = Projects(use=str(data.get("use") or ""))
    for name, entry in entries.items():
        if not isinstance(entry, dict) or not all(isinstance(entry.get(k), str) for k in _KEYS):
            raise CredentialsError(f"{file}: project {name!r}: expected {', '.join(_KEYS)}")
        found.by_name[str(name)] = Project(*(entry[key] for key in _KEYS))
    return found
