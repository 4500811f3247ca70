"""The engine's side of gRPC: the services on a socket, and what they say about themselves.

Knows nothing of how models are loaded or how the process ends.
"""

import asyncio
import math
import os
import time
from pathlib import Path
from typing import Any

import grpc

from ..errors import EngineError
from ..models import Profile
from ..session import LocalModels
from ..version import __version__
from . import channel, engine_pb2_grpc
from . import engine_pb2 as pb
from .address import Address
from .services import (
    Calls,
    EngineService,
    GeneratorService,
    SynthesizerService,
    TranscriberService,
)
from .status import Usage, libraries

STALLED_S = 30.0
"""No native call takes as long, on any machine that can hold a conversation."""


class EngineServer:
    """Serves models that somebody else closes, on a socket that somebody else claimed."""

    def __init__(
        self, models: LocalModels, profile: Profile, voice: Path, *, stalled_s: float = STALLED_S
    ) -> None:
        """
        Args:
            voice: the file of the voice, which the persona may have chosen.
            stalled_s: a model that hasn't got on with its work for as long is stuck.
        """
        self._models = models
        self._profile = profile
        self._paths = {"stt": profile.stt, "llm": profile.llm, "voice": voice}
        self._stalled_s = stalled_s
        self._started = time.monotonic()
        self._stopping = False
        self._libraries = libraries()
        self._address: Address | None = None
        self._calls = calls = Calls()
        self._server = server = grpc.aio.server(options=channel.SERVER)
        generated: Any = engine_pb2_grpc  # has no types
        generated.add_TranscriberServicer_to_server(
            TranscriberService(models.transcriber, calls), server
        )
        generated.add_GeneratorServicer_to_server(GeneratorService(models.generator, calls), server)
        generated.add_SynthesizerServicer_to_server(
            SynthesizerService(models.synthesizer, calls), server
        )
        generated.add_EngineServicer_to_server(EngineService(self.health, self.status), server)

    def listen(self, socket: Path) -> None:
        """Makes the socket; nobody is answered before `start`.

        Raises:
            EngineError: there can't be a socket.
        """
        self._address = Address.of(socket)
        try:
            self._server.add_insecure_port(self._address.target)
            socket.chmod(0o600)
        except (RuntimeError, OSError) as e:
            self._address.close()
            raise EngineError(f"{socket}: the engine cannot listen there: {e}") from e

    async def start(self) -> None:
        await self._server.start()
        self._started = time.monotonic()

    async def stop(self, grace_s: float) -> None:
        """Takes no new calls, lets those in progress end, and after `grace_s` ends them."""
        self._stopping = True
        await self._server.stop(grace_s)
        if self._address is not None:
            self._address.close()

    def health(self) -> pb.HealthReport:
        if self._stopping:
            return pb.HealthReport(state=pb.STOPPING, reason="the engine is stopping")
        for model in self._model_reports():
            if model.stalled_s > self._stalled_s:
                dead = math.isinf(model.stalled_s)
                how = "has died" if dead else f"is stuck: {model.stalled_s:.0f} s in one call"
                return pb.HealthReport(state=pb.STALLED, reason=f"the {model.kind} model {how}")
        return pb.HealthReport(state=pb.SERVING)

    async def status(self) -> pb.StatusReport:
        usage = await asyncio.to_thread(Usage.now)
        info = self._models.synthesizer.info
        return pb.StatusReport(
            health=self.health(),
            version=__version__,
            profile=self._profile.name,
            pid=os.getpid(),
            uptime_s=time.monotonic() - self._started,
            load=usage.load,
            cpu_s=usage.cpu_s,
            cores=usage.cores,
            rss_bytes=usage.rss_bytes,
            pss_bytes=usage.pss_bytes,
            calls=self._calls.open,
            models=self._model_reports(),
            voice=pb.StatusReport.Voice(
                name=info.name,
                language=info.language,
                sample_rate_hz=info.sample_rate_hz,
                speakers=info.speakers,
            ),
            libraries=self._libraries,
        )

    def _model_reports(self) -> list[pb.StatusReport.Model]:
        models = self._models
        return [
            pb.StatusReport.Model(
                kind=kind,
                name=name,
                path=str(self._paths[kind]),
                active=half.active,
                queued=half.queued,
                stalled_s=half.stalled_s,
            )
            for kind, name, half in (
                ("stt", models.transcriber.model, models.transcriber),
                ("llm", models.generator.model, models.generator),
                ("voice", models.synthesizer.info.name, models.synthesizer),
            )
        ]
