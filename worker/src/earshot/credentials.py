"""The secrets of an installation: made at first start, kept in `STATE_DIR/secrets`, never shown.

    keys.yaml        key and secret that sign LiveKit's tokens, in livekit-server's own form
    access-code      what a caller types who is not on this machine
    redis-password   between livekit-server and redis

The folder has mode 700 and each file mode 600. A file that others may read is refused: whoever read
it keeps the key. This module does not know who uses the secrets.
"""

import contextlib
import os
import secrets
import stat
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from .errors import CredentialsError
from .text_file import NotTextError, read_text

KEY_FILE = "keys.yaml"
_CODE_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"  # nothing that is mistaken for something else
_SECRET_MIN = 32


@dataclass(frozen=True)
class Credentials:
    """Values that must not be logged; `repr` hides them."""

    api_key: str
    api_secret: str = field(repr=False)
    access_code: str = field(repr=False)
    redis_password: str = field(repr=False)


def folder(state_dir: Path) -> Path:
    """Where the secrets are."""
    return state_dir / "secrets"


def load_or_create(state_dir: Path, *, own_keys: bool = True, redis: bool = True) -> Credentials:
    """Reads the secrets, and makes those that are not there yet.

    Several processes may call it at once: all of them get the same secrets.

    Args:
        own_keys: whether LiveKit's keys may be made here. False where livekit-server is somebody
            else's: its keys have to be placed by the operator.
        redis: whether redis's password is kept here too. False where redis is somebody else's.

    Raises:
        CredentialsError: a file that others may read or that is not what it should be; LiveKit's
            keys are missing where they can't be made.
    """
    place = folder(state_dir)
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        _check_mode(place, 0o022, "write to", 0o700)
        if not own_keys and not (place / KEY_FILE).exists():
            raise CredentialsError(
                f"{place / KEY_FILE}: not there; with livekit.url set, the key and secret of that "
                "livekit-server are expected in it, as a line `key: secret`, in a file of mode 600"
            )
        keys = _kept(place / KEY_FILE, lambda: f"earshot-{secrets.token_hex(6)}: {secret()}")
        api_key, api_secret = _parse_keys(place / KEY_FILE, keys)
        return Credentials(
            api_key=api_key,
            api_secret=api_secret,
            access_code=_kept(place / "access-code", _code),
            redis_password=_kept(place / "redis-password", secret) if redis and own_keys else "",
        )
    except OSError as e:
        raise CredentialsError(f"{e.filename or place}: {e.strerror or e}") from e


def secret() -> str:
    """A new one."""
    return secrets.token_urlsafe(32)  # 256 bits


def _code() -> str:
    # typed by people, checked by a server that counts attempts: 79 bits in four groups are plenty
    return "-".join("".join(secrets.choice(_CODE_ALPHABET) for _ in range(4)) for _ in range(4))


def _kept(path: Path, make: Callable[[], str]) -> str:
    if not path.exists():
        _create(path, make() + "\n")
    _check_mode(path, 0o077, "read", 0o600)
    try:
        text = read_text(path).strip()
    except NotTextError as e:
        raise CredentialsError(f"{path}: {e}") from e
    if not text:
        raise CredentialsError(f"{path}: empty; remove it, and a new one is made at the next start")
    return text


def _create(path: Path, text: str) -> None:
    """Atomically: the file appears whole, and the first of several processes wins."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 600
    try:
        with os.fdopen(handle, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(name, path)
    finally:
        Path(name).unlink()


def _check_mode(path: Path, forbidden: int, what: str, expected: int) -> None:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & forbidden:
        raise CredentialsError(
            f"{path}: others may {what} it (mode {mode:o}, expected {expected:o}): if it was ever "
            f"exposed, remove it, and a new one is made; else chmod {expected:o} {path}"
        )


def _parse_keys(path: Path, text: str) -> tuple[str, str]:
    try:
        keys = yaml.safe_load(text)
    except yaml.YAMLError as e:
        raise CredentialsError(f"{path}: not YAML; expected `key: secret`") from e
    if not isinstance(keys, dict) or not keys:
        raise CredentialsError(f"{path}: expected a line `key: secret`")
    key, secret = next(iter(keys.items()))
    if not isinstance(secret, str) or len(secret) < _SECRET_MIN:
        raise CredentialsError(
            f"{path}: the secret of {str(key)!r} is too short, expected {_SECRET_MIN} characters"
            " or more"
        )
    return str(key), secret
