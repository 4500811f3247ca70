"""What is looked at, and what the checks learn of it on their way."""

import contextlib
from dataclasses import dataclass, field
from pathlib import Path

from .. import credentials, endpoints
from ..caller.ticket import Ticket
from ..credentials import Credentials
from ..endpoints import Endpoints
from ..errors import CredentialsError, NotRunningError, SettingsError
from ..settings import Settings, load
from .signalling import Joined

SECRETS = (credentials.KEY_FILE, "access-code")
"""without these there is no call"""
COMPOSE_STATE = Path(".earshot/worker")
"""The worker's state folder beside compose.yaml (`earshot init`)."""


@dataclass
class Target:
    """A running Earshot, or a part of it. Made by `here`, `of_page` or `of_server`."""

    kind: str
    """up (this machine's), compose (containers of this folder), page (elsewhere), server"""
    settings: Settings | None = None
    trouble: str = ""
    """Why there are no settings or secrets."""
    hidden: bool = False
    """The secrets are another user's."""
    state_dir: Path | None = None
    endpoints: Endpoints | None = None
    credentials: Credentials | None = None
    page: str = ""
    """Its address as a caller uses it; empty: there is none."""
    livekit: str = ""
    """livekit-server's address, `ws://…`; learned from the page where it is not known."""
    code: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    """Given by the operator, in place of one from the page."""
    api_key: str = ""
    api_secret: str = field(default="", repr=False)
    ticket: Ticket | None = None
    """learned: what a caller gets"""
    joined: Joined | None = None
    """learned: what a caller is told"""

    @property
    def local(self) -> bool:
        """Whether files and processes can be looked at."""
        return self.kind in ("up", "compose")

    @property
    def running(self) -> bool:
        from ..up.stack import runs

        if self.state_dir is None:
            return True
        try:
            return runs(self.state_dir)
        except OSError:
            return False

    @property
    def name(self) -> str:
        """For people."""
        where = {"up": str(self.state_dir), "compose": "the containers of this folder",
                 "page": self.page, "server": self.livekit}  # fmt: skip
        return where[self.kind]


def here(state_dir: Path | None = None) -> Target:
    """What runs on this machine: `earshot up`, else the containers of this folder."""
    from ..up.stack import runs

    try:
        settings = load()
    except SettingsError as e:
        return Target("up", trouble=str(e))
    place = state_dir or settings.state_dir
    kind = "up"
    if state_dir is None and not (place / "run" / "up.lock").exists():
        with contextlib.suppress(OSError):
            if (COMPOSE_STATE / "run").is_dir() or runs(COMPOSE_STATE):
                place, kind = COMPOSE_STATE, "compose"
    target = Target(kind, settings, state_dir=place)
    with contextlib.suppress(NotRunningError):
        target.endpoints = endpoints.read(place)
    try:
        folder = credentials.folder(place)
        # none are made here: the doctor leaves everything as it is
        if all((folder / name).exists() for name in SECRETS):
            own_redis = (folder / "redis-password").exists()
            target.credentials = credentials.load_or_create(place, redis=own_redis)
        elif folder.exists():
            target.trouble = f"{folder}: {', '.join(SECRETS)} were expected in it"
    except PermissionError:
        target.hidden = True
    except (CredentialsError, OSError) as e:
        target.trouble = str(e)
    _fill(target)
    return target


def _fill(target: Target) -> None:
    found, secrets = target.endpoints, target.credentials
    if secrets:
        target.code = secrets.access_code
        target.api_key, target.api_secret = secrets.api_key, secrets.api_secret
    if found is None or target.settings is None:
        return
    if target.kind == "compose":
        # the addresses in the file are those inside the container; the page's port is published
        target.page = f"http://127.0.0.1:{found.ports['page_port']}"
        return
    target.page = found.page_lan or found.page
    if target.settings.livekit.url:
        # somebody else's server, or, in a container, the one beside it: as the worker reaches it
        target.page = found.page
        target.livekit = found.livekit_internal


def of_page(page: str, code: str = "") -> Target:
    """A page elsewhere, as a caller's machine sees it."""
    return Target("page", page=page.rstrip("/"), code=code)


def of_server(url: str, api_key: str, api_secret: str) -> Target:
    """Any livekit-server, by its key."""
    return Target("server", livekit=url, api_key=api_key, api_secret=api_secret)
