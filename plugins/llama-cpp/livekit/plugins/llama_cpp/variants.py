"""The builds of llama.cpp's CPU code: which there are, which suits this processor, which is loaded.

Upstream calls them dynamic backends: `libggml-cpu-haswell.so` and others beside libllama, each
compiled for one family of processors. A process loads one of them, before its first model. A
llama.cpp that was built without them has its one build loaded with the library itself.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Collection
from pathlib import Path

from . import native
from .errors import ModelError

BUILT_IN = "built-in"
"""The name of the one build where there are no variants."""

_PREFIX, _ENDING = "libggml-cpu-", ".so"
_CORE = ("libggml.so", "libggml-base.so", "libggml-cpu.so")
_lock = threading.Lock()
_loaded: str | None = None


def names() -> list[str]:
    """Of all variants, whatever this processor is; empty where llama.cpp has one build."""
    files = native.folder.glob(f"{_PREFIX}*{_ENDING}")
    return sorted(file.name.removeprefix(_PREFIX).removesuffix(_ENDING) for file in files)


def path(name: str) -> Path:
    return native.folder / f"{_PREFIX}{name}{_ENDING}"


def score(name: str) -> int:
    """How well a variant suits this processor; 0 = it can't run here.

    Opens the library: where it is broken, the process may die of it.
    """
    try:
        ask = ctypes.CDLL(str(path(name))).ggml_backend_score
    except (OSError, AttributeError):
        return 0
    return int(ask())


def load(name: str | None = None) -> str:
    """Loads a variant, the best one if none is named, and what there is for GPUs.

    Once for a process: later calls change nothing.

    Returns:
        The name of the one that is loaded.

    Raises:
        ModelError: It can't be loaded.
    """
    global _loaded
    with _lock:
        if _loaded is None:
            _loaded = _load(name)
        return _loaded


def loaded() -> str | None:
    """The name of the one that this process has loaded."""
    return _loaded


def ranked(scores: dict[str, int], without: Collection[str] = ()) -> list[str]:
    """Those that can run here, best first."""
    usable = [name for name, points in scores.items() if points > 0 and name not in without]
    return sorted(usable, key=lambda name: (-scores[name], name))


def _load(name: str | None) -> str:
    native.start()
    if not names():
        return BUILT_IN
    for file in sorted(native.folder.glob("libggml-*.so")):
        if not file.name.startswith(_PREFIX) and file.name not in _CORE:
            # one for a GPU that isn't there refuses by itself
            native.ggml.ggml_backend_load(str(file).encode())
    if name is None:
        name = next(iter(ranked({each: score(each) for each in names()})), "")
    if not name or not native.ggml.ggml_backend_load(str(path(name)).encode()):
        raise ModelError(
            f"{native.folder}: no build of llama.cpp's CPU code could be loaded"
            f" ({name or 'none suits this processor'} of {', '.join(names())})"
        )
    return name
