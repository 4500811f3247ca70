"""`llama_cpp.Llama` as the rivals use it: on the same build of llama.cpp's CPU code as ours."""

from pathlib import Path
from typing import Any

from livekit.plugins import llama_cpp as _  # noqa: F401 - LiveKit registers it on the main thread


def llama(path: Path | str, *, n_ctx: int, threads: int) -> Any:
    """Loads a model the stock way."""
    from livekit.plugins.llama_cpp import variants
    from llama_cpp import Llama

    variants.load()  # the stock library loads none, and without one no model
    return Llama(str(path), n_ctx=n_ctx, n_threads=threads, n_threads_batch=threads, verbose=False)
