"""What was evaluated of prompts' heads (system prompt and tools), kept on disk.

A folder of files, one per head, shared by processes that may come and go at any time. A file counts
only if it is whole, and was written for the same key: the model, the build and the context that
`fingerprint.py` names. Knows nothing of llama.cpp.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import struct
import threading
import time
from array import array
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from .log import logger
from .prompt import common_prefix

_SUFFIX, _UNFINISHED = ".head", ".part"
_MAGIC = b"llmhead1"
_PREFIX = struct.Struct("<8s32s")  # magic, SHA-256 of all that follows
_HEADER = struct.Struct("<32sQQ")  # key, tokens, bytes of state
_START = _PREFIX.size + _HEADER.size
_ABANDONED_S = 600.0  # an unfinished file this old has lost its writer
_MOST_UNWRITTEN = 4  # states that wait for the disk; more are not kept


@dataclass(frozen=True, slots=True)
class Head:
    """A saved head."""

    path: Path
    tokens: list[int]


class HeadStore:
    """The saved heads of one model, and the bound on those of all models in the folder.

    Safe to use from any thread; only `load` takes time.

    Args:
        folder: Is made if it isn't there. A folder that can't be used costs speed, never an error.
        key: SHA-256 of what a state depends on.
        max_bytes: Of all files together; the least recently used go.
    """

    def __init__(self, folder: Path, *, key: bytes, max_bytes: int) -> None:
        self._folder = folder
        self._key = key
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._heads: dict[Path, Head] = {}
        self._checked: dict[Path, tuple[int, int, int]] = {}
        self._unwritten = 0
        self._complained = False
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="llama-cpp-heads")
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._scan()
        except OSError as e:
            self._complain(folder, e.strerror or str(e))

    def find(self, tokens: list[int], *, beyond: int, whole: bool) -> Head | None:
        """The head that holds the most of what a prompt begins with.

        Args:
            tokens: The prompt's.
            beyond: It must have more in common with the prompt than so many tokens.
            whole: All of the head must be in the prompt: its state can't be cut back.
        """
        with self._lock:
            heads = list(self._heads.values())
        best, most = None, beyond
        for head in heads:
            shared = common_prefix(head.tokens, tokens)
            if shared > most and (shared == len(head.tokens) or not whole):
                best, most = head, shared
        return best

    def load(self, head: Head) -> bytes | None:
        """The state of a head; None if its file is gone or damaged, and then it is forgotten."""
        try:
            with head.path.open("rb") as file:
                stamp = _stamp(os.fstat(file.fileno()))
                start = file.read(_START + 4 * len(head.tokens))
                state = file.read()
            if self._checked.get(head.path) != stamp:  # reading all of it once will do
                self._check(head, start, state)
            os.utime(head.path)  # used now: the last to go
            self._checked[head.path] = _stamp(head.path.stat())
        except FileNotFoundError:
            self._drop(head)  # another process needed the room
            return None
        except (OSError, ValueError) as e:
            self.forget(head, str(e))
            return None
        return state

    def save(self, tokens: list[int], state: bytes) -> None:
        """Keeps a state; returns at once, another thread writes it."""
        size = _START + 4 * len(tokens) + len(state)
        with self._lock:
            if size > self._max_bytes or self._unwritten >= _MOST_UNWRITTEN:
                return
            self._unwritten += 1
        with contextlib.suppress(RuntimeError):  # closed
            self._writer.submit(self._write, list(tokens), state)

    def forget(self, head: Head, reason: str) -> None:
        """Removes a head that can't be used."""
        self._drop(head)
        self._discard(head.path, reason)

    def close(self) -> None:
        """Waits for what is being written. Idempotent."""
        self._writer.shutdown()

    def _scan(self) -> None:
        for path, stat in self._files(_UNFINISHED):
            if time.time() - stat.st_mtime > _ABANDONED_S:
                path.unlink(missing_ok=True)
        for path, stat in self._files(_SUFFIX):
            if path.name.startswith(self._key.hex()[:16]):
                try:
                    tokens = self._read_tokens(path, stat.st_size)
                except FileNotFoundError:
                    continue
                except (OSError, ValueError) as e:
                    self._discard(path, str(e))
                    continue
                self._heads[path] = Head(path, tokens)

    def _files(self, suffix: str) -> Iterator[tuple[Path, os.stat_result]]:
        for path in self._folder.glob(f"*{suffix}"):
            with contextlib.suppress(FileNotFoundError):  # just removed by another process
                yield path, path.stat()

    def _read_tokens(self, path: Path, size: int) -> list[int]:
        """Raises: ValueError, OSError."""
        with path.open("rb") as file:
            start = file.read(_START)
            count = _token_count(start, size, self._key)
            tokens = array("i")
            tokens.frombytes(file.read(4 * count))
        if path != self._path(tokens.tolist()):
            raise ValueError("its tokens are not those of its name")
        return tokens.tolist()

    def _check(self, head: Head, start: bytes, state: bytes) -> None:
        """Raises: ValueError."""
        _token_count(start, len(start) + len(state), self._key)
        digest = hashlib.sha256(start[_PREFIX.size :])
        digest.update(state)
        if digest.digest() != _PREFIX.unpack_from(start)[1]:
            raise ValueError("its checksum is wrong")
        if start[_START:] != array("i", head.tokens).tobytes():
            raise ValueError("its tokens are not those of its name")

    def _path(self, tokens: list[int]) -> Path:
        name = hashlib.sha256(array("i", tokens).tobytes()).hexdigest()[:32]
        return self._folder / f"{self._key.hex()[:16]}-{name}{_SUFFIX}"

    def _write(self, tokens: list[int], state: bytes) -> None:
        path = self._path(tokens)
        part = path.with_name(f"{path.name}.{os.getpid()}{_UNFINISHED}")
        packed = array("i", tokens).tobytes()
        header = _HEADER.pack(self._key, len(tokens), len(state))
        digest = hashlib.sha256(header + packed)
        digest.update(state)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            part.touch(mode=0o600)
            with part.open("wb") as file:
                for piece in (_PREFIX.pack(_MAGIC, digest.digest()), header, packed, state):
                    file.write(piece)
            part.replace(path)
            with self._lock:
                self._heads[path] = Head(path, tokens)
            self._prune(keep=path)
            logger.debug("kept a head", extra={"tokens": len(tokens), "bytes": len(state)})
        except OSError as e:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
            self._complain(path, e.strerror or str(e))
        finally:
            with self._lock:
                self._unwritten -= 1

    def _prune(self, keep: Path) -> None:
        files = sorted(self._files(_SUFFIX), key=lambda f: (f[0] == keep, f[1].st_mtime_ns))
        used = sum(stat.st_size for _, stat in files)
        for path, stat in files:
            if used <= self._max_bytes:
                return
            path.unlink(missing_ok=True)
            used -= stat.st_size
            with self._lock:
                self._heads.pop(path, None)

    def _drop(self, head: Head) -> None:
        with self._lock:
            self._heads.pop(head.path, None)
        self._checked.pop(head.path, None)

    def _discard(self, path: Path, reason: str) -> None:
        logger.warning("%s: %s; it is removed, and made again when it is needed", path, reason)
        try:
            path.unlink(missing_ok=True)
        except OSError as e:
            self._complain(path, e.strerror or str(e))

    def _complain(self, path: Path, reason: str) -> None:
        """Once: a folder that can't be written to stays so."""
        if not self._complained:
            self._complained = True
            logger.warning("%s: %s; prompts are read anew in each process", path, reason)


def _stamp(stat: os.stat_result) -> tuple[int, int, int]:
    return stat.st_ino, stat.st_size, stat.st_mtime_ns


def _token_count(data: bytes, size: int, key: bytes) -> int:
    """How many tokens a file holds, by what it begins with.

    Raises:
        ValueError: It isn't such a file, isn't whole, or was made for something else.
    """
    if len(data) < _START or not data.startswith(_MAGIC):
        raise ValueError("not a saved head")
    made_for, tokens, state = _HEADER.unpack_from(data, _PREFIX.size)
    if size != _START + 4 * tokens + state:
        raise ValueError(f"{size} bytes are not all of it")
    if made_for != key:
        raise ValueError("it was made for another model or build")
    return int(tokens)
