"""The profile that somebody chose when Earshot was started: `STATE_DIR/profile`, one word.

It is used where neither the command line nor the environment nor earshot.toml names one.
"""

from pathlib import Path

from .errors import OutputError

NAME = "profile"


def remember(state_dir: Path, profile: str) -> None:
    """From now on this profile is used.

    Raises:
        OutputError: it cannot be written.
    """
    path = state_dir / NAME
    try:
        state_dir.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        part.write_text(f"{profile}\n", encoding="utf-8")
        part.replace(path)
    except OSError as e:
        raise OutputError(f"{path}: cannot be written: {e.strerror}") from e


def remembered(state_dir: Path) -> str:
    """What was chosen; empty = nothing."""
    try:
        return (state_dir / NAME).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""
