"""Which livekit-server a command talks to, and with which key. The first that is given wins:

1. `--project NAME`: a server with a name (`projects`)
2. `--url URL`, with LIVEKIT_API_KEY and LIVEKIT_API_SECRET; without them, with the key of the
   project or of the running stack that has this address
3. LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET, all three
4. the project in use (`earshot project use NAME`)
5. what runs here: `earshot up`, else the server of the setting `livekit.url`, else docker compose
   in this folder

A secret has no option of its own: everybody on a machine may read its command lines.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from .. import credentials, endpoints
from ..errors import CredentialsError, InitError, NotRunningError
from ..init.env_file import EnvFile
from ..settings import Settings
from ..settings import load as load_settings
from . import projects

URL, KEY, SECRET = "LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET"
_SCHEMES = {"ws": "http", "wss": "https", "http": "http", "https": "https"}


@dataclass(frozen=True)
class Connection:
    """A server, a key, and how they were found."""

    url: str
    """As `ws://…` or `wss://…`; empty where only the key was asked for."""
    api_key: str
    api_secret: str = field(repr=False)
    origin: str
    """`--url`, `environment`, `project office`, `earshot up`, …"""

    @property
    def http_url(self) -> str:
        """The same address for requests."""
        return "http" + self.url.removeprefix("ws")


def resolve(
    url: str | None = None, project: str | None = None, *, address: bool = True
) -> Connection:
    """The server and the key that the module's docstring promises.

    Args:
        address: whether one is needed; without, LIVEKIT_API_KEY and LIVEKIT_API_SECRET are enough.

    Raises:
        CredentialsError: both of them given; a key that is missing or not to be had; no address.
        NotRunningError: nothing is given and nothing runs here.
    """
    if url and project:
        raise CredentialsError("--url and --project name a server each; one of them was expected")
    if project:
        return _of_project(project)
    if url:
        return _of_url(check_url(url, "--url"))
    if os.environ.get(URL):
        return _of_environment()
    if not address and os.environ.get(KEY) and os.environ.get(SECRET):
        return Connection("", os.environ[KEY], os.environ[SECRET], "environment")
    if lonely := [name for name in (KEY, SECRET) if os.environ.get(name)]:
        if not address:
            raise CredentialsError(
                f"{lonely[0]} is set, but not {SECRET if lonely == [KEY] else KEY}"
            )
        raise CredentialsError(
            f"{' and '.join(lonely)} set, but neither {URL} nor --url: the address of the server"
            " was expected too"
        )
    used = projects.load().use
    return _of_project(used) if used else _here()


def known() -> Iterator[Connection]:
    """Every server whose key is at hand, best first; what can't be read is left out."""
    alone = os.environ.get(KEY) and os.environ.get(SECRET)
    tries: list[Callable[[], Connection]] = []
    if os.environ.get(URL):
        tries = [_of_environment]
    elif alone:
        tries = [lambda: resolve(address=False)]
    try:
        names = list(projects.load().by_name)
    except CredentialsError:
        names = []
    for attempt in [*tries, *(lambda n=n: _of_project(n) for n in names), _here]:
        try:
            yield attempt()
        except (CredentialsError, NotRunningError):
            continue


def check_url(url: str, source: str) -> str:
    """The address as `ws://…` or `wss://…`.

    Raises:
        CredentialsError: not the address of a server.
    """
    try:
        parts = urlsplit(url.strip())
        port = parts.port  # raises when it is no number
    except ValueError as e:
        raise CredentialsError(f"{source} {url!r}: {e}") from e
    if parts.scheme not in _SCHEMES or not parts.hostname or port == 0:
        raise CredentialsError(
            f"{source} {url!r}: expected ws://HOST:PORT, wss://, http:// or https://"
        )
    if parts.username or parts.query or parts.fragment:
        raise CredentialsError(f"{source} {url!r}: expected an address without user, `?` and `#`")
    scheme = "ws" + _SCHEMES[parts.scheme].removeprefix("http")
    return f"{scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def _of_project(name: str) -> Connection:
    project = projects.load().get(name)
    where = f"{projects.path()}: project {name!r}: url"
    return Connection(
        check_url(project.url, where), project.api_key, project.api_secret, f"project {name}"
    )


def _of_environment() -> Connection:
    missing = [name for name in (KEY, SECRET) if not os.environ.get(name)]
    if missing:
        raise CredentialsError(f"{URL} is set, but not {' and '.join(missing)}")
    url = check_url(os.environ[URL], URL)
    return Connection(url, os.environ[KEY], os.environ[SECRET], "environment")


def _of_url(url: str) -> Connection:
    key, secret = os.environ.get(KEY, ""), os.environ.get(SECRET, "")
    if key and secret:
        return Connection(url, key, secret, "--url")
    if key or secret:
        raise CredentialsError(f"{KEY if key else SECRET} is set, but not {SECRET if key else KEY}")
    for other in known():
        if other.url and _place(other.url) == _place(url):
            return Connection(url, other.api_key, other.api_secret, f"--url, key of {other.origin}")
    raise CredentialsError(
        f"--url {url}: its key is not known: set {KEY} and {SECRET}, or `earshot project add`"
    )


def _place(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    host = parts.hostname or ""
    return (
        "127.0.0.1" if host == "localhost" else host,
        parts.port or (443 if parts.scheme == "wss" else 80),
    )


def _here() -> Connection:
    from ..up.stack import runs

    settings = load_settings()
    if runs(settings.state_dir):
        url, origin = endpoints.read(settings.state_dir).livekit_internal, "earshot up"
        return _with_keys(url, settings.state_dir, origin)
    if settings.livekit.url:
        return _with_keys(settings.livekit.url, settings.state_dir, "setting livekit.url")
    return _compose(settings)


def _compose(settings: Settings) -> Connection:
    """docker compose publishes livekit-server's port, and `earshot init` made its keys."""
    environment, state = Path(".env"), Path(".earshot/worker")
    if not (credentials.folder(state) / credentials.KEY_FILE).is_file():
        raise NotRunningError(
            f"no livekit-server: `earshot up` does not run with {settings.state_dir}; start it, or"
            f" name a server by --url, {URL} or --project"
        )
    try:
        port = EnvFile(environment).get("EARSHOT_NETWORK__LIVEKIT_PORT")
    except InitError as e:
        raise CredentialsError(str(e)) from e
    port = port or str(settings.network.livekit_port)
    return _with_keys(f"ws://127.0.0.1:{port}", state, "docker compose in this folder")


def _with_keys(url: str, state_dir: Path, origin: str) -> Connection:
    keys = credentials.load_or_create(state_dir, own_keys=False)
    return Connection(check_url(url, origin), keys.api_key, keys.api_secret, origin)
