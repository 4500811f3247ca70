"""What firewalls and wrong addresses do to a call, and what the doctor calls it.

Each fault is made with the kernel's own namespaces and rules; the doctor runs at the caller's end.
"""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from ..isolation.namespaces import required
from .conftest import SESSION
from .network import CALLER, PORT, SERVER, TCP, TURN, UDP, Site, configuration, livekit, site

pytestmark = SESSION
ELSEWHERE = "10.98.0.9"
"""no address of this network"""


@pytest.fixture
def empty() -> Iterator[Site]:
    """Two machines, nothing running on them."""
    required()
    with site() as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def running(
    livekit_server: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Site]:
    """With a livekit-server as Earshot configures it."""
    required()
    folder = tmp_path_factory.mktemp("lan")
    with site() as made:
        async with livekit(livekit_server, made.server, folder, configuration(folder)):
            yield made


@pytest.fixture
def lan(running: Site) -> Iterator[Site]:
    yield running
    running.clear()


async def test_nothing_in_between(lan: Site) -> None:
    result = await lan.doctor()
    assert result.causes == {}, result.output
    assert result.status == 0
    assert f"{SERVER}:{UDP}/udp" in result.findings["tone"]["said"]


async def test_udp_is_blocked_and_tcp_takes_over(lan: Site) -> None:
    lan.drop("udp")
    result = await lan.doctor()
    assert result.causes == {"audio": "udp_blocked", "relay": "turn_blocked"}, result.output
    assert f"{SERVER}:{TCP}/tcp" in result.findings["tone"]["said"]
    assert result.status == 0


async def test_only_signalling_passes(lan: Site) -> None:
    lan.drop("udp")
    lan.drop("tcp", TCP)
    result = await lan.doctor()
    assert result.findings["audio"]["cause"] == "audio_blocked", result.output
    assert result.findings["tone"]["colour"] == "grey"
    assert result.status == 1


async def test_only_the_relay_passes(lan: Site) -> None:
    lan.drop("udp", UDP)
    lan.drop("tcp", TCP)
    result = await lan.doctor()
    assert result.causes == {"audio": "udp_blocked_relay"}, result.output
    assert result.findings["tone"]["colour"] == "green"


async def test_only_the_relay_is_blocked(lan: Site) -> None:
    lan.drop("udp", TURN)
    result = await lan.doctor()
    assert result.causes == {"relay": "turn_blocked"}, result.output


async def test_ports_that_are_not_published(lan: Site) -> None:
    for protocol, port in (("udp", UDP), ("tcp", TCP), ("udp", TURN)):
        lan.refuse(protocol, port)
    result = await lan.doctor()
    assert result.findings["audio"]["cause"] == "udp_unpublished", result.output
    assert result.status == 1


async def test_signalling_is_blocked(lan: Site) -> None:
    lan.drop("tcp", PORT)
    result = await lan.doctor()
    assert result.causes == {"livekit": "livekit_down"}, result.output
    assert result.status == 1


async def test_udp_is_blocked_and_no_tcp_is_offered(
    empty: Site, livekit_server: str, tmp_path: Path
) -> None:
    values = configuration(tmp_path, rtc_tcp_port=0)
    values["turn"] = {"enabled": False}
    values["rtc"] = {**values["rtc"], "stun_servers": [f"{SERVER}:{TURN}"]}  # type: ignore[dict-item]
    async with livekit(livekit_server, empty.server, tmp_path, values):
        empty.drop("udp")
        result = await empty.doctor()
    assert result.findings["audio"]["cause"] == "udp_blocked_no_tcp", result.output


@pytest.mark.parametrize("laptop", [True, False], ids=["firewall", "open"])
async def test_callers_are_told_a_wrong_address(
    empty: Site, livekit_server: str, tmp_path: Path, laptop: bool
) -> None:
    """Where the caller's side lets livekit-server's own checks in, calls work all the same."""
    values = configuration(tmp_path, node_ip=ELSEWHERE)
    async with livekit(livekit_server, empty.server, tmp_path, values):
        if laptop:
            empty.firewall_at_the_caller()
        result = await empty.doctor()
    cause = "wrong_node_ip" if laptop else "node_ip_unlike"
    assert result.findings["audio"]["cause"] == cause, result.output
    assert ELSEWHERE in result.findings["audio"]["said"]
    assert result.status == (1 if laptop else 0)
    assert result.findings["tone"]["colour"] == ("grey" if laptop else "green")


async def test_a_containers_address_among_those_that_callers_are_told(
    empty: Site, livekit_server: str, tmp_path: Path
) -> None:
    empty.server.run("ip", "address", "add", "172.17.0.1/16", "dev", empty.plug)
    try:
        values = configuration(tmp_path)
        del values["rtc"]["node_ip"]  # type: ignore[attr-defined]
        async with livekit(livekit_server, empty.server, tmp_path, values):
            result = await empty.doctor()
    finally:
        empty.server.run("ip", "address", "del", "172.17.0.1/16", "dev", empty.plug)
    assert result.findings["audio"]["cause"] == "extra_address", result.output
    assert "172.17.0.1" in result.findings["audio"]["said"]


async def test_callers_are_told_to_ask_outside(
    empty: Site, livekit_server: str, tmp_path: Path
) -> None:
    values = configuration(tmp_path)
    values["turn"] = {"enabled": False}
    async with livekit(livekit_server, empty.server, tmp_path, values):
        result = await empty.doctor()
    assert result.causes == {"signalling": "asks_outside"}, result.output
    assert CALLER not in result.findings["signalling"]["said"]
