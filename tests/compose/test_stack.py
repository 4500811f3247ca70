"""The stack in containers: it starts, is called, is cut off from everywhere, and comes back.

The images are made by scripts/images, which needs no container registry.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from earshot.caller.caller import Answer, Caller
from earshot.caller.demo import QUESTIONS
from earshot.caller.speech import Speech
from earshot.caller.ticket import from_page
from earshot.errors import CallError

from .counters import LEFT, TRIED, counters
from .stack import SERVICES, Containers, run

pytestmark = [pytest.mark.docker, pytest.mark.timeout(2400)]

# nobody's address (documentation); the packets of the test end at this machine
ELSEWHERE = "203.0.113.7"
TRY = """
import socket, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
    try:
        sock.sendto(b"?", (sys.argv[1], 53))
    except OSError:
        pass
with socket.socket() as sock:
    sock.settimeout(2.5)
    try:
        sock.connect((sys.argv[1], 443))
    except ConnectionRefusedError:
        print("refused by it")
    except OSError:
        print("no way")
"""


@pytest.fixture(scope="module")
def stack(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Containers]:
    run(str(root / "scripts/images"), cwd=root, timeout_s=1800.0)
    containers = Containers(root, tmp_path_factory.mktemp("site"))
    containers.prepare()
    try:
        containers.up()
        yield containers
    finally:
        containers.down()


async def call(stack: Containers, questions: int = 1) -> list[Answer]:
    """From this machine, through the published ports."""
    ticket = await from_page(stack.page, code=stack.code)
    async with Caller(ticket) as caller:
        await caller.agent(40.0)
        await caller.greeting(40.0)
        return [
            await caller.ask(Speech.open(path, text), 40.0)
            for text, path in QUESTIONS[1 : 1 + questions]
        ]


async def test_a_call_is_answered(stack: Containers) -> None:
    [answer] = await call(stack)
    assert "five" in answer.heard.lower()
    assert "8" in answer.reply or "eight" in answer.reply.lower()


async def test_nobody_gets_in_without_the_code(stack: Containers) -> None:
    with pytest.raises(CallError, match="access code"):
        await from_page(stack.page)


@pytest.mark.parametrize("service", SERVICES)
def test_no_container_can_do_more_than_it_must(stack: Containers, service: str) -> None:
    status = Path(f"/proc/{stack.pid(service)}/status").read_text()
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert "0" not in fields["Uid"].split()
    assert int(fields["CapEff"], 16) == int(fields["CapBnd"], 16) == 0
    assert fields["NoNewPrivs"] == "1"
    found = stack.inspect(service)
    assert found["HostConfig"]["ReadonlyRootfs"] is True
    shown = f"{found['Config']} {found['Args']}"
    for name in ("access-code", "redis-password", "keys.yaml"):
        secret = (stack.folder / ".earshot/worker/secrets" / name).read_text().split()[-1]
        assert secret not in shown, name


@pytest.mark.parametrize("service", ["worker", "livekit", "redis"])
def test_what_hears_has_no_way_out(stack: Containers, service: str) -> None:
    """Docker gives it a default route, and drops what takes it."""
    with counters(stack.project) as counted:
        counted.add("tried", TRIED, "-i", stack.bridge("inside"), "-d", ELSEWHERE)
        counted.add("left", LEFT, "-d", ELSEWHERE)
        assert (
            stack.in_network_of(service, sys.executable, "-c", TRY, ELSEWHERE).strip() == "no way"
        )
        seen = counted.read()
    assert seen["left"] == 0
    assert seen["tried"] > 0 or not stack.in_network_of(service, "ip", "route", "show", "default")
    # nor to the router that this machine itself would ask
    for route in run("ip", "route", "show", "default").splitlines():
        gateway = route.split()[2]
        assert stack.in_network_of(service, sys.executable, "-c", TRY, gateway).strip() == "no way"


async def test_a_call_sends_no_packet_elsewhere(stack: Containers) -> None:
    inside, outside = stack.bridge("inside"), stack.bridge("outside")
    # to try the address that livekit-server names is what ICE does: this machine's own
    own = ("-m", "conntrack", "!", "--ctorigdst", stack.address)
    with counters(stack.project) as counted:
        counted.add("inside tried", TRIED, "-i", inside, "!", "-o", inside, *own)
        # this machine has an address there too, which the caller on it tries
        counted.add("inside left", LEFT, "-s", stack.subnet("inside"), "!", "-o", inside,
                    "-m", "addrtype", "!", "--src-type", "LOCAL")  # fmt: skip
        # callers' packets are answered by the front, which begins nothing
        counted.add("front began", TRIED, "-i", outside, "!", "-o", outside,
                    "-m", "conntrack", "--ctstate", "NEW")  # fmt: skip
        for bridge, name in ((inside, "inside"), (outside, "front")):
            counted.add(f"{name} asked a name", TRIED, "-i", bridge, "-p", "udp", "--dport", "53")
        await call(stack)
        seen = counted.read()
    assert len(seen) == 5
    assert set(seen.values()) == {0}, seen


@pytest.mark.parametrize("service", ["redis", "livekit", "front", "worker"])
async def test_a_container_that_dies_comes_back_and_calls_go_on(
    stack: Containers, service: str
) -> None:
    stack.kill(service)
    stack.until_healthy()
    [answer] = await call(stack)
    assert answer.reply


async def test_down_and_up_again_with_the_same_secrets(stack: Containers) -> None:
    code = stack.code
    stack.down()
    stack.up()
    assert stack.code == code
    assert (await call(stack))[0].reply
