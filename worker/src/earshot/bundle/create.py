"""Makes a bundle: collects the pieces, lists them, signs the list, writes the archive."""

import hashlib
import os
import platform
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ..errors import BundleError, OutputError
from ..models import load_profile, sha256
from ..progress import Progress, size
from . import archive, images, pieces, sbom
from .manifest import PATH, Manifest, Piece, parse
from .wheels import build


@dataclass(frozen=True)
class Contents:
    """What a bundle is to hold."""

    root: Path
    """The source tree."""
    models_dir: Path
    version: str
    profiles: tuple[str, ...]
    with_images: bool = True
    compose_profiles: tuple[str, ...] = ()
    """Of the compose file: those whose images are carried beside the images that run always."""
    wheelhouse: Path | None = None
    """A folder of further wheels: what ours depend on."""
    architecture: str = platform.machine()
    wheels: Callable[[Path, Path], list[Path]] = build


def create(
    contents: Contents, key: Ed25519PrivateKey, output: Path, cache: Path, progress: Progress
) -> Manifest:
    """Writes the bundle to `output`; the same contents and key give the same bytes.

    Args:
        cache: of checksums, see `Profile.verify`.

    Raises:
        ModelError: a model is missing or damaged.
        BundleError: a piece cannot be made.
        OutputError: no room, or `output` cannot be written.
    """
    parse(contents.version)
    part = output.with_name(output.name + ".part")
    try:
        scratch = Path(tempfile.mkdtemp(prefix=".bundle-", dir=output.parent))
    except OSError as e:
        raise OutputError(f"{output.parent}: cannot be written: {e.strerror}") from e
    try:
        items = _collect(contents, scratch, cache, progress)
        manifest, sources = _listed(contents, items, scratch, progress)
        _require_room(manifest, output.parent)
        signature = key.sign(manifest.dumps())
        progress.begin(f"writing {output.name}", manifest.total_bytes)
        with part.open("wb") as out:
            archive.write(out, manifest, signature, sources, progress.advance)
            out.flush()
            os.fsync(out.fileno())
        part.replace(output)
    except OSError as e:
        raise OutputError(f"{output}: cannot be written: {e.strerror}") from e
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        part.unlink(missing_ok=True)
    return manifest


def _collect(
    contents: Contents, scratch: Path, cache: Path, progress: Progress
) -> list[pieces.Item]:
    profiles = [load_profile(name, contents.models_dir) for name in contents.profiles]
    for profile in profiles:
        profile.verify(cache)
    items = list(pieces.tree(contents.root))
    items += pieces.models(profiles, contents.models_dir, scratch / "models")
    progress.begin("building wheels", 0)
    made = contents.wheels(contents.root, scratch / "wheels")
    if contents.wheelhouse:
        if not contents.wheelhouse.is_dir():
            raise BundleError(f"{contents.wheelhouse}: not a folder; expected one with wheels")
        made += sorted(contents.wheelhouse.glob("*.whl"))
    items += pieces.wheels(made)
    if contents.with_images:
        items += images.save(
            images.names(contents.root, contents.compose_profiles), scratch, progress
        )
    return pieces.unique(items)


def _listed(
    contents: Contents, items: list[pieces.Item], scratch: Path, progress: Progress
) -> tuple[Manifest, dict[str, Path]]:
    listed = [_piece(item, progress) for item in items]
    lock = contents.root / "requirements" / "runtime.txt"
    bill = sbom.document(contents.version, lock, items, listed)
    bill_path = scratch / sbom.NAME
    bill_path.write_bytes(bill)
    listed.append(
        Piece(hashlib.sha256(bill).hexdigest(), len(bill), sbom.NAME, "sbom", pieces.LICENCE)
    )
    manifest = Manifest(
        contents.version,
        contents.architecture,
        tuple(sorted(contents.profiles)),
        tuple(sorted(listed, key=lambda piece: piece.path)),
    )
    return manifest, {item.path: item.source for item in items} | {sbom.NAME: bill_path}


def _piece(item: pieces.Item, progress: Progress) -> Piece:
    if not PATH.fullmatch(item.path):
        raise BundleError(f"{item.path}: a bundle takes names of A-Z, a-z, 0-9 and ._+@=- alone")
    count = item.source.stat().st_size
    progress.begin(f"reading {item.path}", count)
    digest = sha256(item.source, progress.advance)
    return Piece(digest, count, item.path, item.kind, item.licence, item.executable)


def _require_room(manifest: Manifest, folder: Path) -> None:
    need, free = manifest.total_bytes + (64 << 20), shutil.disk_usage(folder).free
    if need > free:
        raise OutputError(f"{folder}: {size(need)} are needed, {size(free)} are free")
