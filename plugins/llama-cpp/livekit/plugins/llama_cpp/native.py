"""llama.cpp as a library: how it is imported and where its log goes.

The only module that imports `llama_cpp`. Knows nothing of models or requests.
"""

from __future__ import annotations

import collections
import ctypes
import logging
import os
import threading
from pathlib import Path
from typing import Any

# OpenMP threads that spin while they wait starve the speech models on the same cores: 160 ms
# median and 3180 ms worst per token against 46 and 74 (1.5B shape, 2 cores). libgomp reads this
# once, when it is loaded, so it has to be set before the import below.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import llama_cpp as lib
from llama_cpp.llama_grammar import json_schema_to_gbnf

logger = logging.getLogger("livekit.plugins.llama_cpp.native")

_DEBUG, _ERROR, _CONTINUES = 1, 4, 5  # ggml_log_level
# Warnings are routine here: each aborted prefill and each full cache logs one.
_LEVELS = {_ERROR: logging.WARNING}
# What an aborted evaluation logs as errors: GGML_STATUS_ABORTED is 1, llama_decode returns 2.
_CANCELLED = ("failed with error 1", "compute status: 1", "ret = 2")
_recent: collections.deque[str] = collections.deque(maxlen=20)
folder = Path(os.environ.get("LLAMA_CPP_LIB_PATH") or Path(lib.__file__).with_name("lib"))
"""Where libllama lies, and beside it llama.cpp's other libraries."""
# ggml's symbols are found through libllama, which depends on the one copy that is in use
ggml = lib.llama_cpp._lib
ggml.ggml_backend_reg_count.restype = ctypes.c_size_t
ggml.ggml_backend_load.argtypes = [ctypes.c_char_p]
ggml.ggml_backend_load.restype = ctypes.c_void_p
_state = threading.local()
_backend_lock = threading.Lock()
_backend_ready = False


@lib.llama_log_callback  # type: ignore[untyped-decorator]
def _log(level: int, text: bytes | None, _user_data: Any) -> None:
    line = (text or b"").decode("utf-8", "replace")
    if level == _CONTINUES:
        level = getattr(_state, "level", _DEBUG)
    _state.level = level
    line = line.strip()
    if not line or line == ".":
        return
    if level == _ERROR and line.endswith(_CANCELLED):
        level = _DEBUG
    elif level == _ERROR:
        _recent.append(line)
    logger.log(_LEVELS.get(level, logging.DEBUG), "%s", line)


def start() -> None:
    """Initialises the backend once and takes over llama.cpp's log (standard error otherwise)."""
    global _backend_ready
    with _backend_lock:
        lib.llama_log_set(_log, ctypes.c_void_p(0))
        if not _backend_ready:
            lib.llama_backend_init()
            _backend_ready = True


def forget_errors() -> None:
    """Empties the memory of errors that `last_error` looks at."""
    _recent.clear()


def last_error() -> str:
    """The cause that llama.cpp logged for its latest failure: the first error line, bare."""
    if not _recent:
        return "unknown cause"
    line = next(iter(_recent))
    return line.split(": ", 1)[-1]


__all__ = ["folder", "forget_errors", "ggml", "json_schema_to_gbnf", "last_error", "lib", "start"]
