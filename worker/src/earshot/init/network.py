"""The address that callers use, and the ports on it."""

import sys
from collections.abc import Callable

import click
from pydantic import ValidationError

from ..errors import InitError
from ..settings import NetworkSettings
from ..up.address import Address, candidates
from ..up.ports import Need, choose

LOOPBACK = "127.0.0.1"
# name of the setting -> protocol, and whether a browser on this machine comes to localhost for it
PORTS = {
    "page_port": ("tcp", True),
    "livekit_port": ("tcp", True),
    "rtc_tcp_port": ("tcp", False),
    "rtc_udp_port": ("udp", False),
    "turn_port": ("udp", False),
}

Say = Callable[[str], None]


def variable(name: str) -> str:
    """The environment variable of a setting of the group `network`."""
    return f"EARSHOT_NETWORK__{name.upper()}"


def pick_address(wanted: str, ask: bool, say: Say) -> str:
    """The address of this machine that callers use.

    Args:
        wanted: what was given or is in .env already; "" = to be found.
        ask: whether to let a person choose where there are several.

    Raises:
        InitError: the machine has none, or not the one that is wanted.
    """
    found = candidates()
    listed = ", ".join(address.ip for address in found) or "none"
    if wanted:
        if wanted not in {address.ip for address in found}:
            raise InitError(
                f"{wanted} is no address of this machine (its own: {listed}): give --address"
            )
        return wanted
    if not found:
        raise InitError(
            "no network was found: this machine has no address that others can reach; compose"
            " needs one (in a container: docker run --network host …)"
        )
    best = found[0]
    if ask and len(found) > 1 and sys.stdin.isatty():
        best = _asked(found)
    say(f"address   {best.ip} ({best.why}); others here: {listed}" if len(found) > 1
        else f"address   {best.ip} ({best.why})")  # fmt: skip
    if best.warning:
        say(f"          {best.warning}")
    return best.ip


def _asked(found: list[Address]) -> Address:
    click.echo("Which address of this machine do callers use?")
    for number, address in enumerate(found, 1):
        click.echo(f"  {number}  {address.ip:<15}  {address.why}")
    answer: int = click.prompt("Number", type=click.IntRange(1, len(found)), default=1)
    return found[answer - 1]


def read_ports(get: Callable[[str], str]) -> NetworkSettings:
    """The ports as .env has them, else the defaults.

    Raises:
        InitError: a value is no port.
    """
    given = {name: value for name in PORTS if (value := get(variable(name)))}
    try:
        return NetworkSettings.model_validate(given)
    except ValidationError as e:
        error = e.errors()[0]
        name = variable(str(error["loc"][0]))
        raise InitError(f".env: {name}={error['input']}: a port from 1 to 65535 expected") from e


def free_ports(network: NetworkSettings, address: str, *, auto: bool) -> dict[str, int]:
    """The ports by name, all of them free.

    Args:
        auto: take others where those of the settings are in use.

    Raises:
        InitError: says which are in use and by whom.
    """
    needs = [
        Need(name, "tcp" if protocol == "tcp" else "udp",
             [address, LOOPBACK] if local else [address])
        for name, (protocol, local) in PORTS.items()
    ]  # fmt: skip
    ports, busy = choose(network, needs, auto=auto)
    if busy:
        raise InitError(
            "in use: "
            + "; ".join(f"{b.port}/{b.protocol} ({variable(b.name)}): {b.holder}" for b in busy)
            + ". Stop what has them, set others in .env, or give --ports auto"
        )
    return ports
