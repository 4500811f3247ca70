"""A real livekit-server for tests, on free ports of this machine alone."""

import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

BUILT = Path(__file__).parents[1] / ".tools" / "livekit-server"
STARTS_WITHIN_S = 60.0


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@contextmanager
def livekit_server(folder: Path, keys: dict[str, str], **sections: Any) -> Iterator[str]:
    """Its address, `ws://127.0.0.1:PORT`, once it answers.

    Args:
        folder: where its configuration and log go.
        sections: more of its configuration, as `redis={...}`.
    """
    binary = str(BUILT) if BUILT.exists() else shutil.which("livekit-server")
    if binary is None:
        pytest.skip("no livekit-server; scripts/setup builds it")
    port = free_port()
    config = {
        "port": port,
        "bind_addresses": ["127.0.0.1"],
        "rtc": {
            "tcp_port": free_port(),
            "udp_port": free_port(),
            "use_external_ip": False,
            "node_ip": "127.0.0.1",
            "enable_loopback_candidate": True,
        },
        "turn": {"enabled": True, "udp_port": free_port()},
        "keys": keys,
        "logging": {"level": "warn"},
        **sections,
    }
    path, log = folder / "livekit.yaml", folder / "livekit.log"
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(config))
    with log.open("wb") as out:
        process = subprocess.Popen([binary, "--config", path], stdout=out, stderr=out)
    try:
        _answers(port, process, log)
        yield f"ws://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait(10)


def _answers(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + STARTS_WITHIN_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}", timeout=2).close()
            return
        except OSError:
            time.sleep(0.05)
    pytest.fail(log.read_text())
