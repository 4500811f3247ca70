"""What a bundle holds: the signed list of its pieces.

A JSON file with one piece a line, so that `sed` and `sha256sum` can read it too.
"""

import json
import re
from dataclasses import asdict, dataclass
from typing import Any

from packaging.version import InvalidVersion, Version

from ..errors import BundleError

FORMAT = 1
BYTES_MAX = 16_000_000
"""Of the manifest itself."""
PIECES_MAX = 50_000
PIECE_BYTES_MAX = 64 << 30
TOTAL_BYTES_MAX = 512 << 30
PATH = re.compile(r"(?!.*(^|/)\.\.?(/|$))[A-Za-z0-9_.+@=-]+(/[A-Za-z0-9_.+@=-]+)*")
"""Relative, plain ASCII, and no `.` or `..` between slashes."""
SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Piece:
    """One file of a bundle."""

    sha256: str
    bytes: int
    path: str
    kind: str
    """model, manifest (of models), wheel, image, compose, document or sbom."""
    licence: str
    executable: bool = False


@dataclass(frozen=True)
class Manifest:
    version: str
    architecture: str
    """As `uname -m` says it."""
    profiles: tuple[str, ...]
    pieces: tuple[Piece, ...]
    """By path."""

    @property
    def total_bytes(self) -> int:
        return sum(piece.bytes for piece in self.pieces)

    def dumps(self) -> bytes:
        head = {
            "format": FORMAT,
            "name": "earshot",
            "version": self.version,
            "architecture": self.architecture,
            "profiles": list(self.profiles),
        }
        lines = [f" {json.dumps(key)}: {json.dumps(value)}," for key, value in head.items()]
        pieces = ",\n".join(f"  {json.dumps(asdict(piece))}" for piece in self.pieces)
        return "\n".join(["{", *lines, ' "pieces": [', pieces, " ]", "}", ""]).encode("ascii")


def loads(data: bytes) -> Manifest:
    """Reads a manifest; whatever is in it, only plain paths and bounded sizes come out.

    Raises:
        BundleError: it is none.
    """
    try:
        raw = json.loads(data)
        if raw["name"] != "earshot" or raw["format"] != FORMAT:
            raise BundleError(
                f"manifest.json: of {raw['name']!r}, format {raw['format']!r};"
                f" expected earshot, format {FORMAT}"
            )
        pieces = tuple(_piece(entry) for entry in raw["pieces"])
        version, architecture = str(raw["version"]), str(raw["architecture"])
        manifest = Manifest(version, architecture, tuple(map(str, raw["profiles"])), pieces)
    except (ValueError, KeyError, TypeError, RecursionError) as e:
        raise BundleError(f"manifest.json: not a manifest: {e}") from e
    parse(version)
    paths = [piece.path for piece in pieces]
    if paths != sorted(set(paths)) or len(paths) > PIECES_MAX:
        raise BundleError("manifest.json: its pieces are not in order, or one stands there twice")
    folders = {p[:i] for p in paths for i, c in enumerate(p) if c == "/"}
    if folders & set(paths):
        raise BundleError("manifest.json: a piece is called like a folder of others")
    if manifest.total_bytes > TOTAL_BYTES_MAX:
        raise BundleError(f"manifest.json: {manifest.total_bytes} bytes in all; at most 512 GiB")
    return manifest


def parse(version: str) -> Version:
    """Raises: BundleError: it is no version, or one that cannot be a folder's name."""
    try:
        parsed = Version(version)
    except InvalidVersion as e:
        raise BundleError(f"{version!r}: not a version such as 1.2.3") from e
    if "/" in version or str(parsed) != version:
        raise BundleError(f"{version!r}: not a version such as 1.2.3")
    return parsed


def _piece(entry: dict[str, Any]) -> Piece:
    piece = Piece(
        sha256=entry["sha256"],
        bytes=entry["bytes"],
        path=entry["path"],
        kind=str(entry["kind"]),
        licence=str(entry["licence"]),
        executable=entry["executable"] is True,
    )
    if not isinstance(piece.path, str) or not PATH.fullmatch(piece.path) or len(piece.path) > 200:
        raise BundleError(f"manifest.json: {piece.path!r}: not a path inside the bundle")
    if type(piece.bytes) is not int or not 0 <= piece.bytes <= PIECE_BYTES_MAX:
        raise BundleError(f"manifest.json: {piece.path}: {piece.bytes!r} bytes; at most 64 GiB")
    if not isinstance(piece.sha256, str) or not SHA256.fullmatch(piece.sha256):
        raise BundleError(f"manifest.json: {piece.path}: {piece.sha256!r} is no sha256")
    return piece
