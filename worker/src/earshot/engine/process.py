"""The engine process from start to end: load, warm, serve, stop."""

import asyncio
import gc
import os
import signal
import time
from pathlib import Path

import structlog

from .. import log
from ..models import Profile, load_profile
from ..settings import Settings
from .address import Claim, default_socket
from .running import Running

GRACE_S = 2.0
"""For requests in progress when the engine is told to stop."""
CLOSE_S = 1.5
"""For native calls to come back after that; then the process ends without them."""

_log = structlog.get_logger(__name__)


def run(settings: Settings, socket: Path | None = None) -> int:
    """Serves until SIGTERM or SIGINT.

    Raises:
        EngineError: another engine listens there, or the socket's folder isn't private.
        ModelError: a model is missing, damaged, or of another format.
    """
    log.configure(settings.log)
    path = (socket or default_socket(settings.state_dir)).absolute()
    claim = Claim(path)
    # nothing has begun that would have to be ended: while models load, a signal just kills
    interrupt = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        profile = load_profile(settings.profile, settings.models_dir)
        profile.verify(settings.state_dir / "checksums.json")
        asyncio.run(_serve(settings, profile, path))
    finally:
        signal.signal(signal.SIGINT, interrupt)
        claim.release()
    return 0


async def _serve(settings: Settings, profile: Profile, socket: Path) -> None:
    from ..session import load_models
    from .server import EngineServer
    from .warmth import warm

    began = time.monotonic()
    models = await asyncio.to_thread(load_models, settings, profile)
    build = models.generator.build
    Running(str(profile.llm), build.variant, build.cpu).leave(socket.parent)
    try:
        await warm(models)
        gc.collect()
        gc.freeze()  # what is here now stays: the collector needn't walk through it in a turn
        server = EngineServer(models, profile, settings.persona.voice or profile.voice)
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        server.listen(socket)
        await server.start()
        _log.info("ready", profile=profile.name, seconds=round(time.monotonic() - began, 2))
        await stop.wait()
        await server.stop(GRACE_S)
    finally:
        try:
            async with asyncio.timeout(CLOSE_S):
                await models.aclose()
        except Exception:
            # a native call that hangs would hold the interpreter for ever
            _log.exception("the models could not be closed")
            os._exit(1)
