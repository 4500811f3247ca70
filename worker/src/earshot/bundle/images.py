"""Images of the compose file: saved into a bundle, loaded from it.

What Docker saves depends on when it was saved; `settle` takes that out, so that the same image
gives the same bytes.
"""

import re
import subprocess
import tarfile
from pathlib import Path

from ..errors import BundleError
from ..progress import Progress
from .archive import MTIME
from .pieces import Item

FOLDER = "images"


def names(root: Path) -> list[str]:
    """The images that the compose file names.

    Raises:
        BundleError: there is no compose file, or Docker is not here.
    """
    if not (root / "compose.yaml").is_file():
        raise BundleError(f"{root}: no compose.yaml, so no images; expected --no-images")
    return sorted(set(_docker("compose", "config", "--images", folder=root).split()))


def save(images: list[str], scratch: Path, progress: Progress) -> list[Item]:
    """Saves images into files.

    Raises:
        BundleError: Docker has no such image, or is not here.
    """
    items = []
    for image in images:
        name = re.sub(r"[^A-Za-z0-9_.-]", "_", image) + ".tar"
        progress.begin(f"saving {image}", 0)
        raw, settled = scratch / f"{name}.raw", scratch / name
        _docker("image", "save", "--output", str(raw), image)
        settle(raw, settled)
        raw.unlink()
        label = '{{index .Config.Labels "org.opencontainers.image.licenses"}}'
        licence = _docker("image", "inspect", "--format", label, image).strip()
        if licence in ("", "<no value>"):
            licence = "several: see the image"
        items.append(Item(f"{FOLDER}/{name}", settled, "image", licence))
    return items


def load(version: Path) -> None:
    """Loads the images of an unpacked bundle into Docker, where it carries any.

    Raises:
        BundleError: Docker is not here, or refuses one.
    """
    for image in sorted((version / FOLDER).glob("*.tar")):
        _docker("image", "load", "--quiet", "--input", str(image))


def settle(raw: Path, settled: Path) -> None:
    """The same archive with its members in order, and without times and owners."""
    with tarfile.open(raw) as source, tarfile.open(settled, "w", format=tarfile.PAX_FORMAT) as out:
        for member in sorted(source.getmembers(), key=lambda m: m.name):
            member.mtime, member.uid, member.gid, member.uname, member.gname = MTIME, 0, 0, "", ""
            member.pax_headers = {}
            out.addfile(member, source.extractfile(member) if member.isreg() else None)


def _docker(*arguments: str, folder: Path | None = None) -> str:
    try:
        done = subprocess.run(
            ["docker", *arguments], cwd=folder, capture_output=True, text=True, check=True
        )
    except FileNotFoundError as e:
        raise BundleError("docker is not installed here; expected it, or --no-images") from e
    except subprocess.CalledProcessError as e:
        last = (e.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise BundleError(f"docker {' '.join(arguments[:2])}: {last}") from e
    return done.stdout
