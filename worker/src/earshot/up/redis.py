"""redis: its program and its configuration. It holds nothing that is worth keeping."""

import re
import shutil
from pathlib import Path

from ..errors import StackError
from ..settings import LivekitSettings

_CONFIGURATION = """\
# Written by Earshot at each start; changes are lost.
bind {bind}
protected-mode yes
port {port}
requirepass {password}
daemonize no
loglevel warning
logfile ""
# rooms and messages of calls that run: gone with them
save ""
appendonly no
maxmemory 64mb
maxmemory-policy noeviction
"""


def password(path: Path) -> str:
    """What a redis.conf of ours says, "" if there is none."""
    text = path.read_text() if path.exists() else ""
    found = re.search(r"^requirepass (\S+)$", text, re.MULTILINE)
    return found[1] if found else ""


def render(port: int, password: str, bind: str = "127.0.0.1") -> str:
    """redis.conf; holds the password, which would be seen by all on a command line."""
    return _CONFIGURATION.format(port=port, password=password, bind=bind)


def program(settings: LivekitSettings) -> str:
    """The redis-server to run; empty = run without.

    Raises:
        StackError: livekit.redis is `on`, and there is none.
    """
    if settings.redis == "off":
        return ""
    found = shutil.which("redis-server") or ""
    if settings.redis == "on" and not found:
        raise StackError(
            "livekit.redis = 'on': redis-server is not on PATH (apt install redis-server)"
        )
    return found
