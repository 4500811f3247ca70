"""A stack of containers in a folder of its own, under a name and on ports of its own."""

import json
import os
import socket
import subprocess
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from earshot.init.env_file import EnvFile

PORTS = {
    "TLS": "tcp",
    "PAGE": "tcp",
    "LIVEKIT": "tcp",
    "RTC_TCP": "tcp",
    "RTC_UDP": "udp",
    "TURN": "udp",
}
SERVICES = ("front", "worker", "livekit", "redis")


def run(*command: str, cwd: Path | None = None, timeout_s: float = 60.0, **environment: str) -> str:
    """Standard output; a failure shows everything that the command said."""
    done = subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, timeout=timeout_s,
        env={**os.environ, **environment}, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(command)}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def ports_file() -> str:
    """A .env with ports that are free: other tests have ports too."""
    lines = []
    for name, port in free_ports().items():
        variable = f"EARSHOT_NETWORK__{name}_PORT" if name != "TLS" else "TLS_PORT"
        lines.append(f"{variable}={port}\n")
    return "".join(lines)


def free_ports() -> dict[str, int]:
    sockets, ports = [], {}
    for name, protocol in PORTS.items():
        kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
        sock = socket.socket(socket.AF_INET, kind)
        sock.bind(("", 0))
        sockets.append(sock)
        ports[name] = sock.getsockname()[1]
    for sock in sockets:
        sock.close()
    return ports


@dataclass
class Containers:
    """`compose.yaml` in `folder`, under a project's name of its own."""

    folder: Path
    project: str = field(default_factory=lambda: f"earshot-test-{uuid.uuid4().hex[:8]}")

    def shell(self, line: str) -> str:
        """Executes a line of the README."""
        try:
            return run(
                "bash", "-euc", line,
                cwd=self.folder, timeout_s=1700.0, COMPOSE_PROJECT_NAME=self.project,
                PYTHONPATH=str(self.folder / "worker/src"),  # the copy, not what .venv was set up for
            )  # fmt: skip
        except AssertionError as e:
            raise AssertionError(f"{e}\n{self.compose('ps', '-a')}\n{self.logs()}") from e

    def compose(self, *arguments: str, timeout_s: float = 60.0) -> str:
        return run(
            "docker", "compose", *arguments,
            cwd=self.folder, timeout_s=timeout_s, COMPOSE_PROJECT_NAME=self.project,
        )  # fmt: skip

    def down(self) -> None:
        self.compose("down", "--volumes", "--timeout", "20", timeout_s=120.0)

    def logs(self) -> str:
        return self.compose("logs", "--tail", "20")

    def inspect(self, service: str) -> dict[str, Any]:
        found: list[dict[str, Any]] = json.loads(run("docker", "inspect", self.name(service)))
        return found[0]

    def name(self, service: str) -> str:
        return f"{self.project}-{service}-1"

    def pid(self, service: str) -> int:
        return int(self.inspect(service)["State"]["Pid"])

    def in_network_of(self, service: str, *command: str) -> str:
        """Runs a program of this machine where it sees what the container sees of the network."""
        return run("nsenter", "-t", str(self.pid(service)), "-n", *command)

    def bridge(self, network: str) -> str:
        """The interface of a network on this machine."""
        identity = run("docker", "network", "inspect", "-f", "{{.Id}}", f"{self.project}_{network}")
        return f"br-{identity[:12]}"

    def ip(self, service: str) -> str:
        """On the inner network."""
        networks = self.inspect(service)["NetworkSettings"]["Networks"]
        return str(networks[f"{self.project}_inside"]["IPAddress"])

    def subnet(self, network: str) -> str:
        form = "{{(index .IPAM.Config 0).Subnet}}"
        name = f"{self.project}_{network}"
        return run("docker", "network", "inspect", "-f", form, name).strip()

    def kill(self, service: str) -> None:
        """As a crash would: `docker kill` counts as a wish, after which nothing is restarted."""
        before = self.pid(service)
        os.kill(before, 9)
        deadline = time.monotonic() + 60.0
        while self.pid(service) in (0, before):
            assert time.monotonic() < deadline, f"{service} was not started again"
            time.sleep(0.2)

    def until_healthy(self, timeout_s: float = 120.0) -> None:
        deadline = time.monotonic() + timeout_s
        while True:
            states = {s: self.inspect(s)["State"] for s in SERVICES}
            health = {s: state["Health"]["Status"] for s, state in states.items()}
            if all(status == "healthy" for status in health.values()):
                return
            assert time.monotonic() < deadline, f"{health}\n{self.logs()}"
            time.sleep(1.0)

    def setting(self, name: str) -> str:
        """Of .env, as `earshot init` left it."""
        return EnvFile(self.folder / ".env").get(name)

    @property
    def page(self) -> str:
        return f"http://127.0.0.1:{self.setting('EARSHOT_NETWORK__PAGE_PORT')}"

    @property
    def address(self) -> str:
        return self.setting("EARSHOT_NETWORK__ADDRESS")

    @property
    def code(self) -> str:
        return (self.folder / ".earshot/worker/secrets/access-code").read_text().strip()
