"""The address that callers use, on machines of several kinds."""

import pytest
from earshot.errors import StackError
from earshot.settings import NetworkSettings
from earshot.up import address

LAN = NetworkSettings(listen="lan")


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch):
    def be(interfaces: dict[str, str], route: str = "") -> None:
        monkeypatch.setattr(address, "_interfaces", lambda: interfaces)
        monkeypatch.setattr(address, "_route", lambda: route)

    return be


def test_loopback_unless_the_network_is_wanted(machine) -> None:
    machine({"10.0.0.5": "eth0"}, "10.0.0.5")
    found = address.find(NetworkSettings())
    assert (found.ip, found.loopback, found.callers) == ("127.0.0.1", True, ["127.0.0.1"])


@pytest.mark.parametrize(
    ("interfaces", "route", "ip", "why"),
    [
        ({"172.17.0.1": "docker0", "10.0.0.5": "eth0"}, "10.0.0.5", "10.0.0.5", "eth0, where the default route"),
        ({"172.17.0.1": "docker0", "10.0.0.5": "eth0"}, "", "10.0.0.5", "eth0, the first network"),
        ({"10.8.0.2": "tun0", "192.168.1.7": "wlan0"}, "10.8.0.2", "192.168.1.7", "default route leads to tun0"),
        ({"10.0.0.5": "eth0", "10.1.0.5": "eth1"}, "10.1.0.5", "10.1.0.5", "eth1, where the default route"),
        ({"172.17.0.1": "docker0", "10.8.0.2": "wg0"}, "", "10.8.0.2", "nothing better"),
    ],
)  # fmt: skip
def test_the_best_address_and_why(machine, interfaces, route, ip, why) -> None:
    machine(interfaces, route)
    found = address.find(LAN)
    assert found.ip == ip
    assert why in found.why
    assert bool(found.warning) == ("nothing better" in why)


def test_no_network_at_all(machine) -> None:
    machine({})
    found = address.find(LAN)
    assert found.loopback
    assert "only this machine" in found.warning


def test_a_set_address_wins_and_is_checked(machine) -> None:
    machine({"10.0.0.5": "eth0"}, "10.0.0.5")
    ours = address.find(NetworkSettings(listen="lan", address="10.0.0.5"))
    assert (ours.callers, ours.media, ours.warning) == (["127.0.0.1", "10.0.0.5"], ["10.0.0.5"], "")
    theirs = address.find(NetworkSettings(listen="lan", address="203.0.113.9"))
    assert (theirs.callers, theirs.media) == ([""], [""])
    assert "no address of this machine (its own: 10.0.0.5)" in theirs.warning
    for wrong in ("example.org", "fe80::1"):
        with pytest.raises(StackError, match="an IPv4 address of this machine was expected"):
            address.find(NetworkSettings(listen="lan", address=wrong))
    with pytest.raises(StackError, match=r"set network\.listen to lan"):
        address.find(NetworkSettings(address="10.0.0.5"))


def test_this_machine_has_a_route_lookup() -> None:
    assert address.find(LAN).ip.count(".") == 3
