"""`earshot init`, as a person runs it; the Docker that it asks is a script."""

import os
import re
import shutil
import socket
import stat
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from earshot.cli import cli
from earshot.errors import EarshotError
from earshot.up.address import candidates

NAMES = ["PAGE", "LIVEKIT", "RTC_TCP", "RTC_UDP", "TURN"]

pytestmark = pytest.mark.skipif(not candidates(), reason="this machine has no network")


@pytest.fixture
def site(tmp_path: Path, root: Path) -> Path:
    """A folder with compose.yaml, and free ports in its .env."""
    site = tmp_path / "site"
    site.mkdir()
    shutil.copy(root / "compose.yaml", site)
    (site / ".env").write_text(
        "# ours\n"
        + "".join(f"EARSHOT_NETWORK__{n}_PORT={p}\n" for n, p in zip(NAMES, free(5), strict=True))
    )
    return site


@pytest.fixture
def docker(tmp_path: Path) -> Path:
    """A folder with a `docker` that has all that is asked for."""
    return stub(
        tmp_path / "docker",
        'case "$*" in "compose version --short") echo 2.40.3;; "version "*) echo 20.10.24;; esac',
    )


def stub(folder: Path, script: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "docker").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "docker").chmod(0o755)
    return folder


def free(number: int) -> list[int]:
    sockets = []
    for _ in range(number):
        sock = socket.socket()
        sock.bind(("", 0))
        sockets.append(sock)
    ports = [sock.getsockname()[1] for sock in sockets]
    for sock in sockets:
        sock.close()
    return ports


@dataclass
class Done:
    returncode: int
    stdout: str
    stderr: str


def init(site: Path, path: Path | None, *arguments: str) -> Done:
    """In this process, with a PATH that has what the test put there and nothing else."""
    runner = CliRunner(env={"PATH": str(path or "/nonexistent")})
    done = runner.invoke(cli, ["init", "--yes", "--folder", str(site), *arguments])
    if isinstance(done.exception, EarshotError):
        return Done(2, done.stdout, f"earshot: {done.exception}\n")
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return Done(done.exit_code, done.stdout, done.stderr)


def snapshot(site: Path) -> dict[str, tuple[bytes, int, int]]:
    return {
        str(p.relative_to(site)): (
            p.read_bytes(),
            p.stat().st_mtime_ns,
            stat.S_IMODE(p.stat().st_mode),
        )
        for p in sorted(site.rglob("*"))
        if p.is_file()
    }


def test_it_writes_what_compose_needs_and_only_its_owner_may_read_it(
    site: Path, docker: Path
) -> None:
    done = init(site, docker)
    assert (done.returncode, done.stderr) == (0, "")
    address = candidates()[0].ip
    assert f"address   {address} (" in done.stdout
    assert "next      docker compose up -d --wait" in done.stdout

    env = (site / ".env").read_text()
    assert env.startswith("# ours\n")
    assert f"\nEARSHOT_NETWORK__ADDRESS={address}\n" in env
    assert "\nEARSHOT_PROFILE=starter\n" in env
    assert re.search(r"^TZ=[A-Z]\w+", env, re.MULTILINE)
    for path in (".env", ".earshot/livekit.yaml", ".earshot/redis.conf",
                 ".earshot/egress.yaml", ".earshot/sip.yaml", ".earshot/grafana-password",
                 ".earshot/worker/secrets/keys.yaml", ".earshot/worker/secrets/access-code"):  # fmt: skip
        assert stat.S_IMODE((site / path).stat().st_mode) == 0o600, path
    for path in (".earshot", ".earshot/worker", ".earshot/worker/secrets"):
        assert stat.S_IMODE((site / path).stat().st_mode) == 0o700, path

    server = yaml.safe_load((site / ".earshot/livekit.yaml").read_text())
    assert server["rtc"]["node_ip"] == address
    assert server["redis"]["address"] == "redis:6379"
    password = server["redis"]["password"]
    assert len(password) >= 43
    assert f"requirepass {password}\n" in (site / ".earshot/redis.conf").read_text()
    # the worker, who has no business with redis, has it nowhere
    assert not any(
        password in p.read_text() for p in (site / ".earshot/worker").rglob("*") if p.is_file()
    )
    assert not any(secret in done.stdout for secret in (password, address * 2))


def test_models_that_containers_would_not_see_are_named(
    site: Path, docker: Path, root: Path, tmp_path: Path
) -> None:
    (tmp_path / "disk").mkdir()
    shutil.copy(root / "models/manifest.toml", tmp_path / "disk")
    (site / "models").symlink_to(tmp_path / "disk")  # the mount itself may be a link
    shutil.copytree(root / "models/starter", tmp_path / "disk/starter")
    assert "outside" not in init(site, docker).stdout
    (tmp_path / "disk/starter/voice").rename(tmp_path / "voice")
    (tmp_path / "disk/starter/voice").symlink_to(tmp_path / "voice")
    said = init(site, docker).stdout
    assert f"models    {tmp_path / 'voice'} is outside of models/" in said


def test_run_twice_it_changes_nothing(site: Path, docker: Path) -> None:
    init(site, docker)
    before = snapshot(site)
    done = init(site, docker)
    assert done.returncode == 0
    assert "written   nothing: all is in place" in done.stdout
    assert snapshot(site) == before


