"""What left and what stayed: packets judged, and counted on a running stack."""

import json
import shutil
import struct
from collections.abc import Callable

import pytest
from earshot.caller.stack import Stack
from earshot.doctor.egress import Machine, rows
from earshot.doctor.owners import Owner
from earshot.doctor.packets import Flow, Seen, parse, question

from ..isolation.namespaces import lacking
from .conftest import SESSION, doctor

MACHINE = Machine(
    frozenset({"192.168.1.5"}), ("172.18.0.0/16",), frozenset({7882, 8080}), {"br-1": "inside"}
)
OURS, THEIRS = Owner("livekit-server (7)", ours=True), Owner("chronyd (8)", ours=False)
WORKER = Owner("container earshot-worker-1", ours=True)


def sent(
    target: str, port: int, source_port: int = 40000, protocol: str = "udp", interface: str = "eth0"
) -> Flow:
    return Flow(interface, True, protocol, "192.168.1.5", source_port, target, port)


def judged(*flows: tuple[Flow, Owner | None], questions: int = 0) -> list[tuple[str, str]]:
    owners = dict(flows)
    of: Callable[[Flow], Owner | None] = owners.get
    seen = {flow: Seen(packets=1, questions=questions) for flow, _ in flows}
    return [(row.to, row.verdict) for row in rows(seen, of, MACHINE)]


def test_what_goes_to_this_machine_stays() -> None:
    for target in ("127.0.0.1", "192.168.1.5", "172.18.0.3"):
        assert judged((sent(target, 9), OURS)) == [("this machine", "stays")]


def test_what_a_part_of_earshot_sends_elsewhere_has_left() -> None:
    assert judged((sent("203.0.113.7", 443), OURS)) == [("203.0.113.7:443", "left")]
    # nobody knows whose it was: it may have been ours
    assert judged((sent("203.0.113.7", 443), None)) == [("203.0.113.7:443", "left")]
    assert judged((sent("203.0.113.7", 123), THEIRS)) == [("203.0.113.7:123", "other")]


def test_a_question_for_a_name_has_left_even_to_a_resolver_here() -> None:
    assert judged((sent("127.0.0.53", 53), OURS), questions=1) == [("127.0.0.53:53", "left")]
    assert judged((sent("127.0.0.53", 53), THEIRS), questions=1) == [("127.0.0.53:53", "other")]


def test_a_caller_is_answered() -> None:
    caller = "192.168.1.77"
    came = Flow("eth0", False, "udp", caller, 50000, "192.168.1.5", 7882)
    assert judged((came, None), (sent(caller, 50000, 7882), OURS)) == [(caller, "caller")]
    # livekit-server tries the other addresses that the caller named, if they are of a network here
    other = sent("10.0.0.9", 50000, 7882)
    assert judged((came, None), (other, OURS)) == [("10.0.0.9", "caller")]
    assert judged((came, None), (sent("8.8.8.8", 50000, 7882), OURS)) == [("8.8.8.8:50000", "left")]
    assert judged((other, OURS)) == [("10.0.0.9:50000", "left")]


def test_a_container_that_tries_is_told_from_one_that_succeeds() -> None:
    tried = Flow("br-1", False, "tcp", "172.18.0.3", 40000, "203.0.113.7", 443)
    assert judged((tried, WORKER)) == [("203.0.113.7:443", "stopped")]
    out = sent("203.0.113.7", 443, protocol="tcp")
    seen = {tried: Seen(1), out: Seen(1)}
    found = rows(seen, {tried: WORKER}.get, MACHINE)
    assert [(r.interface, r.owner, r.verdict) for r in found] == [
        ("br-1 (inside)", WORKER.name, "left"), ("eth0", WORKER.name, "left"),
    ]  # fmt: skip


def test_the_kernels_talk_with_its_neighbours() -> None:
    assert judged((sent("224.0.0.22", 0, 0, "igmp"), None)) == [("224.0.0.22", "link")]


def test_packets_are_read() -> None:
    asked = b"\x12\x34\x01\x00\0\x01\0\0\0\0\0\0\x07example\x03org\0\0\x01\0\x01"
    udp = struct.pack("!HHHH", 40000, 53, 8 + len(asked), 0) + asked
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0,
                     bytes([192, 168, 1, 5]), bytes([9, 9, 9, 9])) + udp  # fmt: skip
    found = parse(ip, 0x0800)
    assert found == ("udp", "192.168.1.5", 40000, "9.9.9.9", 53, asked)
    assert question(asked, "udp") == "example.org"
    assert question(b"\0\0" + asked, "tcp") == "example.org"
    assert question(asked[:2] + b"\x81\x80" + asked[4:], "udp") is None  # an answer
    for cut in range(len(ip)):
        parse(ip[:cut], 0x0800)
        question(asked[:cut], "udp")


@SESSION
async def test_a_running_stack_sends_nothing(stack: Stack) -> None:
    if "not root" in lacking():
        pytest.skip(lacking())
    result = await doctor("--egress", "--json", state=stack.state_dir)
    found = json.loads(result.output)
    assert found["answered"] is True
    mine = [r for r in found["rows"] if "livekit-server" in r["owner"] and r["verdict"] == "stays"]
    assert sum(r["packets"] for r in mine) > 50
    # this machine has others on it: of them, only those are told that are known
    known = [r for r in found["rows"] if r["verdict"] == "left" and "not known" not in r["owner"]]
    assert known == []
    assert result.status == (0 if found["clean"] else 1)


@SESSION
async def test_without_leave_one_line_says_so(stack: Stack) -> None:
    if shutil.which("setpriv") is None or "not root" in lacking():
        pytest.skip("needs root and setpriv")
    within = ("setpriv", "--bounding-set", "-net_raw")
    result = await doctor("--egress", "--for", "1", state=stack.state_dir, within=within)
    assert (result.status, result.output) == (2, "")
    line = "earshot: counting packets needs root (CAP_NET_RAW): sudo earshot doctor --egress"
    assert line in result.errors.splitlines()
