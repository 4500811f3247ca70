"""Whether containers see the models of a profile: of all models they are given `models/` alone."""

from pathlib import Path

from ..errors import ModelError
from ..models import load_profile


def unseen(folder: Path, profile: str) -> list[Path]:
    """The folders of the profile's models that lie, or are linked to, outside of `models/`."""
    models = folder / "models"
    try:
        found = load_profile(profile, models).models
    except ModelError:  # it is told by what runs, with the cause
        return []
    inside = models.resolve()
    places = {file.path.resolve().parent for model in found for file in model.files}
    return sorted(place for place in places if not place.is_relative_to(inside))
