"""Where the engine listens: a Unix socket in a folder that nobody else can enter.

Knows nothing of gRPC beyond the form of its addresses.
"""

import contextlib
import fcntl
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from ..errors import EngineError

LONGEST_PATH_BYTES = 107  # sun_path, with its closing zero


def default_socket(state_dir: Path) -> Path:
    return state_dir / "run" / "engine.sock"


@dataclass
class Address:
    """What gRPC is given for a socket. Close it when the server or channel is closed."""

    target: str
    _folder: int | None = None

    @classmethod
    def of(cls, socket: Path) -> "Address":
        """
        Raises:
            EngineError: the path is too long for a socket, and its folder is not private or can't
                be opened.
        """
        path = socket.absolute()
        if len(os.fsencode(path)) <= LONGEST_PATH_BYTES:
            return cls(f"unix:{path}")
        make_private(path.parent)
        try:  # the same folder by a short name
            folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as e:
            raise EngineError(f"{path.parent}: cannot be opened: {e.strerror}") from e
        short = f"/proc/self/fd/{folder}/{path.name}"
        if len(os.fsencode(short)) > LONGEST_PATH_BYTES:
            os.close(folder)
            raise EngineError(
                f"{path.name}: too long for the name of a socket; expected 80 bytes at most"
            )
        return cls(f"unix:{short}", folder)

    def close(self) -> None:
        if self._folder is not None:
            os.close(self._folder)
            self._folder = None


class Claim:
    """The right to listen on a socket: one engine has it, and the kernel takes it back.

    Makes the folder if need be, and removes a socket that a dead engine left.
    """

    def __init__(self, socket: Path) -> None:
        """
        Raises:
            EngineError: another engine listens there, or the folder is not private.
        """
        self._socket = socket
        self._lock = -1
        self._held = False
        make_private(socket.parent)
        lock = socket.with_name(socket.name + ".lock")
        try:
            self._lock = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = os.read(self._lock, 32).decode("ascii", "replace").strip() or "?"
            self.release()
            raise EngineError(f"{socket}: an engine listens here already (process {pid})") from None
        except OSError as e:
            self.release()
            raise EngineError(f"{lock}: cannot be locked: {e.strerror}") from e
        os.truncate(self._lock, 0)
        os.write(self._lock, f"{os.getpid()}\n".encode())
        try:
            self._remove_socket()
        except BaseException:
            self.release()
            raise
        self._held = True

    def release(self) -> None:
        """Removes the socket and lets another engine listen."""
        if self._lock >= 0:
            if self._held:
                with contextlib.suppress(OSError):
                    self._socket.unlink()
            os.close(self._lock)
            self._lock = -1

    def _remove_socket(self) -> None:
        try:
            mode = self._socket.lstat().st_mode
            if not stat.S_ISSOCK(mode):
                raise EngineError(f"{self._socket}: is there and is not a socket")
            self._socket.unlink()
        except FileNotFoundError:
            return
        except OSError as e:
            raise EngineError(f"{self._socket}: cannot be removed: {e.strerror}") from e


def make_private(folder: Path) -> None:
    """Makes the folder, of mode 700, or checks that it is.

    Raises:
        EngineError: others may enter it, it is not ours, or it is no folder.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.stat()
    except OSError as e:
        raise EngineError(f"{folder}: cannot be the engine's folder: {e.strerror}") from e
    if found.st_uid != os.getuid():
        raise EngineError(f"{folder}: belongs to another user; expected a folder of one's own")
    if found.st_mode & 0o077:
        raise EngineError(
            f"{folder}: others may enter it (mode {stat.S_IMODE(found.st_mode):o}); expected 700:"
            f" chmod 700 {folder}"
        )
