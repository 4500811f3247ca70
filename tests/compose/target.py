"""A machine that has never seen a network: a Docker engine of its own, empty, in a namespace that
has one address and no route out of it."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .stack import run

NEIGHBOUR, ADDRESS = "10.99.0.2/24", "10.99.0.1/24"
ROOT = Path(__file__).parents[2]


@dataclass
class Target:
    """What is run here sees the network of that machine, and its Docker."""

    folder: Path
    name: str

    def run(self, *command: str, timeout_s: float = 600.0) -> str:
        """Raises AssertionError with all that the command said."""
        return run(
            *self.inside(*command), cwd=self.folder, timeout_s=timeout_s,
            DOCKER_HOST=f"unix://{self.folder}/docker.sock", EARSHOT_STATE_DIR=str(self.folder / "state"),
        )  # fmt: skip

    def earshot(self, *arguments: object, timeout_s: float = 600.0) -> str:
        return self.run(sys.executable, "-m", "earshot", *map(str, arguments), timeout_s=timeout_s)

    def inside(self, *command: str) -> list[str]:
        # not `ip netns exec`, which takes the control groups away
        return ["nsenter", f"--net=/run/netns/{self.name}", *command]


@contextlib.contextmanager
def target(folder: Path) -> Iterator[Target]:
    machine = Target(folder, f"earshot-{os.getpid()}")
    here, there = f"ea{os.getpid()}h", f"ea{os.getpid()}t"
    engine: subprocess.Popen[bytes] | None = None
    run("ip", "netns", "add", machine.name)
    try:
        run("ip", "link", "add", here, "type", "veth", "peer", "name", there)
        run("ip", "link", "set", there, "netns", machine.name)
        run("ip", "addr", "add", NEIGHBOUR, "dev", here)
        run("ip", "link", "set", here, "up")
        for line in (f"addr add {ADDRESS} dev {there}", f"link set {there} up", "link set lo up"):
            run("ip", "-n", machine.name, *line.split())
        assert not run("ip", "-n", machine.name, "route", "show", "default")
        with (folder / "dockerd.log").open("wb") as log:
            engine = subprocess.Popen(
                machine.inside(
                    "dockerd", "--host", f"unix://{folder}/docker.sock",
                    "--data-root", f"{folder}/data", "--exec-root", f"{folder}/run",
                    "--pidfile", f"{folder}/docker.pid",
                ),
                stdout=log, stderr=log,
            )  # fmt: skip
        _until_it_answers(machine, engine)
        assert machine.run("docker", "image", "ls", "-q") == ""
        yield machine
    finally:
        if engine is not None:
            _stop(machine, engine)
        run("ip", "netns", "delete", machine.name)
        subprocess.run(["ip", "link", "delete", here], capture_output=True)
        for mount in re.findall(rf"^\S+ ({re.escape(str(folder))}\S*)", _mounts(), re.M):
            subprocess.run(
                ["umount", "--lazy", mount], capture_output=True
            )  # what the engine leaves
        shutil.rmtree(folder)


def _mounts() -> str:
    return Path("/proc/mounts").read_text()


def _until_it_answers(machine: Target, engine: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60.0
    while True:
        try:
            machine.run("docker", "info")
            return
        except AssertionError as e:
            log = (machine.folder / "dockerd.log").read_text()[-2000:]
            assert engine.poll() is None and time.monotonic() < deadline, f"{e}\n{log}"
            time.sleep(0.3)


def _stop(machine: Target, engine: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(AssertionError):
        if containers := machine.run("docker", "ps", "-aq").split():
            machine.run("docker", "rm", "--force", *containers)
    engine.send_signal(signal.SIGTERM)
    try:
        engine.wait(30)
    except subprocess.TimeoutExpired:
        engine.kill()
        engine.wait()
