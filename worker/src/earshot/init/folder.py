"""What `earshot init` writes into a folder with compose.yaml.

    .env                       address, ports, profile, who the containers run as
    .earshot/worker/           the worker's state folder; secrets/ in it holds keys and access code
    .earshot/redis.conf        redis's configuration, and the one place of its password
    .earshot/livekit.yaml      livekit-server's, which has the password from there
    .earshot/tls/              certificates of this machine's own authority (profile tls)
    .earshot/prometheus/       measurements; grafana-password opens Grafana (profile monitoring)
    .earshot/egress.yaml       configuration of the profile egress, which writes recordings/
    .earshot/sip.yaml          of the profile sip

All of it is private (folders 700, files 600) and belongs to the user whom the containers run as:
Docker gives a container a file as it is on the disk.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .. import credentials
from ..errors import InitError
from ..settings import WEBHOOK_PATH, NetworkSettings
from ..up import livekit, redis
from . import docker, models, network
from .env_file import EnvFile, write_private
from .services import Services

COMPOSE_FILE = "compose.yaml"
NOBODY = 10001
"""Whom containers run as where the folder is root's: nobody on the host has this number."""
FOLDERS = (".", "worker", "worker/secrets", "tls", "prometheus", "recordings")
REDIS_PORT = 6379
METRICS_PORT = 6789
"""of livekit-server, on the inner network alone"""
SECRETS_DIR = "/run/secrets"
"""Where compose puts secrets in a container."""


@dataclass(frozen=True)
class Options:
    """What stood on the command line."""

    folder: Path
    address: str = ""
    yes: bool = False
    auto_ports: bool = False
    profile: str = ""


def prepare(options: Options, say: Callable[[str], None]) -> None:
    """Writes everything that is not there yet, and says what compose still lacks.

    Raises:
        InitError: compose.yaml is not here, no such address, ports in use, no Docker.
        CredentialsError: a secret that is there can't be used.
    """
    folder = options.folder.absolute()
    if not (folder / COMPOSE_FILE).is_file():
        raise InitError(
            f"{folder} has no {COMPOSE_FILE}: run this in Earshot's folder, or give --folder"
        )
    env = EnvFile(folder / ".env")
    address = network.pick_address(
        options.address or env.get(network.variable("address")), not options.yes, say
    )
    ports = network.read_ports(env.get)
    runs = docker.stack_runs(folder)
    # ports that our own containers have; from inside a container those are not seen
    ours = runs or (docker.in_container() and (folder / ".earshot/livekit.yaml").exists())
    if not ours:
        chosen = network.free_ports(ports, address, auto=options.auto_ports)
        ports = ports.model_copy(update=chosen)
    owner = _owner(folder, env)
    _fill(env, address, ports, owner, options.profile)
    if env.get(network.variable("address")) != address:
        raise InitError(f"{env.path}: {network.variable('address')} is another: change it there")
    changed = _write(folder, env, address, ports, owner)
    say(f"written   {', '.join(changed)}" if changed else "written   nothing: all is in place")
    say(f"code      {folder / '.earshot/worker/secrets/access-code'} holds what callers type")
    for place in models.unseen(folder, env.get("EARSHOT_PROFILE")):
        say(f"models    {place} is outside of models/: containers see it where")
        say("          compose.override.yaml mounts it (docs/docker.md, Models elsewhere)")
    if docker.in_container():
        say("docker    not seen from inside a container: not checked")
    elif lack := docker.lack():
        raise InitError(f"all is written, but compose can't run yet: {lack}")
    page = ports.page_port
    # what a container was started with it keeps
    again = " --force-recreate" if changed and runs else ""
    say(
        f"next      docker compose up -d --wait{again}, then http://{network.LOOPBACK}:{page} here,"
    )
    say(f"          http://{address}:{page} from elsewhere (a microphone there needs https)")


