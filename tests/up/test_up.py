"""`earshot up` and `earshot status`, whole: the real services, as a person or a program starts them."""

import asyncio
import json
import os
import queue
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from earshot.caller.caller import Caller
from earshot.caller.ticket import from_page
from earshot.settings_file import home

from .conftest import left

EARSHOT = [sys.executable, "-m", "earshot"]

pytestmark = pytest.mark.skipif(
    not (shutil.which("livekit-server") or (home() / ".tools" / "livekit-server").exists()),
    reason="no livekit-server here",
)


class Up:
    """A running `earshot up --json`."""

    def __init__(self, state_dir: Path, *arguments: str, **settings: str) -> None:
        self.state_dir = state_dir
        self.environment = {
            **os.environ, "EARSHOT_STATE_DIR": str(state_dir), "EARSHOT_CALLS__MAX": "2", **settings
        }  # fmt: skip
        self.process = subprocess.Popen(
            [*EARSHOT, "up", "--json", "--ports", "auto", *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=self.environment,
        )  # fmt: skip
        self.events: list[dict[str, Any]] = []
        self._queue: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self._queue.put(line)
        self._queue.put("")

    def until(self, kind: str, within_s: float = 90, **data: Any) -> dict[str, Any]:
        """The next event of the kind with the data."""
        deadline = time.monotonic() + within_s
        while line := self._queue.get(timeout=max(0.1, deadline - time.monotonic())):
            event: dict[str, Any] = json.loads(line)
            self.events.append(event)
            if event["event"] == kind and data.items() <= event.items():
                return event
        raise AssertionError(f"ended without {kind}: {self.process.communicate()[1]}")

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Another `earshot …` with the same settings."""
        return subprocess.run(
            [*EARSHOT, *arguments], env=self.environment, capture_output=True, text=True, timeout=60
        )

    def status(self) -> dict[str, Any]:
        value: dict[str, Any] = json.loads(self.run("status", "--json").stdout)
        return value

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(15)

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()
        for process in left(self.state_dir):
            with suppress(psutil.NoSuchProcess):  # they die with it, perhaps in this moment
                process.kill()


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """One for the tests that leave it as it was."""
    stack = Up(tmp_path_factory.mktemp("up"))
    try:
        stack.until("ready")
        yield stack
    finally:
        stack.end()


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Up]:
    """One for a test that breaks something."""
    stack = Up(tmp_path)
    try:
        stack.until("ready")
        yield stack
    finally:
        stack.end()


def get(url: str) -> tuple[int, bytes]:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.status, answer.read()


def test_ready_means_that_a_caller_is_answered(up: Up) -> None:
    ready = next(event for event in up.events if event["event"] == "ready")
    assert get(ready["page"])[0] == 200
    assert get(f"{ready['page']}/readyz")[0] == 200
    assert get(ready["livekit"].replace("ws://", "http://"))[0] == 200
    started = [
        e["service"] for e in up.events if e["event"] == "service" and e["state"] == "starting"
    ]
    assert {"livekit", "engine", "worker"} <= set(started)


def test_status_tells_the_same_and_more(up: Up) -> None:
    ready = next(event for event in up.events if event["event"] == "ready")
    done = up.run("status", "--json")
    status = json.loads(done.stdout)
    assert done.returncode == 0
    assert status["ready"] is True
    assert (status["page"], status["livekit"]) == (ready["page"], ready["livekit"])
    assert status["pids"]["up"] == up.process.pid
    assert status["calls"] == {"calls": 0, "calls_max": 2, "waiting": 0}
    for name in ("livekit", "engine", "worker"):
        service = status["services"][name]
        assert service["state"] == "ready"
        assert service["memory_bytes"] > 1_000_000
        assert psutil.Process(service["pid"]).is_running()
    people = up.run("status")
    assert people.returncode == 0
    assert ready["page"] in people.stdout


def test_nothing_listens_beyond_this_machine(up: Up) -> None:
    listening = {
        (process.name(), c.laddr.ip, c.laddr.port)
        for process in left(up.state_dir)
        for c in process.net_connections("inet")
        if c.status == psutil.CONN_LISTEN or (c.type == socket.SOCK_DGRAM and not c.raddr)
    }
    assert len(listening) >= 5
    assert {ip for _, ip, _ in listening} <= {"127.0.0.1", "::1"}


def test_no_secret_is_shown(up: Up) -> None:
    secrets = [
        line.split(": ")[-1].strip()
        for path in (up.state_dir / "secrets").iterdir()
        for line in path.read_text().splitlines()
    ]
    shown = [json.dumps(up.events), up.run("status", "--json").stdout, up.run("status").stdout]
    shown += [" ".join(process.cmdline()) for process in left(up.state_dir)]
    shown += [path.read_text() for path in (up.state_dir / "logs").iterdir()]
    assert len(secrets) == 3
    assert not [secret for secret in secrets for text in shown if secret in text]
    private = [up.state_dir / "secrets", up.state_dir / "run", up.state_dir / "logs"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in private} == {0o700}


def test_a_second_one_is_refused_by_name(up: Up) -> None:
    second = up.run("up")
    assert second.returncode == 2
    assert second.stderr.count("\n") == 1
    assert f"as process {up.process.pid}: `earshot status` shows it" in second.stderr


def test_busy_ports_name_the_process(up: Up, tmp_path: Path) -> None:
    ports = up.status()["ports"]
    settings = {f"EARSHOT_NETWORK__{name.upper()}": str(port) for name, port in ports.items()}
    done = subprocess.run(
        [*EARSHOT, "up", "--json"],
        env={**os.environ, "EARSHOT_STATE_DIR": str(tmp_path), **settings},
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 2
    error = json.loads(done.stdout)
    pids = {port["name"]: port["pid"] for port in error["ports"]}
    assert pids["livekit_port"] == pids["turn_port"] == up.status()["pids"]["livekit"]
    assert pids["page_port"] == up.status()["pids"]["worker"]
    page = f"{ports['page_port']}/tcp (network.page_port): process {pids['page_port']}, "
    assert any(line.startswith(f"earshot: in use: {page}") for line in done.stderr.splitlines())


def test_the_engine_is_killed_and_comes_back_and_all_stops_in_order(other: Up) -> None:
    before = other.status()["pids"]
    os.kill(before["engine"], signal.SIGKILL)
    told = other.until("restarting")
    assert (told["service"], told["why"]) == ("engine", "was killed by SIGKILL")
    other.until("ready")
    status = other.status()
    assert status["services"]["engine"]["restarts"] == 1
    assert status["pids"]["worker"] == before["worker"]
    assert status["pids"]["engine"] != before["engine"]

    # and all of it stops in order, in the middle of a call
    async def call_and_stop() -> float:
        async with Caller(await from_page(status["page"])) as caller:
            await caller.agent()
            began = time.monotonic()
            assert await asyncio.to_thread(other.stop) == 0
            return time.monotonic() - began

    assert asyncio.run(call_and_stop()) < 10
    other.until("stopped")
    stopped = [e["service"] for e in other.events if e.get("state") == "stopped"]
    assert stopped == [
        n for n in ("worker", "engine", "livekit", "redis") if n in status["services"]
    ]
    assert not left(other.state_dir)
    after = other.run("status", "--json")
    assert after.returncode == 1
    assert json.loads(after.stdout)["running"] is False


def test_kill_9_of_the_parent_leaves_nothing(other: Up) -> None:
    assert len(left(other.state_dir)) >= 5
    other.process.kill()
    other.process.wait()
    deadline = time.monotonic() + 20
    while found := left(other.state_dir):
        assert time.monotonic() < deadline, [process.cmdline() for process in found]
        time.sleep(0.1)
    assert other.run("status").returncode == 1
    # what it left does not stand in the way of the next
    again = Up(other.state_dir)
    try:
        again.until("ready")
        assert again.stop(signal.SIGINT) == 0
    finally:
        again.end()


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = subprocess.run(
        [*EARSHOT, "up"], env={**os.environ, "EARSHOT_STATE_DIR": str(tmp_path / "file" / "state")},
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "Not a directory" in done.stderr


def test_what_cannot_start_is_given_up_at_once(tmp_path: Path) -> None:
    stack = Up(tmp_path, "--profile", "nonsense")
    try:
        assert stack.until("gave_up")["service"] in ("engine", "worker")
        assert stack.process.wait(15) == 2
        assert stack.process.stderr
        error = stack.process.stderr.read()
        assert error.count("\n") == 1
        assert "given up; its last words: " in error
        assert "nonsense" in error
        assert not left(tmp_path)
    finally:
        stack.end()
