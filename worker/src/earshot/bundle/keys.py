"""The key that signs bundles: ed25519, in the PEM forms that openssl reads."""

import hashlib
import os
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from ..errors import OutputError, SignatureError

SIGNATURE_BYTES = 64
KEY_BYTES_MAX = 10_000


def generate(path: Path) -> Path:
    """Writes a new key to `path` (mode 600) and its public half to `path`.pub, which is returned.

    Raises:
        OutputError: either is there already, or cannot be written.
    """
    public = path.with_name(path.name + ".pub")
    for file in (path, public):
        if file.exists():
            raise OutputError(f"{file}: exists already; a key is never written over")
    key = Ed25519PrivateKey.generate()
    _write(
        path,
        0o600,
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
    )
    _write(public, 0o644, _pem(key.public_key()))
    return public


def private(path: Path) -> Ed25519PrivateKey:
    """Reads the key that signs.

    Raises:
        SignatureError: it cannot be read, is no ed25519 key, or others may read it.
    """
    data = _read(path)
    if path.stat().st_mode & 0o077:
        raise SignatureError(f"{path}: may be read by others; expected mode 600: chmod 600 {path}")
    try:
        key = serialization.load_pem_private_key(data, None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as e:
        raise SignatureError(f"{path}: not a private key without a passphrase, in PEM") from e
    if not isinstance(key, Ed25519PrivateKey):
        raise SignatureError(f"{path}: not an ed25519 key")
    return key


def public(path: Path) -> Ed25519PublicKey:
    """Reads the public half.

    Raises:
        SignatureError: it cannot be read, or is no public ed25519 key.
    """
    data = _read(path)
    if b"PRIVATE KEY" in data:
        raise SignatureError(f"{path}: a private key; expected its public half, {path.name}.pub")
    try:
        key = serialization.load_pem_public_key(data)
    except (ValueError, UnsupportedAlgorithm) as e:
        raise SignatureError(f"{path}: not a public key in PEM") from e
    if not isinstance(key, Ed25519PublicKey):
        raise SignatureError(f"{path}: not an ed25519 key")
    return key


def fingerprint(key: Ed25519PublicKey) -> str:
    """What two people compare over the telephone."""
    der = key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    digest = hashlib.sha256(der).hexdigest()[:32]
    return " ".join(digest[i : i + 4] for i in range(0, len(digest), 4))


def verify(key: Ed25519PublicKey, signature: bytes, data: bytes) -> bool:
    try:
        key.verify(signature, data)
    except InvalidSignature:
        return False
    return True


def _pem(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as f:
            return f.read(KEY_BYTES_MAX)
    except OSError as e:
        raise SignatureError(f"{path}: cannot be read: {e.strerror}") from e


def _write(path: Path, mode: int, data: bytes) -> None:
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as f:
            f.write(data)
    except OSError as e:
        raise OutputError(f"{path}: cannot be written: {e.strerror}") from e