def _owner(folder: Path, env: EnvFile) -> tuple[int, int]:
    given = env.get("RUN_AS")
    if given:
        user, _, group = given.partition(":")
        if not (user.isdecimal() and group.isdecimal()):
            raise InitError(
                f"{env.path}: RUN_AS={given}: user and group as numbers expected, 1000:1000"
            )
        return int(user), int(group)
    if os.getuid() != 0:
        return os.getuid(), os.getgid()
    found = folder.stat()
    return (found.st_uid, found.st_gid) if found.st_uid else (NOBODY, NOBODY)


def _fill(
    env: EnvFile, address: str, ports: NetworkSettings, owner: tuple[int, int], profile: str
) -> None:
    env.add(
        "By `earshot init`. Change what you like, and run it again. Names with EARSHOT_ are "
        "settings\n# (`earshot settings` lists them); add any other.\n\n"
        "# The address of this machine that callers use, and the ports on it",
        **{network.variable("address"): address},
        **{network.variable(name): str(getattr(ports, name)) for name in network.PORTS},
    )
    env.add("Which models", EARSHOT_PROFILE=profile or "starter")
    env.add("The time zone of this machine, for the agent's clock", TZ=_time_zone())
    env.add("Whom the containers run as: the owner of .earshot", RUN_AS=f"{owner[0]}:{owner[1]}")


def _time_zone() -> str:
    """As the system's clock is set: "Europe/Berlin"."""
    place = Path("/etc/localtime").resolve()
    return str(place).partition("/zoneinfo/")[2] or "UTC"


def _write(
    folder: Path, env: EnvFile, address: str, ports: NetworkSettings, owner: tuple[int, int]
) -> list[str]:
    """Returns the names of what changed."""
    give_to = owner if os.getuid() == 0 else None
    home = folder / ".earshot"
    for place in FOLDERS:
        _private_folder(home / place, give_to)
    secrets = credentials.load_or_create(home / "worker", redis=False)
    for path in credentials.folder(home / "worker").iterdir():
        if give_to:
            os.chown(path, *give_to)
    redis_password = redis.password(home / "redis.conf") or credentials.secret()
    configuration = livekit.Configuration(
        node_ip=address,
        port=ports.livekit_port,
        rtc_udp_port=ports.rtc_udp_port,
        rtc_tcp_port=ports.rtc_tcp_port,
        turn_port=ports.turn_port,
        key_file=Path(SECRETS_DIR) / credentials.KEY_FILE,
        redis_address=f"redis:{REDIS_PORT}",
        redis_password=redis_password,
        metrics_port=METRICS_PORT,
        webhook_key=secrets.api_key,
        webhook_urls=[f"http://worker:{ports.page_port}{WEBHOOK_PATH}"],
    )
    services = Services(secrets, ports, f"redis:{REDIS_PORT}", redis_password, address)
    texts = {
        home / "livekit.yaml": livekit.render(configuration),
        home / "redis.conf": redis.render(REDIS_PORT, redis_password, bind="0.0.0.0"),
        home / "egress.yaml": services.egress(),
        home / "sip.yaml": services.sip(),
    }
    if not (home / "grafana-password").exists():
        texts[home / "grafana-password"] = credentials.secret()
    changed = [path for path, text in texts.items() if write_private(path, text, give_to)]
    # a version of a bundle has its site's, by a link: the file is written where it is
    if write_private(env.path.resolve(), env.text(), give_to if env.path.is_symlink() else None):
        changed.insert(0, env.path)
    return [str(path.relative_to(folder)) for path in changed]


def _private_folder(path: Path, owner: tuple[int, int] | None) -> None:
    try:
        path.mkdir(mode=0o700, exist_ok=True)
        if path.stat().st_mode & 0o077:
            path.chmod(0o700)
        if owner and (path.stat().st_uid, path.stat().st_gid) != owner:
            os.chown(path, *owner)
    except OSError as e:
        raise InitError(f"{path}: {e.strerror or e}") from e