def test_a_port_changed_in_env_is_taken_up(site: Path, docker: Path) -> None:
    init(site, docker)
    old = yaml.safe_load((site / ".earshot/livekit.yaml").read_text())["port"]
    [new] = free(1)
    text = (site / ".env").read_text()
    (site / ".env").write_text(text.replace(f"LIVEKIT_PORT={old}", f"LIVEKIT_PORT={new}"))
    assert (
        "written   .earshot/livekit.yaml, .earshot/egress.yaml, .earshot/sip.yaml\n"
        in init(site, docker).stdout
    )
    assert yaml.safe_load((site / ".earshot/livekit.yaml").read_text())["port"] == new


def test_without_docker_all_is_written_and_the_lack_is_named(site: Path, tmp_path: Path) -> None:
    done = init(site, None)
    assert done.returncode == 2
    assert (
        "earshot: all is written, but compose can't run yet: docker is not on PATH" in done.stderr
    )
    assert (site / ".earshot/livekit.yaml").is_file()

    old = stub(tmp_path / "old", 'case "$*" in *--short) echo 1.29.2;; esac')
    assert "Docker Compose 1.29.2 is too old, 2.20 or newer" in init(site, old).stderr
    none = stub(tmp_path / "none", 'case "$*" in *--short) echo 2.40.3;; *) exit 1;; esac')
    assert "the Docker engine does not answer" in init(site, none).stderr


def test_a_port_in_use_is_named_with_its_holder_and_auto_takes_another(
    site: Path, docker: Path
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        (site / ".env").write_text(f"EARSHOT_NETWORK__PAGE_PORT={port}\n")
        done = init(site, docker)
        assert done.returncode == 2
        assert f"{port}/tcp (EARSHOT_NETWORK__PAGE_PORT): process {os.getpid()}" in done.stderr
        assert not (site / ".earshot").exists()


def test_a_running_stack_has_its_ports(site: Path, tmp_path: Path, docker: Path) -> None:
    init(site, docker)
    port = yaml.safe_load((site / ".earshot/livekit.yaml").read_text())["port"]
    running = stub(
        tmp_path / "running",
        (docker / "docker").read_text() + '\ncase "$*" in *" ps -q") echo 0123;; esac',
    )
    with socket.socket() as ours:
        ours.bind(("127.0.0.1", port))
        ours.listen()
        assert init(site, running).returncode == 0
        (site / ".earshot/redis.conf").unlink()
        assert "--wait --force-recreate, then" in init(site, running).stdout


def test_egress_and_sip_find_livekit_and_redis(site: Path, docker: Path) -> None:
    init(site, docker)
    server = yaml.safe_load((site / ".earshot/livekit.yaml").read_text())
    keys = yaml.safe_load((site / ".earshot/worker/secrets/keys.yaml").read_text())
    egress, sip = (
        yaml.safe_load((site / f".earshot/{name}.yaml").read_text()) for name in ("egress", "sip")
    )
    for found in (egress, sip):
        assert found["redis"] == server["redis"]
        assert found["ws_url"] == f"ws://livekit:{server['port']}"
        assert {found["api_key"]: found["api_secret"]} == keys
    assert sip["use_external_ip"] is False  # true asks a public server
    assert sip["nat_1_to_1_ip"] == server["rtc"]["node_ip"]


def test_the_site_of_several_versions_is_written_through_links(site: Path, docker: Path) -> None:
    """As `bundle install` has it: .env and .earshot are the site's."""
    shared = site.parent / "shared"
    (shared / ".earshot").mkdir(parents=True)
    (site / ".env").rename(shared / ".env")
    for name in (".env", ".earshot"):
        (site / name).symlink_to(shared / name)
    assert init(site, docker).returncode == 0
    assert (site / ".env").is_symlink() and "RUN_AS=" in (shared / ".env").read_text()
    assert (shared / ".earshot/redis.conf").is_file()


def test_in_the_image_a_stack_that_may_run_keeps_its_ports(
    site: Path, docker: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    init(site, docker)
    monkeypatch.setattr("earshot.init.docker.in_container", lambda: True)
    port = yaml.safe_load((site / ".earshot/livekit.yaml").read_text())["port"]
    with socket.socket() as ours:
        ours.bind(("127.0.0.1", port))
        ours.listen()
        done = init(site, None)
    assert (done.returncode, done.stderr) == (0, "")
    assert "docker    not seen from inside a container" in done.stdout


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("EARSHOT_NETWORK__ADDRESS=203.0.113.9", "203.0.113.9 is no address of this machine"),
        ("EARSHOT_NETWORK__PAGE_PORT=80x", "EARSHOT_NETWORK__PAGE_PORT=80x: a port from 1 to 65535"),
        ("RUN_AS=nobody", "RUN_AS=nobody: user and group as numbers expected, 1000:1000"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_one_line(site: Path, docker: Path, line: str, message: str) -> None:
    text = (
        (site / ".env").read_text().replace("EARSHOT_NETWORK__PAGE_PORT", "#")
        if "PAGE" in line
        else (site / ".env").read_text()
    )
    (site / ".env").write_text(f"{text}{line}\n")
    done = init(site, docker)
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (site / ".earshot").exists()


def test_another_folder_is_one_line(tmp_path: Path) -> None:
    done = init(tmp_path, None)
    assert done.returncode == 2
    assert f"{tmp_path} has no compose.yaml" in done.stderr
