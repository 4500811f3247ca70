"""The tar of a bundle. Its bytes follow from the manifest: same pieces, same file, on any machine.

Reading turns that around: every header must be, byte for byte, the one that the signed manifest
calls for. So there is nothing to parse that an attacker could have written, and no link, device,
foreign path or further member has a place to hide in.
"""

import hashlib
import os
import tarfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ..errors import BundleError, OutputError, SignatureError
from . import keys
from .manifest import BYTES_MAX, Manifest, Piece, loads

MANIFEST = "manifest.json"
SIGNATURE = "manifest.json.sig"
BLOCK = 512
CHUNK_BYTES = 1 << 20
MTIME = 315_532_800  # 1980-01-01: the first day that zip files know
END = bytes(2 * BLOCK)


def header(path: str, size: int, *, executable: bool = False) -> bytes:
    """The header of a plain file, in the ustar form; sizes from 8 GiB on as GNU tar writes them."""
    name, prefix = path, ""
    if len(name) > 100:
        cut = path.find("/", len(path) - 101)
        if cut < 1 or cut > 155:
            raise BundleError(f"{path}: too long a path for a tar file")
        prefix, name = path[:cut], path[cut + 1 :]
    length = f"{size:011o}\0".encode() if size < 8**11 else b"\x80" + size.to_bytes(11, "big")
    fields = [
        name.encode("ascii").ljust(100, b"\0"),
        b"0000755\0" if executable else b"0000644\0",
        b"0000000\0" * 2,
        length,
        f"{MTIME:011o}\0".encode(),
        b" " * 8,
        b"0",
        bytes(100),
        b"ustar\00000",
        bytes(64),
        b"0000000\0" * 2,
        prefix.encode("ascii").ljust(155, b"\0"),
        bytes(12),
    ]
    block = b"".join(fields)
    checksum = f"{sum(block):06o}\0 ".encode()
    return block[:148] + checksum + block[156:]


def padding(size: int) -> bytes:
    return bytes(-size % BLOCK)


def length(manifest: Manifest, manifest_bytes: int) -> int:
    """Of the whole file."""
    sizes = [manifest_bytes, keys.SIGNATURE_BYTES, *(piece.bytes for piece in manifest.pieces)]
    return sum(BLOCK + size + len(padding(size)) for size in sizes) + len(END)


def write(
    out: BinaryIO,
    manifest: Manifest,
    signature: bytes,
    sources: dict[str, Path],
    advance: Callable[[int], None],
) -> None:
    """Writes a bundle.

    Raises:
        BundleError: a file is not what it was when the manifest was made.
        OSError: `out` cannot be written.
    """
    for name, data in ((MANIFEST, manifest.dumps()), (SIGNATURE, signature)):
        out.write(header(name, len(data)) + data + padding(len(data)))
    for piece in manifest.pieces:
        out.write(header(piece.path, piece.bytes, executable=piece.executable))
        digest, count = hashlib.sha256(), 0
        with sources[piece.path].open("rb") as f:
            while chunk := f.read(CHUNK_BYTES):
                digest.update(chunk)
                count += len(chunk)
                out.write(chunk)
                advance(len(chunk))
        if (count, digest.hexdigest()) != (piece.bytes, piece.sha256):
            raise BundleError(f"{sources[piece.path]}: changed while the bundle was made")
        out.write(padding(piece.bytes))
    out.write(END)


class Sink(Protocol):
    """Takes the pieces of a bundle, one after the other."""

    def begin(self, piece: Piece) -> None: ...
    def data(self, chunk: bytes) -> None: ...
    def end(self) -> None: ...


