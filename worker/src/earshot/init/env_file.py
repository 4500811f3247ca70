"""`.env`: what compose.yaml is filled in with. Lines that are there already are never changed."""

import os
import re
from pathlib import Path

from ..errors import InitError
from ..text_file import NotTextError, read_text

_LINE = re.compile(r"\s*(?:export\s+)?(?P<name>[A-Za-z_]\w*)\s*=\s*(?P<value>.*?)\s*")


class EnvFile:
    """The variables of a `.env`, and those that are to be added."""

    def __init__(self, path: Path) -> None:
        """
        Raises:
            InitError: it is there and can't be read.
        """
        self.path = path
        try:
            self._text = read_text(path) if path.exists() else ""
        except NotTextError as e:
            raise InitError(f"{path}: {e}") from e
        except OSError as e:
            raise InitError(f"{path}: not readable: {e.strerror or e}") from e
        self._values: dict[str, str] = {}
        for line in self._text.splitlines():
            if match := _LINE.fullmatch(line):
                self._values[match["name"]] = _plain(match["value"])
        self._added: list[str] = []

    def get(self, name: str) -> str:
        """The value, "" if there is none."""
        return self._values.get(name, "")

    def add(self, comment: str, **values: str) -> None:
        """Adds those that are not there yet, under one comment."""
        new = {name: value for name, value in values.items() if name not in self._values}
        if new:
            self._values |= new
            lines = [f"{name}={value}" for name, value in new.items()]
            self._added.append("\n".join([f"# {comment}", *lines]) + "\n")

    def text(self) -> str:
        """The whole file, with what was added at its end."""
        parts = [self._text.rstrip("\n") + "\n"] if self._text else []
        return "\n".join([*parts, *self._added])


def write_private(path: Path, text: str, owner: tuple[int, int] | None = None) -> bool:
    """Writes a file of mode 600 in one step, unless it says this already.

    Args:
        owner: user and group that it is given to.

    Returns:
        Whether the text changed.
    """
    try:
        changed = not path.exists() or path.read_text() != text
        if changed:
            part = path.with_name(f".{path.name}.{os.getpid()}")
            part.unlink(missing_ok=True)
            part.touch(mode=0o600)
            part.write_text(text)
            part.replace(path)
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)
        if owner and (path.stat().st_uid, path.stat().st_gid) != owner:
            os.chown(path, *owner)
    except OSError as e:
        raise InitError(f"{e.filename or path}: {e.strerror or e}") from e
    return changed


def _plain(value: str) -> str:
    for quote in "\"'":
        if len(value) > 1 and value[0] == value[-1] == quote:
            return value[1:-1]
    return value.partition(" #")[0].rstrip()
