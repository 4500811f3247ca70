"""Ports that are taken, by whom, and others that are free."""

import os
import socket
from collections.abc import Callable

import pytest
from earshot.settings import NetworkSettings
from earshot.up.ports import Need, choose

TCP = Need("page_port", "tcp", ["127.0.0.1"])
UDP = Need("rtc_udp_port", "udp", ["127.0.0.1"])


def test_free_ports_are_taken_as_set(free_port: Callable[..., int]) -> None:
    network = NetworkSettings(page_port=free_port(), rtc_udp_port=free_port(socket.SOCK_DGRAM))
    ports, busy = choose(network, [TCP, UDP], auto=False)
    assert not busy
    assert ports == {"page_port": network.page_port, "rtc_udp_port": network.rtc_udp_port}


def test_a_busy_port_is_named_with_its_process() -> None:
    with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
        tcp.bind(("127.0.0.1", 0))
        tcp.listen()
        udp.bind(("127.0.0.1", 0))
        network = NetworkSettings(page_port=tcp.getsockname()[1], rtc_udp_port=udp.getsockname()[1])
        _, busy = choose(network, [TCP, UDP], auto=False)
        assert [(b.name, b.protocol, b.pid) for b in busy] == [
            ("page_port", "tcp", os.getpid()), ("rtc_udp_port", "udp", os.getpid())
        ]  # fmt: skip
        assert str(busy[0]).startswith(
            f"{network.page_port}/tcp (network.page_port): process {os.getpid()}, "
        )


def test_auto_takes_others(free_port: Callable[..., int]) -> None:
    with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
        tcp.bind(("127.0.0.1", 0))
        tcp.listen()
        udp.bind(("127.0.0.1", 0))
        network = NetworkSettings(
            page_port=tcp.getsockname()[1],
            rtc_udp_port=udp.getsockname()[1],
            health_port=free_port(),
        )
        needs = [TCP, UDP, Need("health_port", "tcp", ["127.0.0.1"])]
        ports, busy = choose(network, needs, auto=True)
    assert not busy
    assert ports["page_port"] not in (0, network.page_port)
    assert ports["rtc_udp_port"] not in (0, network.rtc_udp_port)
    assert ports["health_port"] == network.health_port


def test_two_settings_cannot_share_a_port(free_port: Callable[..., int]) -> None:
    port = free_port()
    network = NetworkSettings(page_port=port, health_port=port)
    needs = [TCP, Need("health_port", "tcp", ["127.0.0.1"])]
    _, busy = choose(network, needs, auto=False)
    assert [str(b) for b in busy] == [
        f"{port}/tcp (network.health_port): another setting has the same port"
    ]
    ports, busy = choose(network, needs, auto=True)
    assert not busy
    assert len(set(ports.values())) == 2


def test_the_page_needs_ipv6_of_this_machine_too() -> None:
    with socket.socket(socket.AF_INET6) as six:
        try:
            six.bind(("::1", 0))
        except OSError:
            pytest.skip("no IPv6 here")
        six.listen()
        network = NetworkSettings(page_port=six.getsockname()[1])
        need = Need("page_port", "tcp", ["127.0.0.1", "::1"])
        _, busy = choose(network, [need], auto=False)
    assert [b.pid for b in busy] == [os.getpid()]


def test_a_connection_of_the_run_before_is_no_obstacle() -> None:
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        client = socket.create_connection(("127.0.0.1", port))
        peer, _ = server.accept()
        peer.close()  # the side that closes first keeps the port in TIME_WAIT
        client.close()
    _, busy = choose(NetworkSettings(page_port=port), [TCP], auto=False)
    assert not busy