class Bundle:
    """A bundle whose signature is right. Close it.

    Args:
        path: the file.
        key: the public key that must have signed it.

    Raises:
        SignatureError: this key did not sign it.
        BundleError: it cannot be read, is no bundle, or is cut off.
    """

    def __init__(self, path: Path, key: Ed25519PublicKey) -> None:
        self.path = path
        try:
            self._file = path.open("rb")
        except OSError as e:
            raise BundleError(f"{path}: cannot be read: {e.strerror}") from e
        try:
            self._read_head(key)
        except BaseException:
            self.close()
            raise

    def _read_head(self, key: Ed25519PublicKey) -> None:
        self.raw = self._first(MANIFEST, BYTES_MAX)
        self.signature = self._first(SIGNATURE, keys.SIGNATURE_BYTES)
        if not keys.verify(key, self.signature, self.raw):
            raise SignatureError(
                f"{self.path}: not signed by this key ({keys.fingerprint(key)}), or its manifest"
                " was altered"
            )
        try:
            self.manifest = loads(self.raw)
        except BundleError as e:
            raise BundleError(f"{self.path}: {e}") from e
        there, expected = self.path.stat().st_size, length(self.manifest, len(self.raw))
        if there < expected:
            raise BundleError(f"{self.path}: cut off: {there} of {expected} bytes are there")

    def walk(self, sink: Sink) -> None:
        """Hands every piece to `sink` and checks all that there is. Once.

        Raises:
            BundleError: a piece is damaged, another thing or missing, or there is more.
        """
        for piece in self.manifest.pieces:
            expected = header(piece.path, piece.bytes, executable=piece.executable)
            if (block := self._take(BLOCK)) != expected:
                raise BundleError(f"{self.path}: {self._difference(block, piece.path)}")
            sink.begin(piece)
            digest, missing = hashlib.sha256(), piece.bytes
            while missing:
                chunk = self._take(min(CHUNK_BYTES, missing))
                digest.update(chunk)
                missing -= len(chunk)
                sink.data(chunk)
            if digest.hexdigest() != piece.sha256:
                raise BundleError(f"{self.path}: {piece.path}: damaged or altered (wrong sha256)")
            if any(self._take(len(padding(piece.bytes)))):
                raise BundleError(f"{self.path}: {piece.path}: something hides behind it")
            sink.end()
        end = self._read(len(END) + 1)
        if end != END:
            raise BundleError(f"{self.path}: {self._difference(end[:BLOCK], None)}")

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> "Bundle":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _first(self, name: str, bytes_max: int) -> bytes:
        block = self._read(BLOCK)
        try:
            info = tarfile.TarInfo.frombuf(block, "ascii", "surrogateescape")
        except tarfile.HeaderError as e:
            raise BundleError(f"{self.path}: not a bundle: {name} was expected first") from e
        if not 0 <= info.size <= bytes_max or block != header(name, info.size):
            raise BundleError(f"{self.path}: not a bundle: {name} was expected, not {info.name!r}")
        data = self._take(info.size)
        if any(self._take(len(padding(info.size)))):
            raise BundleError(f"{self.path}: {name}: something hides behind it")
        return data

    def _take(self, count: int) -> bytes:
        data = self._read(count)
        if len(data) != count:
            raise BundleError(f"{self.path}: cut off")
        return data

    def _read(self, count: int) -> bytes:
        try:
            return self._file.read(count)
        except OSError as e:  # the medium gives up
            raise BundleError(f"{self.path}: cannot be read: {e.strerror}") from e

    def _difference(self, block: bytes, expected: str | None) -> str:
        """What a header is that should not be there, as well as can be told."""
        wanted = f"{expected} was expected" if expected else "the end was expected"
        if not any(block):
            return f"ends early: {wanted}"
        try:
            info = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        except tarfile.HeaderError:
            return f"damaged: {wanted}"
        name = repr(info.name)
        if info.issym() or info.islnk():
            return f"holds a link, {name}: {wanted}"
        if not info.isreg():
            return f"holds {name}, which is no plain file: {wanted}"
        if info.name.startswith("/") or ".." in info.name.split("/"):
            return f"holds a path outside of it, {name}: {wanted}"
        if info.name == expected:
            return f"the header of {name} was altered"
        if info.name in {piece.path for piece in self.manifest.pieces}:
            return f"holds {name} in another place: {wanted}"
        return f"holds {name}, of which its manifest knows nothing: {wanted}"


class Folder:
    """A sink that writes the pieces into a folder.

    Raises:
        OutputError: a piece cannot be written.
    """

    def __init__(self, folder: Path, advance: Callable[[int], None]) -> None:
        self._folder, self._advance = folder, advance
        self._out: BinaryIO | None = None
        self._path = folder

    def begin(self, piece: Piece) -> None:
        self._path = self._folder / piece.path
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._out = self._path.open("xb")
            self._path.chmod(0o755 if piece.executable else 0o644)
        except OSError as e:
            raise self._unwritable(e) from e

    def data(self, chunk: bytes) -> None:
        assert self._out is not None
        try:
            self._out.write(chunk)
        except OSError as e:
            raise self._unwritable(e) from e
        self._advance(len(chunk))

    def end(self) -> None:
        assert self._out is not None
        try:
            self._out.flush()
            os.fsync(self._out.fileno())
            self._out.close()
        except OSError as e:
            raise self._unwritable(e) from e
        self._out = None

    def close(self) -> None:
        if self._out is not None:
            with suppress(OSError):
                self._out.close()

    def _unwritable(self, error: OSError) -> OutputError:
        return OutputError(f"{self._path}: cannot be written: {error.strerror}")


class Nowhere:
    """A sink for checking alone."""

    def __init__(self, advance: Callable[[int], None]) -> None:
        self._advance = advance

    def begin(self, piece: Piece) -> None:
        pass

    def data(self, chunk: bytes) -> None:
        self._advance(len(chunk))

    def end(self) -> None:
        pass
