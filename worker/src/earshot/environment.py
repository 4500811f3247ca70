"""The variables EARSHOT_…: which are settings, which are mistakes, which are a cluster's.

For a service that is named `earshot` or `earshot-web`, Kubernetes gives every container near it
EARSHOT_SERVICE_HOST, EARSHOT_PORT=tcp://10.0.0.1:8080, EARSHOT_WEB_PORT_80_TCP_ADDR and so on, and
linked containers of Docker get some of them too. Name and value together tell them from mistakes.
"""

import ipaddress
import os
import re
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel

from .errors import SettingsError

_PROTOCOL = r"(?:tcp|udp|sctp)"


def _address(value: str) -> bool:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return True


def _matches(pattern: str) -> Callable[[str], bool]:
    return lambda value: re.fullmatch(pattern, value) is not None


_SERVICE = r"EARSHOT(?:_[A-Z0-9_]+)?"
_PORT = rf"{_SERVICE}_PORT_\d+_{_PROTOCOL.upper()}"
_FORMS: tuple[tuple[re.Pattern[str], Callable[[str], bool]], ...] = tuple(
    (re.compile(name), holds)
    for name, holds in (
        (rf"{_SERVICE}_SERVICE_HOST", _address),
        (rf"{_SERVICE}_SERVICE_PORT(?:_[A-Z0-9_]+)?", _matches(r"\d{1,5}")),
        (rf"{_SERVICE}_PORT|{_PORT}", _matches(rf"{_PROTOCOL}://\S+:\d{{1,5}}")),
        (rf"{_PORT}_PROTO", _matches(_PROTOCOL)),
        (rf"{_PORT}_PORT", _matches(r"\d{1,5}")),
        (rf"{_PORT}_ADDR", _address),
    )
)


def refuse_unknown(settings: type[BaseModel]) -> None:
    """Pydantic-settings ignores unknown variables: a typing error would pass.

    Raises:
        SettingsError: a variable names no setting, and is not of a cluster's service either.
    """
    services = of_services(settings)
    for name in sorted(os.environ):
        if name not in services and (fault := _fault(name, settings)):
            raise SettingsError(f"{name}={os.environ[name]!r}: {fault}")


def of_services(settings: type[BaseModel]) -> list[str]:
    """The variables that a cluster has set for services whose names begin like ours."""
    return sorted(
        name
        for name, value in os.environ.items()
        if any(form.fullmatch(name) and holds(value) for form, holds in _FORMS)
        and _fault(name, settings)
    )


def _fault(name: str, settings: type[BaseModel]) -> str:
    """Why a variable is no setting; empty when it is one, or is none of ours."""
    if not name.startswith("EARSHOT_") or name == "EARSHOT_CONFIG":
        return ""
    parts = name.removeprefix("EARSHOT_").lower().split("__")
    fields: Mapping[str, Any] = settings.model_fields
    for i, part in enumerate(parts):
        if part not in fields:
            return f"no such key; known: {', '.join(fields)}"
        group = fields[part].annotation
        if isinstance(group, type) and issubclass(group, BaseModel):
            fields = group.model_fields
        elif i < len(parts) - 1:
            return f"{part!r} holds no further keys"
    return ""
