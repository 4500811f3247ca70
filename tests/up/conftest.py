"""What these tests share: free ports, and who is still there."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest


@pytest.fixture
def free_port() -> Callable[..., int]:
    def find(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
        with socket.socket(socket.AF_INET, kind) as sock:
            sock.bind(("127.0.0.1", 0))
            return int(sock.getsockname()[1])

    return find


def left(mark: str | Path) -> list[psutil.Process]:
    """Processes whose environment or command line has the mark: children inherit it."""
    found = []
    for process in psutil.process_iter():
        try:
            where = " ".join([*process.cmdline(), *process.environ().values()])
            if str(mark) in where and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


@pytest.fixture
def mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A word in the environment of everything that the test starts; what is left is ended."""
    word = f"earshot-test-{tmp_path.name}-{tmp_path.parent.name}"
    monkeypatch.setenv("UP_TEST_MARK", word)
    yield word
    monkeypatch.delenv("UP_TEST_MARK")
    for process in left(word):
        process.kill()
