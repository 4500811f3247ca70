"""The stack in containers: it starts, is called, is cut off from everywhere, and comes back.

The README's own lines start it and end it. The images are made by scripts/images, which needs no
container registry. What matters most comes first.
"""

import asyncio
import json
import re
import sys
import time
from pathlib import Path

import pytest
import yaml
from earshot.caller.caller import Answer, Caller
from earshot.caller.demo import QUESTIONS
from earshot.caller.speech import Speech
from earshot.caller.ticket import from_page
from earshot.errors import CallError
from earshot.up import redis
from playwright.async_api import async_playwright

from ..e2e.call.browser import chromium, window
from ..e2e.call.sound import microphone
from .counters import LEFT, TRIED, counters
from .stack import SERVICES, Containers, run

pytestmark = pytest.mark.docker

# nobody's address (documentation); the packets of the test end at this machine
ELSEWHERE = "203.0.113.7"
FETCH = "import sys, urllib.request as u; print(u.urlopen(sys.argv[1], timeout=10).read().decode())"
TRY = """
import socket, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
    try:
        sock.sendto(b"?", (sys.argv[1], 53))
    except OSError:
        pass
with socket.socket() as sock:
    sock.settimeout(1.0)
    try:
        sock.connect((sys.argv[1], 443))
    except ConnectionRefusedError:
        print("refused by it")
    except OSError:
        print("no way")
"""


QUESTION, WAV = QUESTIONS[1]  # five plus three


async def call(stack: Containers, patience_s: float = 120.0) -> Answer:
    """From this machine, through the published ports; a busy one takes long to begin a process."""
    async with Caller(await from_page(stack.page, code=stack.code)) as caller:
        await caller.agent(patience_s)
        await caller.greeting(60.0)
        return await caller.ask(Speech.open(WAV, QUESTION), 60.0)


async def test_a_call_from_a_browser_is_answered(
    stack: Containers, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    """On this machine, which is the host's side of the bridge."""
    speech = Speech.open(WAV, QUESTION)
    # asked again until the agent was there to hear it, however slow the machine is
    wav = microphone(tmp_path / "question.wav", 9.0, speech, 12.0, speech, 12.0, speech, 30.0)
    artifacts: Path | None = pytestconfig.getoption("--artifacts")
    async with (
        async_playwright() as playwright,
        chromium(playwright, wav) as browser,
        window(browser, stack.page, artifacts) as page,
    ):
        await page.page.click("#talk")
        await page.page.wait_for_selector("#code-form", state="visible")
        await page.page.fill("#code", stack.code)
        await page.page.press("#code", "Enter")
        await page.until("body[data-state=in-call]", 120.0)
        replies = await page.answered(2, 60.0)
        assert "8" in replies[1] or "eight" in replies[1].lower(), await page.story()
        assert "five" in (await page.said("you"))[0].lower()
        await page.shoot("containers")
        sound = (await page.recording("containers")).agent
        assert sound.sounds()  # it was heard, not only written
        assert page.errors == []


async def test_a_call_is_answered_and_sends_no_packet_elsewhere(stack: Containers) -> None:
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
        answer = await call(stack)
        seen = counted.read()
    assert "five" in answer.heard.lower()
    assert "8" in answer.reply or "eight" in answer.reply.lower()
    assert len(seen) == 5
    assert set(seen.values()) == {0}, seen


@pytest.mark.parametrize("service", ["redis", "livekit", "front", "worker"])
async def test_a_container_that_dies_comes_back_and_calls_go_on(
    stack: Containers, service: str
) -> None:
    stack.kill(service)
    deadline = time.monotonic() + 300.0
    while True:
        try:
            assert (await call(stack, patience_s=30.0)).reply
            return
        except CallError as e:  # not back yet
            assert time.monotonic() < deadline, f"{e}\n{stack.logs()}"
            await asyncio.sleep(1.0)


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
    for name in ("worker/secrets/access-code", "worker/secrets/keys.yaml", "grafana-password"):
        secret = (stack.folder / ".earshot" / name).read_text().split()[-1]
        assert secret not in shown, name
    assert redis.password(stack.folder / ".earshot/redis.conf") not in shown


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


def test_the_image_is_every_other_command_too(stack: Containers) -> None:
    """Without Python on the machine: `docker run … init`, on a stack that runs, and doctor."""
    image = stack.inspect("worker")["Config"]["Image"]
    before = (
        (stack.folder / ".env").read_text(),
        (stack.folder / ".earshot/livekit.yaml").read_text(),
    )
    line = re.search(
        r"^docker run .* init --yes$", (stack.folder / "docs/docker.md").read_text(), re.M
    )
    assert line and f" {image} " in line[0]
    assert "written   nothing: all is in place" in stack.shell(line[0])
    after = (
        (stack.folder / ".env").read_text(),
        (stack.folder / ".earshot/livekit.yaml").read_text(),
    )
    assert after == before
    assert "Usage: earshot doctor" in run("docker", "run", "--rm", image, "doctor", "--help")


def test_the_dashboard_asks_for_what_is_exported(stack: Containers, root: Path) -> None:
    """After calls, from where Prometheus would be: in the worker's network."""
    asked = yaml.safe_load((root / "docker/monitoring/prometheus.yml").read_text())
    exported = {"up"}  # Prometheus's own
    for job in asked["scrape_configs"]:
        [where] = job["static_configs"][0]["targets"]
        if where.startswith("livekit:"):  # containers' names are known to containers alone
            where = where.replace("livekit", stack.ip("livekit"))
        page = stack.in_network_of("worker", sys.executable, "-c", FETCH, f"http://{where}/metrics")
        exported |= set(re.findall(r"^([a-z_]+)[{ ]", page, re.M))
    board = json.loads((root / "docker/monitoring/dashboards/earshot.json").read_text())
    for panel in board["panels"]:
        for target in panel["targets"]:
            names = set(re.findall(r"\b(?:up|earshot_\w+|livekit_\w+)\b", target["expr"]))
            assert names and names <= exported, (panel["title"], sorted(names - exported))


@pytest.mark.docker(all=True)
def test_callers_elsewhere_have_https_on_one_origin(stack: Containers) -> None:
    """Who trusts this machine's authority gets page, token and signalling over TLS, and an answer."""
    try:
        stack.compose("--profile", "tls", "up", "-d", "--wait", "--no-build", timeout_s=300.0)
        page = f"https://{stack.address}:{stack.setting('TLS_PORT')}"
        calling = str(Path(__file__).with_name("calling.py"))
        ca = stack.folder / ".earshot/tls/pki/authorities/local/root.crt"
        said = run(
            sys.executable, calling, page, stack.code, timeout_s=200.0, SSL_CERT_FILE=str(ca)
        )
        assert "8" in said
        with pytest.raises(AssertionError, match="certificate verify failed"):
            run(sys.executable, calling, page, stack.code)
    finally:
        stack.compose("--profile", "tls", "rm", "--stop", "--force", "tls", "tls-front")


def test_after_all_that_every_health_check_is_content(stack: Containers) -> None:
    stack.until_healthy()


def test_the_readme_ends_with_nothing_left(stack: Containers, lines: list[str]) -> None:
    """The rest of its lines: status and down."""
    after = lines[next(n for n, line in enumerate(lines) if " up " in line) + 1 :]
    assert after[-1] == "docker compose down"
    said = [stack.shell(line.replace("compose exec", "compose exec -T")) for line in after]
    assert "ready" in said[0]
    assert not stack.compose("ps", "-aq")
    label = f"label=com.docker.compose.project={stack.project}"
    assert not run("docker", "network", "ls", "-q", "--filter", label)
