"""What goes into a bundle, and under which path and licence.

Each collector looks at one source and names files; none copies or hashes them.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import BundleError
from ..models import Model, Profile
from ..models import own as own_models
from ..models.lock import Lock
from ..models.manifest import LOCAL, SHIPPED, entry_of

LICENCE = "Apache-2.0"
TREE = {
    "compose": ("compose*.yaml", "livekit.yaml", "docker/monitoring/**/*"),
    "document": ("README.md", "LICENSE", "CHANGELOG.md", "docs/**/*"),
}
"""What of the tree is carried, by kind; what isn't there isn't carried."""


@dataclass(frozen=True)
class Item:
    """A file that goes into the bundle."""

    path: str
    """In the bundle."""
    source: Path
    kind: str
    licence: str
    model: Model | None = None

    @property
    def executable(self) -> bool:
        return self.kind != "model" and os.access(self.source, os.X_OK)


def tree(root: Path) -> Iterator[Item]:
    """Compose files and documents, as the tree has them."""
    for kind, patterns in TREE.items():
        for pattern in patterns:
            for path in sorted(root.glob(pattern)):
                relative = path.relative_to(root)
                hidden = any(part.startswith(".") for part in relative.parts)
                if path.is_file() and not path.is_symlink() and not hidden:
                    yield Item(relative.as_posix(), path, kind, LICENCE)


def models(profiles: list[Profile], models_dir: Path, scratch: Path) -> Iterator[Item]:
    """The models of these profiles, and the manifests that name them.

    Models of the site's own lie anywhere; in the bundle they lie in `models/weights/own`.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    seen: set[Path] = set()
    own: dict[str, dict[str, dict[str, object]]] = {}
    for profile in profiles:
        for model in profile.models:
            folder = _folder(profile, model, models_dir)
            if profile.own:
                lies = folder if model.kind == "stt" else f"{folder}/{model.path.name}"
                own.setdefault(profile.name, {})[model.kind] = entry_of(model, lies)
            if model.folder in seen:
                continue
            seen.add(model.folder)
            for path in [file.path for file in model.files]:
                yield Item(f"models/{folder}/{path.name}", path, "model", model.licence, model)
            for card in model.folder.glob("README.md"):
                yield Item(f"models/{folder}/{card.name}", card, "document", model.licence)
    yield Item(f"models/{SHIPPED}", models_dir / SHIPPED, "manifest", LICENCE)
    lock = Lock.read(models_dir)
    known = {k: v for k, v in lock.entries.items() if models_dir / k in seen}
    if known:
        text = Lock(models_dir, known).text()
        yield _made(scratch / "lock.json", text, "models/weights/lock.json")
    if own:
        yield _made(scratch / LOCAL, own_models.text(own), f"models/{LOCAL}")


def wheels(paths: list[Path]) -> Iterator[Item]:
    """Wheels, each under the licence that it declares."""
    from .wheels import licence

    for path in paths:
        yield Item(f"wheels/{path.name}", path, "wheel", licence(path))


def _made(path: Path, text: str, name: str) -> Item:
    path.write_text(text, encoding="utf-8")
    return Item(name, path, "manifest", LICENCE)


def _folder(profile: Profile, model: Model, models_dir: Path) -> str:
    try:
        return model.folder.relative_to(models_dir).as_posix()
    except ValueError:
        return f"weights/own/{profile.name}/{model.kind}"


def unique(items: list[Item]) -> list[Item]:
    """By path.

    Raises:
        BundleError: two different files want the same path.
    """
    by_path: dict[str, Item] = {}
    for item in items:
        other = by_path.setdefault(item.path, item)
        if other.source != item.source:
            raise BundleError(f"{item.path}: both {other.source} and {item.source} want to be it")
    return [by_path[path] for path in sorted(by_path)]
