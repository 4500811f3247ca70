"""What a person reads before anything is fetched: from where, how much, which licences."""

import math
import re
from collections.abc import Collection

from ..progress import size
from .fetch import Missing
from .hub import Hub
from .packages import INDEX
from .sources import Origin

REAL = "mini"
"""The profile that is offered to whoever has none but the demonstration models."""
DEMONSTRATION = (
    "demonstration models: they have never heard a person and misunderstand most of what people say"
)
HOW = f"real ones: earshot up --profile {REAL} --fetch"
RATE_MBIT_S = 50
"""What a line is taken to carry, where a time is named."""


def contacts(work: list[Missing], hub: Hub, origins: Collection[Origin]) -> str:
    """Who is going to be contacted, in the order in which they are tried, and for how much."""
    models = [item.model for item in work]
    hosts = []
    if "hub" in origins and any(model.source for model in models):
        hosts.append(f"{hub.host} and the storage that it redirects to")
    if "mirrors" in origins and any(model.mirrors for model in models):
        hosts.append("mirrors that the manifest names")
    if "packages" in origins and any(file.packages for item in work for file in item.files):
        hosts.append(f"{INDEX} that pip is configured for")
    return f"This contacts {', then, where that fails, '.join(hosts)}: {cost(work)}"


def cost(work: list[Missing]) -> str:
    """`702.5 MB, about 2 minutes at 50 Mbit/s`"""
    total = sum(item.bytes for item in work)
    minutes = math.ceil(total * 8 / (RATE_MBIT_S * 1e6) / 60)
    about = "a minute" if minutes <= 1 else f"{minutes} minutes"
    return f"{size(total)}, about {about} at {RATE_MBIT_S} Mbit/s"


def described(work: list[Missing], origins: Collection[Origin]) -> list[str]:
    """A few lines for each model: size, licence, where it comes from, what is not known of it."""
    lines = []
    for item in work:
        model = item.model
        lines.append(f"  {model.title}, {size(item.bytes)}, licence: {model.licence}")
        if model.source and "hub" in origins:
            lines.append(f"    from {model.source.repository} at {model.source.revision}")
        wheels = [f"{p.project}=={p.version}" for file in item.files for p in file.packages]
        if wheels and "packages" in origins:
            named = list(dict.fromkeys(wheels))
            more = f" and {len(named) - 2} more" if len(named) > 2 else ""
            lines.append(f"    out of packages: {', '.join(named[:2])}{more}")
        unknown = [file.path.name for file in item.files if not file.sha256]
        if unknown:
            lines.append(
                f"    no checksum is known yet of {', '.join(unknown)}: what arrives now is"
                " trusted and recorded"
            )
    return lines


def short(work: list[Missing]) -> str:
    """`Whisper base (MIT), Qwen2.5-Coder 0.5B (Apache-2.0), Piper en_US joe (CC0)`"""
    models = [item.model for item in work]
    return ", ".join(f"{re.split(r',| [(]', m.title)[0]} ({m.licence})" for m in models)
