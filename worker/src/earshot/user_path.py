"""Paths as people write them: `~` for a home folder, nothing at all for none."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

if TYPE_CHECKING:
    from pydantic import BaseModel


def expanded(path: str | Path) -> Path:
    """The path with `~` and `~name` as the homes that they mean.

    Raises:
        ValueError: nobody of that name has a home.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError as e:
        raise ValueError("nobody is known whose home folder this is") from e


def path_fields(model: "type[BaseModel]") -> set[str]:
    """The fields of a model that are paths."""
    return {
        name
        for name, field in model.model_fields.items()
        if field.annotation is Path or Path in get_args(field.annotation)
    }


def of_field(model: "type[BaseModel]", name: str, value: Any) -> Any:
    """The value of a field of a model: an empty path is that of a field which was not given.

    Raises:
        ValueError: as `expanded`.
    """
    if name not in path_fields(model) or not isinstance(value, str | Path):
        return value
    if not str(value).strip():
        return model.model_fields[name].get_default(call_default_factory=True)
    return expanded(value)
