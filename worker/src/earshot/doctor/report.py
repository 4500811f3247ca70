"""`earshot doctor --report FILE`: everything that helps somebody else to find a fault, in one file.

Versions, machine, settings, findings, services, metrics, the last lines of each log. No secret, no
word that was spoken, none that was typed: see `redaction.py`.
"""

import datetime
import importlib.metadata
import json
import os
import platform
import tempfile
from pathlib import Path
from typing import Any

import psutil

from .. import credentials
from ..cores import cores
from ..errors import OutputError
from ..up import report as services
from ..version import __version__
from .finding import Finding
from .redaction import Redaction
from .screen import as_json
from .services import get
from .target import Target

LIBRARIES = (
    "livekit", "livekit-api", "livekit-agents", "livekit-protocol", "ctranslate2", "faster-whisper",
    "llama-cpp-python", "onnxruntime", "piper-tts", "grpcio", "aiohttp", "numpy", "av",
)  # fmt: skip
LOG_LINES = 100
LOG_TAIL_BYTES = 256 * 1024
TEXTS = ("instructions", "greeting")
"""settings in a site's own words: how long they are says enough"""


def check(path: Path) -> None:
    """Before anything is done for it.

    Raises:
        OutputError: the file can't be written.
    """
    folder = path.absolute().parent
    if not folder.is_dir() or not os.access(folder, os.W_OK) or path.is_dir():
        raise OutputError(f"{path}: a file in a folder that can be written to was expected")


def save(path: Path, text: str) -> None:
    """In one step, and for this user alone.

    Raises:
        OutputError: the file can't be written; then there is none.
    """
    try:
        handle, name = tempfile.mkstemp(dir=path.absolute().parent, prefix=".report.")  # mode 600
        try:
            with os.fdopen(handle, "w") as file:
                file.write(text)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as e:
        raise OutputError(f"{path}: {e.strerror or e}") from e


async def compose(target: Target, findings: list[Finding]) -> str:
    """The report as JSON."""
    redaction = Redaction(_secrets(target))
    content: dict[str, Any] = {
        "earshot": __version__,
        "made": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        **as_json(target, findings),
        "versions": _versions(),
        "machine": _machine(),
        "settings": _settings(target),
        "services": await _services(target),
        "metrics": (await _metrics(target)).splitlines(),
    }
    content = redaction.value(content)
    content["logs"] = _logs(target, redaction)
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def _secrets(target: Target) -> list[str]:
    """Everything that is secret here, whether or not the doctor could use it."""
    found = [target.code, target.token, target.api_key, target.api_secret]
    if target.ticket:
        found.append(target.ticket.token)
    if target.credentials:
        found.append(target.credentials.redis_password)
    found += [os.environ.get(name, "") for name in ("LIVEKIT_API_KEY", "LIVEKIT_API_SECRET")]
    if target.state_dir:
        try:
            for path in credentials.folder(target.state_dir).iterdir():
                found += [word.strip(":\"'") for word in path.read_text().split()]
        except OSError:
            pass  # another user's: then what stands in logs can't be known, only by its looks
    return [secret for secret in found if secret]


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _machine() -> dict[str, Any]:
    memory = psutil.virtual_memory()
    processor = ""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        processor = next(
            (x.split(":", 1)[1].strip() for x in lines if x.startswith("model name")), ""
        )
    except OSError:
        pass
    return {
        "system": platform.platform(),
        "processor": processor,
        "cores": cores(),
        "load": os.getloadavg(),
        "memory_bytes": memory.total,
        "memory_free_bytes": memory.available,
        "interfaces": {
            name: [a.address for a in addresses if a.family.name.startswith("AF_INET")]
            for name, addresses in psutil.net_if_addrs().items()
        },
    }


def _settings(target: Target) -> dict[str, Any]:
    if target.settings is None:
        return {}
    values = target.settings.model_dump(mode="json")
    for name, value in values["persona"].items():
        if isinstance(value, str) and (name in TEXTS or name.endswith(("message", "prompt"))):
            values["persona"][name] = f"({len(value)} characters)"
    return values


async def _services(target: Target) -> dict[str, Any]:
    if not target.local or target.state_dir is None or target.endpoints is None:
        return {}
    known = services.recall(target.state_dir / "run")
    calls = await services.calls(target.endpoints) if target.kind == "up" else {}
    return services.make(target.endpoints, known, calls, services.Look())


async def _metrics(target: Target) -> str:
    if target.kind != "up" or target.endpoints is None or not target.endpoints.metrics:
        return ""
    status, text, _ = await get(target.endpoints.metrics, most_bytes=200_000)
    return text if status == 200 else ""


def _logs(target: Target, redaction: Redaction) -> dict[str, list[str]]:
    if target.state_dir is None:
        return {}
    found = {}
    for path in sorted((target.state_dir / "logs").glob("*.log*")):
        try:
            with path.open("rb") as file:
                file.seek(max(0, path.stat().st_size - LOG_TAIL_BYTES))
                lines = file.read().decode(errors="replace").splitlines()
        except OSError:
            continue
        found[path.name] = [redaction.line(line) for line in lines[-LOG_LINES:]]
    return found
