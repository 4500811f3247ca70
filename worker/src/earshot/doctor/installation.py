"""Checks before anything runs: settings, secrets, models, the machine, its address and ports."""

import asyncio
import contextlib
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from ..cores import cores
from ..errors import EarshotError, ModelError
from ..models import load_profile
from ..progress import size
from ..settings import of_services
from ..settings_file import config_file
from ..up import livekit
from ..up.address import find
from ..up.plan import ports_needed
from ..up.ports import choose
from .finding import Finding, green, red, yellow
from .target import Target

if TYPE_CHECKING:
    from livekit.plugins.llama_cpp.build import Build

DISK_MIN_BYTES = 500_000_000
MEMORY_FACTOR = 1.3
"""what models take in memory, by what they take on disk…"""
MEMORY_FLOOR_BYTES = 500_000_000
"""…and what everything else takes"""


async def settings(target: Target) -> AsyncIterator[Finding]:
    if target.settings is None:
        yield red("settings", "settings_wrong", target.trouble)
        return
    file = config_file()
    source = str(file) if file else "defaults and environment"
    ignored = of_services()
    said = f"; ignored, as a cluster's own: {', '.join(ignored)}" if ignored else ""
    yield green("settings", f"{source}, profile {target.settings.profile}{said}")


async def secrets(target: Target) -> AsyncIterator[Finding]:
    assert target.state_dir is not None
    if target.hidden:
        yield red("secrets", "secrets_hidden", f"{target.state_dir / 'secrets'}: another user's")
    elif target.trouble:
        yield red("secrets", "secrets_unusable", target.trouble)
    elif target.credentials is None:
        yield green("secrets", "none yet, made at the first start")
    else:
        yield green("secrets", f"{target.state_dir / 'secrets'}: keys and access code, private")


async def models(target: Target) -> AsyncIterator[Finding]:
    assert target.settings is not None
    try:
        profile = load_profile(target.settings.profile, target.settings.models_dir)
    except ModelError as e:
        yield red("models", "models_incomplete", str(e))
        return
    lacking = [m for m in profile.models if m.state != "present"]
    if lacking:
        said = "; ".join(f"{m.title}: {m.state}, {m.folder}" for m in lacking)
        yield red("models", "models_incomplete", said)
        return
    total = sum(m.bytes for m in profile.models)
    yield green("models", f"{profile.name}: 3 models, {size(total)}, sizes right")


async def processor(target: Target) -> AsyncIterator[Finding]:
    """Which build of llama.cpp runs the language model; where nobody knows yet, it is tried."""
    from livekit.plugins import llama_cpp  # here: on the main thread, or it refuses  # noqa: F401

    assert target.settings is not None and target.state_dir is not None
    profile = load_profile(target.settings.profile, target.settings.models_dir)
    known, wish = target.state_dir / "variants", target.settings.llm.variant
    try:
        build = await asyncio.to_thread(_build, profile.llm, wish, known)
    except ModelError as e:
        yield red("processor", "variant_none", str(e))
        return
    said = f"{profile.llm.name} runs on {build.variant}, {build.cpu}"
    if build.refused:
        refused = ", ".join(f"{name} ({why})" for name, why in build.refused.items())
        yield yellow("processor", "variant_refused", f"{said}; refused: {refused}")
    else:
        yield green("processor", said)


def _build(model: Path, wish: str, known: Path) -> "Build":
    """Raises: ModelError."""
    from livekit.plugins import llama_cpp
    from livekit.plugins.llama_cpp.build import choose_build

    with tempfile.TemporaryDirectory() as folder:  # the doctor changes nothing
        with contextlib.suppress(OSError):
            shutil.copytree(known, folder, dirs_exist_ok=True)
        try:
            return choose_build(model, wish=wish, cache_dir=folder)
        except llama_cpp.ModelError as e:
            raise ModelError(str(e)) from e


async def machine(target: Target) -> AsyncIterator[Finding]:
    assert target.settings is not None and target.state_dir is not None
    place = target.state_dir
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    memory = psutil.virtual_memory()
    said = (
        f"{cores()} cores, load {os.getloadavg()[0]:.1f}, {size(memory.available)} of"
        f" {size(memory.total)} memory free, {size(free)} disk free"
    )
    needed = 0
    if not target.running:
        try:
            profile = load_profile(target.settings.profile, target.settings.models_dir)
            needed = int(sum(m.bytes for m in profile.models) * MEMORY_FACTOR) + MEMORY_FLOOR_BYTES
        except ModelError:
            pass  # told above
    if free < DISK_MIN_BYTES:
        yield yellow("machine", "disk_full", said)
    elif memory.available < needed:
        yield yellow("machine", "memory_short", f"{said}; {size(needed)} are expected to be taken")
    elif cores() < 2:
        yield yellow("machine", "cores_few", said)
    else:
        yield green("machine", said)


async def address(target: Target) -> AsyncIterator[Finding]:
    """What callers are told, by the settings, on a machine of our own."""
    assert target.settings is not None
    network = target.settings.network
    if target.endpoints and target.endpoints.page_lan and not network.address:
        # `up --lan` is not in the settings
        network = network.model_copy(update={"listen": "lan"})
    try:
        found = await asyncio.to_thread(find, network)
    except EarshotError as e:
        yield red("address", "settings_wrong", str(e))
        return
    if found.foreign and _inside():
        yield green("address", f"callers are told {found.ip}: that of the machine around us")
    elif found.foreign:
        yield yellow("address", "address_foreign", found.warning)
    elif found.warning and not found.loopback:
        yield yellow("address", "address_doubtful", found.warning)
    else:
        yield green("address", f"callers are told {found.ip}: {found.why}")


async def ports(target: Target) -> AsyncIterator[Finding]:
    """Are they free, where nothing runs? Where it does, they are looked at one by one below."""
    assert target.settings is not None
    if target.running:
        listed = target.endpoints.ports if target.endpoints else {}
        yield green("ports", "in use by the stack: " + ", ".join(str(p) for p in listed.values()))
        return
    own_server = not target.settings.livekit.url
    if own_server and not _inside():  # beside a container stands another, with livekit-server
        try:
            livekit.program()
        except EarshotError as e:
            yield red("ports", "program_missing", str(e))
            return
    found = await asyncio.to_thread(find, target.settings.network)
    store = own_server and shutil.which("redis-server") is not None
    needs = ports_needed(found, own_server, store)
    _, busy = await asyncio.to_thread(
        lambda: choose(target.settings.network, needs, auto=False)  # type: ignore[union-attr]
    )
    if busy:
        yield red("ports", "ports_busy", "; ".join(str(b) for b in busy))
    else:
        yield green("ports", "all free")


def _inside() -> bool:
    """In a container: its address is never the one that callers use."""
    return Path("/.dockerenv").exists() or Path("/run/.containerenv").exists()
