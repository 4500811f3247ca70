"""A livekit-server in a network of its own, and a caller's machine at the other end of a cable."""

import asyncio
import contextlib
import datetime
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
import yaml
from earshot.up.livekit import Configuration, render
from livekit import api

from ..isolation.namespaces import Namespace, cable, namespace
from .conftest import Result, doctor

SERVER, CALLER = "10.99.0.1", "10.99.0.2"
PORT, UDP, TCP, TURN = 7880, 7882, 7881, 3478
"""nobody else is in this network: the usual numbers are free"""
KEY, SECRET = "earshot-doctor", "s" * 43


@dataclass(frozen=True)
class Site:
    """Two machines and what is between them."""

    server: Namespace
    caller: Namespace
    plug: str
    """The server's interface: its rules are for what comes by it."""

    def drop(self, protocol: str, port: int | None = None) -> None:
        """A firewall in front of the server."""
        rule = ["-i", self.plug, "-p", protocol]
        self.server.block(*rule, *(["--dport", str(port)] if port else []))

    def refuse(self, protocol: str, port: int) -> None:
        """As where nothing listens: what a port does that a container has not published."""
        how = "tcp-reset" if protocol == "tcp" else "icmp-port-unreachable"
        self.server.run("iptables", "-w", "-A", "INPUT", "-i", self.plug, "-p", protocol, "--dport",
                        str(port), "-j", "REJECT", "--reject-with", how)  # fmt: skip

    def firewall_at_the_caller(self) -> None:
        """Lets in what was asked for, and nothing else: a usual laptop's."""
        self.caller.run("iptables", "-w", "-A", "INPUT", "-m", "conntrack", "--ctstate",
                        "ESTABLISHED,RELATED", "-j", "ACCEPT")  # fmt: skip
        self.caller.block("!", "-i", "lo")

    def clear(self) -> None:
        self.server.unblock()
        self.caller.unblock()

    async def doctor(self, *arguments: str) -> Result:
        """As from the caller's machine."""
        environment = {"LIVEKIT_API_KEY": KEY, "LIVEKIT_API_SECRET": SECRET}
        return await doctor(
            "--json", "--url", f"ws://{SERVER}:{PORT}", "--no-call", *arguments,
            within=self.caller.command(), environment=environment,
        )  # fmt: skip


@contextlib.contextmanager
def site() -> Iterator[Site]:
    with namespace() as server, namespace() as caller:
        plug, _ = cable(server, f"{SERVER}/24", caller, f"{CALLER}/24")
        yield Site(server, caller, plug)


def configuration(
    folder: Path, node_ip: str = SERVER, rtc_tcp_port: int = TCP
) -> dict[str, object]:
    """As Earshot writes it."""
    keys = folder / "keys.yaml"
    keys.touch(mode=0o600)
    keys.write_text(f"{KEY}: {SECRET}\n")
    text = render(Configuration(node_ip, PORT, UDP, rtc_tcp_port, TURN, keys))
    values: dict[str, object] = yaml.safe_load(text)
    return values


@contextlib.asynccontextmanager
async def livekit(
    program: str, where: Namespace | None, folder: Path, values: dict[str, object], port: int = PORT
) -> AsyncIterator[int]:
    """livekit-server in a namespace (None: here), once it listens; gives its process number."""
    path = folder / "livekit.yaml"
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(values))
    with (folder / "livekit.log").open("w") as log:
        command = [program, "--config", str(path)]
        process = subprocess.Popen(  # noqa: ASYNC220  # a fork
            where.command(*command) if where else command, stdout=log, stderr=log
        )
        try:
            async with asyncio.timeout(60):
                while not _listens(process.pid, port, where is None):
                    if process.poll() is not None:
                        raise AssertionError((folder / "livekit.log").read_text())
                    await asyncio.sleep(0.05)
            yield process.pid
        finally:
            process.kill()
            process.wait()


def _listens(pid: int, port: int, here: bool) -> bool:
    """`ip netns exec` becomes the program: its process sees the namespace's sockets."""
    with contextlib.suppress(OSError):
        # another namespace's, before `ip` has changed to the new one
        own = Path(f"/proc/{pid}/ns/net").readlink() == Path("/proc/self/ns/net").readlink()
        if own and not here:
            return False
        for table in ("tcp", "tcp6"):
            for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
                fields = line.split()
                if fields[1].endswith(f":{port:04X}") and fields[3] == "0A":
                    return True
    return False


def free(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    with socket.socket(socket.AF_INET, kind) as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@dataclass(frozen=True)
class Here:
    """A livekit-server on this machine's loopback interface."""

    url: str

    def token(self, secret: str = SECRET, begins_in_s: float = 0.0, **grants: Any) -> str:
        """As somebody minted it whose clock is `begins_in_s` ahead."""
        values = {"room_join": True, "room": "check-token", **grants}
        token = api.AccessToken(KEY, secret).with_identity("caller")
        token = token.with_grants(api.VideoGrants(**values)).with_ttl(datetime.timedelta(minutes=5))
        text = token.to_jwt()
        if not begins_in_s:
            return text
        claims = jwt.decode(text, secret, algorithms=["HS256"])
        for name in ("nbf", "exp", "iat"):
            if name in claims:
                claims[name] += int(begins_in_s)
        return jwt.encode(claims, secret, algorithm="HS256")


@contextlib.asynccontextmanager
async def on_loopback(program: str, folder: Path) -> AsyncIterator[Here]:
    """A livekit-server of this machine."""
    port, udp, turn = free(), free(socket.SOCK_DGRAM), free(socket.SOCK_DGRAM)
    values: dict[str, Any] = configuration(folder, node_ip="127.0.0.1", rtc_tcp_port=0)
    values |= {"port": port, "bind_addresses": ["127.0.0.1"]}
    values["turn"] |= {"udp_port": turn, "bind_addresses": ["127.0.0.1"]}
    values["rtc"] |= {
        "udp_port": udp, "enable_loopback_candidate": True, "ips": {"includes": ["127.0.0.1/32"]},
    }  # fmt: skip
    async with livekit(program, None, folder, values, port):
        yield Here(f"ws://127.0.0.1:{port}")
