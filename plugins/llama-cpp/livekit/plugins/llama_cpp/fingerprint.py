"""What a saved state depends on, as one number: model, build, context.

Numbers of other code on another processor would nearly do, and nobody would ever find out why an
answer differs: so whatever may change them is part of it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

from .context import Context
from .model import Model
from .native import lib

_SAMPLES, _SAMPLE_BYTES = 64, 1 << 16
_SPLIT = re.compile(r"-\d{5}-of-\d{5}\.gguf$")


def fingerprint(model: Model, context: Context) -> bytes:
    """SHA-256 of everything that the state of a sequence depends on but its tokens."""
    facts = {
        "model": [_file(path) for path in _parts(model.path)],
        "gpu_layers": model.gpu_layers,
        "build": [lib.__version__, *sorted(_libraries())],
        "processor": lib.llama_print_system_info().decode("utf-8", "replace"),
        "context": context.layout,
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).digest()


def _parts(path: Path) -> list[Path]:
    """The file, or all parts of a model that was split."""
    if not _SPLIT.search(path.name):
        return [path]
    stem = _SPLIT.sub("", path.name)
    return sorted(
        p for p in path.parent.iterdir() if _SPLIT.search(p.name) and p.name.startswith(stem)
    )


def _file(path: Path) -> tuple[int, int, str]:
    """Size, time of change, and a digest of pieces all over the file: reading gigabytes at each
    start would cost what is to be saved."""
    stat = path.stat()
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for i in range(_SAMPLES):
            file.seek(max(stat.st_size - _SAMPLE_BYTES, 0) * i // (_SAMPLES - 1))
            digest.update(file.read(_SAMPLE_BYTES))
    return stat.st_size, stat.st_mtime_ns, digest.hexdigest()


def _libraries() -> Iterator[tuple[str, int, int]]:
    """The compiled libraries: the same version may have been built anew, in another way."""
    folder = Path(lib.llama_cpp._lib._name).parent
    for pattern in ("*ggml*", "*llama*"):
        for file in folder.glob(pattern):
            if file.is_file():
                stat = file.stat()
                yield file.name, stat.st_size, stat.st_mtime_ns
