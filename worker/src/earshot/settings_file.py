"""earshot.toml: where it is, how it is read, and what the paths in it mean.

It is the file named by EARSHOT_CONFIG, else the one in the current folder.
"""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic_settings import BaseSettings
from pydantic_settings.sources import InitSettingsSource

from .errors import SettingsError
from .text_file import NotTextError, read_text
from .user_path import expanded, path_fields


class SettingsFile(InitSettingsSource):
    """earshot.toml, whose relative paths mean: beside this file.

    Raises:
        SettingsError: it can't be read, or is not TOML in UTF-8.
    """

    def __init__(self, settings_cls: type[BaseSettings], file: Path) -> None:
        self._folder = file.resolve().parent
        super().__init__(settings_cls, self._beside(settings_cls, _parse(file)))

    def _beside(self, model: type[BaseModel], data: Mapping[str, Any]) -> dict[str, Any]:
        found = dict(data)
        paths = path_fields(model)
        for key, value in data.items():
            if key in paths and isinstance(value, str) and value.strip() and value[0] != "~":
                found[key] = str(self._folder / value)
            elif isinstance(value, dict) and key in model.model_fields:
                group = model.model_fields[key].annotation
                if isinstance(group, type) and issubclass(group, BaseModel):
                    found[key] = self._beside(group, value)
        return found


def _parse(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(read_text(file))
    except tomllib.TOMLDecodeError as e:
        raise SettingsError(f"{file}: not TOML: {e}") from e
    except NotTextError as e:
        raise SettingsError(f"{file}: {e}") from e
    except OSError as e:
        raise SettingsError(f"{file}: cannot be read: {e.strerror or e}") from e


def home() -> Path:
    """The checkout that this package runs from, else the current folder."""
    checkout = Path(__file__).resolve().parents[3]
    return checkout if (checkout / "models" / "manifest.toml").is_file() else Path.cwd()


def config_file() -> Path | None:
    """The earshot.toml in force, or None.

    Raises:
        SettingsError: EARSHOT_CONFIG names a file that is not there.
    """
    named = os.environ.get("EARSHOT_CONFIG", "").strip()
    if named:
        try:
            path = expanded(named)
        except ValueError as e:
            raise SettingsError(f"EARSHOT_CONFIG: {e}") from e
        if not path.is_file():
            raise SettingsError(f"EARSHOT_CONFIG: {path} is not a file")
        return path
    path = Path("earshot.toml")
    return path if path.is_file() else None
