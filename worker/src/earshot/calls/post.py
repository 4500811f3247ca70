"""From a call's process to the worker: datagrams on a Unix socket in the private run folder.

Sending never blocks and never fails. While no worker is there (it is started anew), messages wait
in a bounded queue.
"""

import asyncio
import contextlib
import os
import socket
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import structlog

from ..endpoints import run_dir
from ..errors import CallLogError
from .facts import HungUp, TurnTold, decode, encode

MESSAGE_MAX = 60_000  # bytes
QUEUE_MAX = 200
AGAIN_S = 0.05
LAST_WORDS_S = 1.0

_log = structlog.get_logger(__name__)


def address_in(state_dir: Path) -> Path:
    """The worker's socket."""
    return run_dir(state_dir) / "calls.sock"


class Post:
    """Sends to the worker; close with `aclose`."""

    def __init__(self, address: Path) -> None:
        self._address = address
        self._queue: deque[bytes] = deque(maxlen=QUEUE_MAX)
        self._wake = asyncio.Event()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._task = asyncio.create_task(self._send(), name="call-log")

    def tell(self, fact: TurnTold | HungUp) -> None:
        """Returns at once; the oldest message is lost when too many wait."""
        message = encode(fact)
        if len(message) <= MESSAGE_MAX:
            self._queue.append(message)
            self._wake.set()

    async def _send(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._queue:
                message = self._queue.popleft()
                try:
                    with _short(self._address) as address:
                        self._socket.sendto(message, address)
                except OSError:  # the worker is busy, or is not there this moment
                    if len(self._queue) < QUEUE_MAX:
                        self._queue.appendleft(message)
                    await asyncio.sleep(AGAIN_S)

    async def aclose(self) -> None:
        """Sends what waits, for a moment."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + LAST_WORDS_S
        while self._queue and loop.time() < deadline:
            await asyncio.sleep(0.02)
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._socket.close()


class NoPost(Post):
    """Where no calls are logged."""

    def __init__(self) -> None:
        """Opens nothing."""

    def tell(self, fact: TurnTold | HungUp) -> None:
        """Is forgotten."""

    async def aclose(self) -> None:
        """Nothing to close."""


class _Receiver(asyncio.DatagramProtocol):
    def __init__(self, tell: Callable[[TurnTold | HungUp], None]) -> None:
        self._tell = tell

    def datagram_received(self, data: bytes, addr: object) -> None:
        try:
            self._tell(decode(data))
        except CallLogError as e:  # of a call that began before an update
            _log.info(str(e))


@contextlib.asynccontextmanager
async def inbox(address: Path, tell: Callable[[TurnTold | HungUp], None]) -> AsyncIterator[None]:
    """Receives in the worker while the context is open."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        _remove(address)  # of a worker that was killed
        with _short(address) as short:
            sock.bind(short)
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: _Receiver(tell), sock=sock)
    except BaseException:
        sock.close()
        raise
    try:
        yield
    finally:
        transport.close()
        _remove(address)


def _remove(address: Path) -> None:
    address.unlink(missing_ok=True)


@contextlib.contextmanager
def _short(path: Path) -> Iterator[str]:
    """The address of a socket may have 107 bytes, a state folder's path more."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
