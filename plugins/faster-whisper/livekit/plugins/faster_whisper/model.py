"""A CTranslate2 Whisper directory: is it one, and loading it.

Knows nothing of audio, requests or scheduling.
"""

import json
import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import DeviceError, ModelFormatError, ModelNotFoundError
from .log import logger

if TYPE_CHECKING:
    from faster_whisper import WhisperModel  # type: ignore[import-untyped]

DEFAULT_WINDOWS_S = (10.0, 15.0, 20.0, 30.0)


@dataclass(frozen=True, slots=True)
class ModelDirectory:
    path: Path
    windows_s: tuple[float, ...]
    """Window lengths the model is accurate at: what its `preprocessor_config.json` says under
    `windows_s`, else the lengths that cost stock models no accuracy."""


def inspect(path: str | Path) -> ModelDirectory:
    """Checks a model directory without loading it.

    Raises:
        ModelNotFoundError: there is no such directory.
        ModelFormatError: it isn't a CTranslate2 Whisper directory.
    """
    path = Path(path)
    expected = "expected a CTranslate2 Whisper directory"
    if not path.exists():
        raise ModelNotFoundError(f"{path}: no such directory; {expected}")
    if not path.is_dir():
        raise ModelFormatError(f"{path}: a file; {expected}")
    # without tokenizer.json faster_whisper would look for it on a model hub
    for name in ("model.bin", "config.json", "tokenizer.json"):
        if not (path / name).is_file():
            raise ModelFormatError(f"{path}: {name} is missing; {expected}")
    kind = _kind(path / "model.bin")
    if kind != "WhisperSpec":
        raise ModelFormatError(f"{path / 'model.bin'}: holds {kind!r}; {expected}")
    _json(path / "config.json", dict)
    if not any((path / name).is_file() for name in ("vocabulary.json", "vocabulary.txt")):
        raise ModelFormatError(f"{path}: vocabulary.json is missing; {expected}")
    preprocessor = path / "preprocessor_config.json"
    config = _json(preprocessor, dict) if preprocessor.exists() else {}
    return ModelDirectory(
        path=path,
        windows_s=_windows(config.get("windows_s", DEFAULT_WINDOWS_S), preprocessor),
    )


def load(
    directory: ModelDirectory, *, device: str, compute_type: str, threads: int, workers: int
) -> "WhisperModel":
    """Loads the weights; takes from 50 ms to many seconds.

    Raises:
        ModelFormatError: a file is damaged.
        DeviceError: the device or compute type isn't there.
    """
    # GNU OpenMP spins by default: two pools of two threads side by side on two cores were seven
    # times slower than one thread each. It reads this once, when it is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    import ctranslate2  # type: ignore[import-untyped]

    from faster_whisper import WhisperModel

    if device == "auto":
        device = "cuda" if ctranslate2.get_cuda_device_count() > 0 else "cpu"
    try:
        supported = ctranslate2.get_supported_compute_types(device)
    except (RuntimeError, ValueError) as e:
        raise DeviceError(f"device {device!r} can't be used: {e}") from e
    if compute_type == "auto":
        wanted = ("int8",) if device == "cpu" else ("float16", "int8_float32")
        compute_type = next((t for t in wanted if t in supported), "float32")
    elif compute_type not in supported:
        raise DeviceError(
            f"compute type {compute_type!r} on {device}: expected one of "
            + ", ".join(sorted(supported))
        )
    try:
        model = WhisperModel(
            str(directory.path),
            device=device,
            compute_type=compute_type,
            cpu_threads=threads,
            num_workers=workers,
            local_files_only=True,
        )
    except MemoryError as e:
        raise ModelFormatError(f"{directory.path}: not enough memory to load it") from e
    except Exception as e:
        # CTranslate2 and tokenizers raise RuntimeError, ValueError and bare Exception
        raise ModelFormatError(f"{directory.path}: damaged: {_one_line(e)}") from e
    logger.info(
        "loaded %s on %s (%s), %d x %d threads",
        directory.path.name,
        device,
        compute_type,
        workers,
        threads,
    )
    return model


def _kind(model_bin: Path) -> str:
    """Name of the model specification in the header of a CTranslate2 binary."""
    with model_bin.open("rb") as f:
        head = f.read(6)
        if len(head) < 6:
            return "nothing"
        version, length = struct.unpack("<IH", head)
        if not (1 <= version <= 100 and 1 <= length <= 100):
            return "no CTranslate2 model"
        return f.read(length).rstrip(b"\0").decode("ascii", "replace")


def _json(path: Path, kind: type) -> Any:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as e:
        raise ModelFormatError(f"{path}: not readable as JSON: {_one_line(e)}") from e
    if not isinstance(value, kind):
        raise ModelFormatError(f"{path}: expected a JSON {'object' if kind is dict else 'array'}")
    return value


def _windows(value: Any, where: Path) -> tuple[float, ...]:
    numbers = isinstance(value, (list, tuple)) and all(isinstance(x, (int, float)) for x in value)
    if not (numbers and value and all(0.5 <= x <= 30 for x in value)):
        raise ModelFormatError(f"{where}: windows_s is {value!r}; expected seconds from 0.5 to 30")
    return tuple(sorted({*map(float, value), 30.0}))


def _one_line(error: BaseException) -> str:
    return str(error).strip().split("\n")[0] or type(error).__name__
