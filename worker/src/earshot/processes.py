"""The processes of calls, before there are any: what they inherit, and whom they are forked from.

LiveKit forks them from a server that has imported everything, 1.5 s of work on a core. It is begun
while the engine still loads, so it has to be told first all that AgentServer would tell it later.
"""

import multiprocessing
import os
from multiprocessing import forkserver
from pathlib import Path

from .credentials import Credentials

_PRELOADED = (
    "livekit.plugins.faster_whisper",
    "livekit.plugins.llama_cpp",
    "livekit.plugins.piper",
    "livekit.plugins.silero",
    "earshot.call",
    "livekit.agents.ipc._preload",
    "livekit.agents.ipc._preload_freeze",  # last: what is there now is left out of collections
)


def begin(
    url: str, credentials: Credentials, metrics: Path, *, livekit_models: bool = False
) -> None:
    """Starts the fork server; returns at once.

    Args:
        url: of livekit-server.
        metrics: folder in which processes leave their counts.
        livekit_models: whether LiveKit's own detectors of voice and of turns will be asked.
    """
    metrics.mkdir(parents=True, exist_ok=True)
    os.environ["LIVEKIT_URL"] = url
    os.environ["LIVEKIT_API_KEY"] = credentials.api_key
    os.environ["LIVEKIT_API_SECRET"] = credentials.api_secret
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(metrics)
    if not livekit_models:  # 240 MB, read by the fork server whether anybody asks them or not
        os.environ.setdefault("LIVEKIT_AGENTS_PRELOAD_LOCAL_INFERENCE", "0")
    multiprocessing.get_context("forkserver").set_forkserver_preload(list(_PRELOADED))
    forkserver.ensure_running()
