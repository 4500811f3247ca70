"""earshot.toml: where it is, and what its relative paths mean.

It is the file named by EARSHOT_CONFIG, else the one in the current folder. Knows of the settings in
it only which are paths.
"""

import os
from pathlib import Path
from typing import Any

from pydantic_settings import BaseSettings
from pydantic_settings.sources import TomlConfigSettingsSource

from .errors import SettingsError


class SettingsFile(TomlConfigSettingsSource):
    """earshot.toml, whose relative paths mean: beside this file."""

    def __init__(self, settings_cls: type[BaseSettings], file: Path) -> None:
        self._folder = file.resolve().parent
        super().__init__(settings_cls, toml_file=file)

    def __call__(self) -> dict[str, Any]:
        data = super().__call__()
        for group, key in (
            (data, "models_dir"),
            (data, "state_dir"),
            (data.get("documents"), "folder"),
            (data.get("persona"), "voice"),
            (data.get("tools"), "module"),
        ):
            if isinstance(group, dict) and isinstance(group.get(key), str):
                group[key] = str(self._folder / Path(group[key]).expanduser())
        return data


def home() -> Path:
    """The checkout that this package runs from, else the current folder."""
    checkout = Path(__file__).resolve().parents[3]
    return checkout if (checkout / "models" / "manifest.toml").is_file() else Path.cwd()


def config_file() -> Path | None:
    """The earshot.toml in force, or None.

    Raises:
        SettingsError: EARSHOT_CONFIG names a file that is not there.
    """
    named = os.environ.get("EARSHOT_CONFIG")
    if named:
        path = Path(named)
        if not path.is_file():
            raise SettingsError(f"EARSHOT_CONFIG: {path} is not a file")
        return path
    path = Path("earshot.toml")
    return path if path.is_file() else None
