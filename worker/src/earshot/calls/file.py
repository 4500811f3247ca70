"""A file that appears whole, for its owner alone."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from ..errors import OutputError


def write_whole(path: Path, write: Callable[[TextIO], int]) -> int:
    """Writes beside the file, then puts it in its place; returns what `write` returns.

    Raises:
        OutputError: it can't be written; nothing is left behind.
    """
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 600
    except OSError as e:
        raise OutputError(f"{path}: cannot be written: {e.strerror or e}") from e
    part = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            count = write(file)
        part.replace(path)
    except OSError as e:
        part.unlink(missing_ok=True)
        raise OutputError(f"{path}: cannot be written: {e.strerror or e}") from e
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return count
