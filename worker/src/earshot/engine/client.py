"""A job's connection to the engine: the three models, its status, and word when it goes and comes.

A client lives on the event loop it was connected on.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

import grpc
import structlog
from livekit.plugins.piper import VoiceInfo

from ..session import Models
from . import channel, engine_pb2_grpc
from . import engine_pb2 as pb
from .address import Address
from .probe import silent
from .remote import RemoteGenerator, RemoteSynthesizer, RemoteTranscriber
from .status import EngineStatus, Health, unpack_health, unpack_status

_log = structlog.get_logger(__name__)

Listener = Callable[[], None]


class EngineClient:
    """Use `connect`; close with `aclose`, or as a context manager."""

    def __init__(self, socket: Path, address: Address, connection: grpc.aio.Channel) -> None:
        self._socket = socket
        self._address = address
        self._channel = connection
        self._stub: Any = engine_pb2_grpc.EngineStub(connection)  # type: ignore[no-untyped-call]
        self._up = True
        self._on_lost: list[Listener] = []
        self._on_back: list[Listener] = []
        self._watching: asyncio.Task[None] | None = None
        self.transcriber: RemoteTranscriber
        self.generator: RemoteGenerator
        self.synthesizer: RemoteSynthesizer

    @classmethod
    async def connect(cls, socket: Path, *, timeout_s: float = 10.0) -> "EngineClient":
        """Waits until the engine is there and warm.

        Raises:
            EngineError: it isn't within `timeout_s`, or the path can't be a socket's.
        """
        address = Address.of(socket)
        client = cls(
            socket, address, grpc.aio.insecure_channel(address.target, options=channel.CLIENT)
        )
        try:
            report = await client._report(timeout_s)
        except BaseException:
            await client.aclose()
            raise
        client._know(report)
        client._watching = asyncio.create_task(client._watch(), name="engine-watch")
        return client

    @property
    def models(self) -> Models:
        """For `session.voice_on`."""
        return Models(self.transcriber, self.generator, self.synthesizer)

    @property
    def up(self) -> bool:
        """Whether there is a connection; word of a loss takes some milliseconds."""
        return self._up

    def listen(self, *, on_lost: Listener, on_back: Listener) -> None:
        """Calls one when the engine has gone away and the other when it answers again."""
        self._on_lost.append(on_lost)
        self._on_back.append(on_back)

    async def health(self, *, timeout_s: float = 2.0) -> Health:
        """Whether the engine gets on with its work; doesn't wait for one that isn't there.

        Raises:
            EngineError: no answer.
        """
        try:
            report = await self._stub.Health(pb.HealthRequest(), timeout=timeout_s)
        except grpc.aio.AioRpcError as e:
            raise silent(self._socket, e, timeout_s) from e
        return unpack_health(report)

    async def status(self, *, timeout_s: float = 5.0) -> EngineStatus:
        """
        Raises:
            EngineError: no answer within `timeout_s`.
        """
        return unpack_status(await self._report(timeout_s))

    async def aclose(self) -> None:
        """Ends this client's requests with the plugins' ClosedError. Idempotent."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
            self._watching = None
            for remote in (self.transcriber, self.generator, self.synthesizer):
                await remote.aclose()
        await self._channel.close()
        self._address.close()

    async def __aenter__(self) -> "EngineClient":
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def _report(self, timeout_s: float) -> pb.StatusReport:
        try:
            report: pb.StatusReport = await self._stub.Status(
                pb.StatusRequest(), timeout=timeout_s, wait_for_ready=True
            )
        except grpc.aio.AioRpcError as e:
            raise silent(self._socket, e, timeout_s) from e
        return report

    def _know(self, report: pb.StatusReport) -> None:
        names = {model.kind: model.name for model in report.models}
        voice = report.voice
        info = VoiceInfo(voice.name, voice.language, voice.sample_rate_hz, tuple(voice.speakers))
        self.transcriber = RemoteTranscriber(self._channel, names["stt"])
        self.generator = RemoteGenerator(self._channel, names["llm"])
        self.synthesizer = RemoteSynthesizer(self._channel, info)

    async def _watch(self) -> None:
        """Keeps the connection up, asked for or not, and tells of its state."""
        while True:
            state = self._channel.get_state(try_to_connect=True)
            if state is grpc.ChannelConnectivity.READY:
                self._tell(True)
            elif state is grpc.ChannelConnectivity.TRANSIENT_FAILURE:
                self._tell(False)
            elif state is grpc.ChannelConnectivity.SHUTDOWN:
                return
            await self._channel.wait_for_state_change(state)

    def _tell(self, up: bool) -> None:
        if up == self._up:
            return
        self._up = up
        _log.warning("the engine is back" if up else "the engine went away")
        for listener in self._on_back if up else self._on_lost:
            try:
                listener()
            except Exception:
                _log.exception("a listener failed")
