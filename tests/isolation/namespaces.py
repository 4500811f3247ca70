"""Networks of a test's own: namespaces of the kernel, joined by cables, with firewalls in them.

Nothing here touches the network of the machine: a namespace begins empty.
"""

import contextlib
import functools
import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

NEEDS = "needs root/namespaces"


def run(*command: str) -> str:
    """Standard output; a failure shows everything that the command said."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(command)}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


@functools.cache
def lacking() -> str:
    """Why there can be no namespaces here; empty where there can."""
    if os.geteuid() != 0:
        return f"{NEEDS}: not root"
    for program in ("ip", "iptables"):
        if shutil.which(program) is None:
            return f"{NEEDS}: no {program}"
    name = f"earshot-{uuid.uuid4().hex[:8]}"
    try:
        run("ip", "netns", "add", name)
        try:
            run("ip", "netns", "exec", name, "iptables", "-w", "-L", "-n")
        finally:
            run("ip", "netns", "del", name)
    except (AssertionError, OSError) as e:
        return f"{NEEDS}: {str(e).splitlines()[-1]}"
    return ""


def required() -> None:
    """Skips the test where there can be none."""
    if why := lacking():
        pytest.skip(why)


@dataclass(frozen=True)
class Namespace:
    """A network stack with a loopback interface and nothing else."""

    name: str

    def run(self, *command: str) -> str:
        """What a program says that runs inside."""
        return run(*self.command(*command))

    def command(self, *command: str) -> list[str]:
        """A command that runs inside."""
        return ["ip", "netns", "exec", self.name, *command]

    def block(self, *rule: str, chain: str = "INPUT") -> None:
        """Drops what the rule matches: ("-p", "udp", "--dport", "7882")."""
        self.run("iptables", "-w", "-A", chain, *rule, "-j", "DROP")

    def unblock(self) -> None:
        """Takes all rules away."""
        self.run("iptables", "-w", "-F")

    def processes(self) -> list[int]:
        return [int(pid) for pid in run("ip", "netns", "pids", self.name).split()]


@contextlib.contextmanager
def namespace(resolver: str = "") -> Iterator[Namespace]:
    """One without IPv6, and with no resolver but the one that is given.

    Without any, the C library asks 127.0.0.1, where nobody answers and every question is counted.
    """
    name = f"earshot-{uuid.uuid4().hex[:8]}"
    etc = Path("/etc/netns") / name  # `ip netns exec` mounts what is in it over /etc
    etc.mkdir(parents=True)
    (etc / "resolv.conf").write_text(f"nameserver {resolver}\n" if resolver else "")
    try:
        run("ip", "netns", "add", name)
        made = Namespace(name)
        try:
            # neighbour discovery would send packets of its own
            made.run("sh", "-c", "for f in all default; do echo 1 >"
                     " /proc/sys/net/ipv6/conf/$f/disable_ipv6; done")  # fmt: skip
            made.run("ip", "link", "set", "lo", "up")
            yield made
        finally:
            for pid in made.processes():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, 9)
            run("ip", "netns", "del", name)
    finally:
        shutil.rmtree(etc)
        with contextlib.suppress(OSError):
            etc.parent.rmdir()


def cable(one: Namespace, address_one: str, two: Namespace, address_two: str) -> tuple[str, str]:
    """Joins two namespaces; addresses as 10.99.0.1/24. Returns the interfaces' names."""
    mark = uuid.uuid4().hex[:6]
    ends = (f"e{mark}a", f"e{mark}b")
    run("ip", "link", "add", ends[0], "type", "veth", "peer", "name", ends[1])
    try:
        for end, where, address in zip(ends, (one, two), (address_one, address_two), strict=True):
            run("ip", "link", "set", end, "netns", where.name)
            where.run("ip", "address", "add", address, "dev", end)
            where.run("ip", "link", "set", end, "up")
    except BaseException:
        subprocess.run(["ip", "link", "del", ends[0]], capture_output=True)
        raise
    return ends
