"""Installs a bundle, and goes back to the version before.

Knows nothing of Docker or of what a version does: whoever calls says how a version is prepared,
started, and asked whether it answers (`Steps`).
"""

import os
import platform
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ..errors import BundleError, EarshotError, ModelError, OutputError
from ..models import load_profiles, own, sha256
from ..models.lock import Lock
from ..models.manifest import LOCAL, read_tables
from ..progress import Progress, size
from .archive import MANIFEST, SIGNATURE, Bundle, Folder
from .manifest import Manifest, parse
from .site import Site, sync

SPARE_BYTES = 64_000_000


def _nothing(version: Path) -> None:
    return None


def _answers(version: Path) -> bool:
    return True


@dataclass(frozen=True)
class Steps:
    """What is done with a version's folder; by default nothing."""

    prepare: Callable[[Path], None] = _nothing
    """Once it is unpacked: load its images, run `init`."""
    start: Callable[[Path], None] = _nothing
    """Run this version from now on, whatever ran before."""
    check: Callable[[Path], bool] = _answers
    """Does it answer?"""
    forget: Callable[[Path], None] = _nothing
    """It is about to be removed: what it left elsewhere may go."""


@dataclass(frozen=True)
class Installed:
    version: str
    before: str | None
    """The version that ran until now."""
    removed: tuple[str, ...] = ()
    """Older versions that made room."""


def install(
    file: Path,
    key: Ed25519PublicKey,
    to: Path,
    progress: Progress,
    *,
    steps: Steps | None = None,
    downgrade: bool = False,
) -> Installed:
    """Unpacks a bundle beside what runs; what runs goes on until the new version answers.

    Whenever it is interrupted, it can be run again.

    Args:
        downgrade: take a version that is older than the one that runs.

    Raises:
        SignatureError: the bundle is not signed by this key.
        BundleError: damaged, for another architecture, older, or it does not answer.
        OutputError: no room, or it cannot be written.
    """
    site, steps = Site(to), steps or Steps()
    with Bundle(file, key) as bundle:
        manifest = bundle.manifest
        _require_fit(file, manifest, site, downgrade)
        with site.alone():
            before = site.current
            if before == manifest.version:
                if not _same(bundle, site):
                    raise BundleError(
                        f"{file}: version {before} runs already, with other contents; expected a"
                        " bundle of another version"
                    )
                return Installed(manifest.version, before)
            if not (_same(bundle, site) and _intact(manifest, site, progress)):
                _unpack(bundle, site, progress)
            _switch(site, manifest.version, steps)
            return Installed(manifest.version, before, _remove_old(site, steps))


def rollback(to: Path, *, steps: Steps | None = None) -> Installed:
    """Goes back to the version before; a second time: forward again.

    Raises:
        BundleError: there is none, or it does not answer.
        OutputError: a link cannot be written.
    """
    site = Site(to)
    if not site.versions.is_dir():
        raise BundleError(f"{to}: nothing is installed there")
    with site.alone():
        before, version = site.current, site.previous
        if version is None:
            raise BundleError(f"{to}: no version before {before} is here")
        _switch(site, version, steps or Steps())
        return Installed(version, before)


def _require_fit(file: Path, manifest: Manifest, site: Site, downgrade: bool) -> None:
    here = platform.machine()
    if manifest.architecture != here:
        raise BundleError(f"{file}: made for {manifest.architecture}; this machine is {here}")
    running = site.current
    if running and parse(manifest.version) < parse(running) and not downgrade:
        raise BundleError(
            f"{file}: version {manifest.version} is older than {running}, which runs;"
            " --downgrade takes it nevertheless"
        )


def _switch(site: Site, version: str, steps: Steps) -> None:
    before, folder = site.current, site.folder(version)
    steps.prepare(folder)  # what runs goes on meanwhile
    try:
        steps.start(folder)
        if not steps.check(folder):
            raise BundleError(f"version {version} does not answer")
    except EarshotError as e:
        stays = f"version {before} goes on" if before else "nothing was switched"
        if before:
            steps.start(site.folder(before))
        raise BundleError(f"{e}: {stays}") from e
    site.switch(version)


def _same(bundle: Bundle, site: Site) -> bool:
    """Whether this very bundle is unpacked already."""
    try:
        return (site.folder(bundle.manifest.version) / MANIFEST).read_bytes() == bundle.raw
    except OSError:
        return False


def _intact(manifest: Manifest, site: Site, progress: Progress) -> bool:
    """Whether an earlier run's files are still what they were."""
    for piece in manifest.pieces:
        progress.begin(f"checking {piece.path}", piece.bytes)
        try:
            digest = sha256(site.folder(manifest.version) / piece.path, progress.advance)
        except ModelError:
            return False
        if digest != piece.sha256 and piece.path not in _CARRIED_OVER:
            return False
    return True


_CARRIED_OVER = {f"models/{LOCAL}", "models/weights/lock.json"}
"""What installing itself changes: see `_carry_over`."""


def _unpack(bundle: Bundle, site: Site, progress: Progress) -> None:
    manifest = bundle.manifest
    part, folder = site.part(manifest.version), site.folder(manifest.version)
    try:
        for old in site.versions.glob(".*.part"):  # of interrupted runs
            shutil.rmtree(old)
        need, free = manifest.total_bytes + SPARE_BYTES, shutil.disk_usage(site.versions).free
        if need > free:
            raise OutputError(f"{site.root}: {size(need)} are needed, {size(free)} are free")
        part.mkdir()
        progress.begin(f"unpacking {bundle.path.name}", manifest.total_bytes)
        sink = Folder(part, progress.advance)
        try:
            bundle.walk(sink)
        except BaseException:
            sink.close()
            shutil.rmtree(part, ignore_errors=True)
            raise
        (part / MANIFEST).write_bytes(bundle.raw)
        (part / SIGNATURE).write_bytes(bundle.signature)
        if site.current:
            _carry_over(site.folder(site.current) / "models", part / "models")
        if folder.exists():  # of the same version, but not this bundle, and not running
            shutil.rmtree(folder)
        part.replace(folder)
        sync(site.versions)
    except OSError as e:
        raise OutputError(f"{site.root}: cannot be written: {e.strerror}") from e


def _carry_over(old: Path, new: Path) -> None:
    """What the site has beyond the bundle: its own profiles, and models that the new version names
    but the bundle did not bring.

    Large files are not copied: the same file gets a second name.
    """
    before, now = Lock.read(old).entries, Lock.read(new).entries
    if before.keys() - now.keys():
        (new / "weights" / "lock.json").unlink(missing_ok=True)
        Lock(new, before | now).write()
    if (old / LOCAL).exists():
        tables = read_tables(old / LOCAL)
        if (new / LOCAL).exists():
            tables |= read_tables(new / LOCAL)
        (new / LOCAL).write_text(own.text(tables), encoding="utf-8")
    for profile in load_profiles(new):
        for file in profile.files:
            if not file.path.is_relative_to(new) or file.path.exists():
                continue
            here = old / file.path.relative_to(new)
            if here.is_file() and here.stat().st_size == file.bytes:
                file.path.parent.mkdir(parents=True, exist_ok=True)
                os.link(here, file.path)


def _remove_old(site: Site, steps: Steps) -> tuple[str, ...]:
    """Versions that are neither current nor previous."""
    removed = []
    for version in sorted(site.installed()):
        if version not in (site.current, site.previous):
            steps.forget(site.folder(version))
            shutil.rmtree(site.folder(version), ignore_errors=True)
            removed.append(version)
    return tuple(removed)
