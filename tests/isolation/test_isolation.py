"""Nothing leaves: a whole call in a network of its own, every packet counted.

Browser, livekit-server, redis, worker, engine and real models run in a namespace that is joined by
one cable to an empty one. Two instruments count: the kernel's copy of every packet (AF_PACKET) and
its firewall. The first half of the call has a default route into the empty namespace, so that an
attempt would be a packet and be seen; in the second half there is no route out at all.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .namespaces import Namespace, cable, namespace, required

ROOT = Path(__file__).parents[2]
ADDRESS, NOWHERE = "10.99.0.1", "10.99.0.2"
OWN = {ADDRESS, "127.0.0.1"}
NEEDED = ("/usr/bin/chromium", "/usr/bin/flite")

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]


class Closed:
    """The namespace, with counters in its firewall."""

    def __init__(self, inside: Namespace, plug: str) -> None:
        self.inside, self.plug = inside, plug
        for name, *match in (
            ("elsewhere", "!", "-o", "lo"),
            ("name", "-p", "udp", "--dport", "53"),
            ("name-tcp", "-p", "tcp", "--dport", "53"),
        ):
            inside.run("iptables", "-w", "-A", "OUTPUT", *match, "-m", "comment", "--comment", name)

    def counted(self) -> dict[str, int]:
        """Packets that left by the cable, and questions for names."""
        lines = self.inside.run("iptables", "-w", "-nvxL", "OUTPUT").splitlines()
        rules = [line.split() for line in lines if "/*" in line]
        return {fields[fields.index("/*") + 1]: int(fields[0]) for fields in rules}

    def sent(self) -> int:
        """What the cable itself says."""
        path = f"/sys/class/net/{self.plug}/statistics/tx_packets"
        return int(self.inside.run("cat", path))


@pytest.fixture
def closed() -> Iterator[Closed]:
    required()
    with namespace() as inside, namespace() as empty:
        plug, _ = cable(inside, f"{ADDRESS}/24", empty, f"{NOWHERE}/24")
        inside.run("ip", "route", "add", "default", "via", NOWHERE)
        yield Closed(inside, plug)


def run(closed: Closed, *command: str, timeout_s: float = 200.0) -> str:
    done = subprocess.run(
        closed.inside.command(*command), cwd=ROOT, capture_output=True, text=True, timeout=timeout_s
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_call_sends_no_packet_out_and_asks_for_no_name(closed: Closed, tmp_path: Path) -> None:
    for program in NEEDED:
        if not Path(program).exists():
            pytest.skip(f"no {program}")
    if not (ROOT / ".tools" / "livekit-server").exists():
        pytest.skip("livekit-server is not built: scripts/setup")
    found: dict[str, Any] = json.loads(
        run(closed, sys.executable, "-m", "tests.isolation.scene", str(tmp_path), ADDRESS)
    )
    assert found["errors"] == []
    assert found["hosts"] == ["127.0.0.1"], "what the page loaded and connected to"
    # the call works, with a route that leads nowhere and then with none
    assert len(found["answers"]) == 3, found["answers"]
    assert all("five" in asked.lower() for asked in found["asked"][:2]), found["asked"]
    assert all("8" in answer or "eight" in answer.lower() for answer in found["answers"][1:])
    assert found["heard"].count("the answer is") == 2, found["heard"]
    # and all of it was counted, …
    assert found["lost"] == 0
    packets = sum(flow["packets"] for flow in found["flows"])
    assert packets > 1000, packets
    audio = [f for f in found["flows"] if f["protocol"] == "udp" and f["packets"] > 100]
    assert audio
    # … none of it to anything but the namespace's own addresses
    assert [f for f in found["flows"] if f["target"] not in OWN] == []
    assert [f for f in found["flows"] if f["interface"] != "lo"] == []
    asked = [f for f in found["flows"] if f["questions"] or f["target_port"] in (53, 5353)]
    assert {name: f["questions"] for f in asked for name in f["names"] or ("?",)} == {}
    assert closed.counted() == {"elsewhere": 0, "name": 0, "name-tcp": 0}
    assert closed.sent() == 0


TALKATIVE = """
import json, socket
from dataclasses import asdict
from earshot.doctor.packets import Sniffer
with Sniffer() as sniffer:
    try:
        socket.getaddrinfo("telemetry.example.org", 443)
    except OSError:
        pass
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendto(b"hello", ("203.0.113.7", 4321))
print(json.dumps([{**asdict(f), **asdict(s)} for f, s in sniffer.flows.items()]))
"""


def test_one_question_and_one_packet_are_seen(closed: Closed) -> None:
    """The instruments can fail: what one process sends is in all of them."""
    # the neighbour's address would be asked for first (ARP), and there is nobody to answer
    mac = closed.inside.run("cat", f"/sys/class/net/{closed.plug}/address").strip()
    closed.inside.run("ip", "neighbour", "add", NOWHERE, "lladdr", mac, "dev", closed.plug)
    flows = json.loads(run(closed, sys.executable, "-c", TALKATIVE))
    asked = [f for f in flows if f["questions"] and f["sent"]]
    assert {name for f in asked for name in f["names"]} == {"telemetry.example.org"}
    left = [f for f in flows if f["target"] not in OWN]
    assert [(f["target"], f["target_port"], f["packets"]) for f in left] == [
        ("203.0.113.7", 4321, 1)
    ]
    counted = closed.counted()
    assert (counted["elsewhere"], counted["name"] > 0) == (1, True)
    assert closed.sent() == 1
