"""Images of the compose file: saved into a bundle, loaded from it.

What Docker saves depends on when it was saved; `settle` takes that out, so that the same images
give the same bytes.
"""

import subprocess
import tarfile
from collections.abc import Collection
from pathlib import Path
from typing import Any

import yaml

from ..errors import BundleError
from ..progress import Progress
from .archive import MTIME
from .pieces import Item

FOLDER = "images"
COMPOSE_FILE = "compose.yaml"


def services(root: Path) -> dict[str, Any]:
    """The services of the compose file.

    Raises:
        BundleError: there is no compose file, or it is none.
    """
    path = root / COMPOSE_FILE
    if not path.is_file():
        raise BundleError(f"{root}: no {COMPOSE_FILE}, so no images; expected --no-images")
    try:
        found = yaml.safe_load(path.read_text())["services"]
        return {str(name): dict(service) for name, service in found.items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError, yaml.YAMLError) as e:
        raise BundleError(f"{path}: not a compose file with services") from e


def names(root: Path, profiles: Collection[str] = ()) -> list[str]:
    """The images that the compose file names, for services that run always or in these profiles.

    Raises:
        BundleError: there is no compose file, or it knows no such profile.
    """
    found = services(root)
    known = {profile for service in found.values() for profile in service.get("profiles", ())}
    if unknown := set(profiles) - known:
        raise BundleError(
            f"{', '.join(sorted(unknown))}: not among the profiles of {root / COMPOSE_FILE}:"
            f" {', '.join(sorted(known))}"
        )
    return sorted(
        {
            str(service["image"])
            for service in found.values()
            if "image" in service
            and (not service.get("profiles") or set(profiles) & set(service["profiles"]))
        }
    )


def save(images: list[str], scratch: Path, progress: Progress) -> list[Item]:
    """Saves images into one file, in which layers that they share stand once.

    Raises:
        BundleError: Docker has no such image, or is not here.
    """
    progress.begin(f"saving {', '.join(images)}", 0)
    licences = {_licence(image) for image in images}
    raw, settled = scratch / "images.raw", scratch / "images.tar"
    _docker("image", "save", "--output", str(raw), *images)
    settle(raw, settled)
    raw.unlink()
    return [Item(f"{FOLDER}/images.tar", settled, "image", " AND ".join(sorted(licences)))]


def _licence(image: str) -> str:
    label = '{{index .Config.Labels "org.opencontainers.image.licenses"}}'
    licence = _docker("image", "inspect", "--format", label, image).strip()
    return licence if licence not in ("", "<no value>") else "LicenseRef-see-image"


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


def _docker(*arguments: str) -> str:
    try:
        done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=True)
    except FileNotFoundError as e:
        raise BundleError("docker is not installed here; expected it, or --no-images") from e
    except subprocess.CalledProcessError as e:
        last = (e.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise BundleError(f"docker {' '.join(arguments[:2])}: {last}") from e
    return done.stdout
