"""Profiles and overlays that are not started here, as Compose itself understands them.

Their images can't be had without a registry (egress, sip, Grafana) or a GPU: what is checked is what
can be read. What Prometheus asks for is checked against what is there, in test_stack.py.
"""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from earshot.init.folder import METRICS_PORT
from earshot.init.services import RTP_PORTS, SIP_PORT

FILES = ("compose.yaml", "compose.gpu.yaml", "compose.digests.yaml")


@pytest.fixture(scope="module", autouse=True)
def compose_is_here() -> None:
    try:
        done = subprocess.run(["docker", "compose", "version"], capture_output=True, timeout=20)
    except OSError:
        pytest.skip("no Docker Compose: docker is not installed")
    if done.returncode:
        pytest.skip("no Docker Compose: `docker compose version` fails")


def understood(root: Path, *profiles: str, files: tuple[str, ...] = FILES[:1]) -> dict[str, Any]:
    """The services, filled in and merged; no engine is asked."""
    command = ["docker", "compose", "--env-file", "/dev/null"]
    for file in files:
        command += ["--file", str(root / file)]
    for profile in profiles:
        command += ["--profile", profile]
    names = ("PAGE", "LIVEKIT", "RTC_TCP", "RTC_UDP", "TURN")
    environment = {f"EARSHOT_NETWORK__{name}_PORT": str(n) for n, name in enumerate(names, 8000)}
    environment |= {"RUN_AS": "1000:1000", "EARSHOT_NETWORK__ADDRESS": "192.0.2.9"}
    done = subprocess.run(
        [*command, "config", "--format", "json"], capture_output=True, text=True, timeout=60,
        env={**os.environ, **environment}, cwd=root,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)["services"]
    return found


@pytest.fixture
def site(root: Path, tmp_path: Path) -> Path:
    """compose.yaml in a folder of its own, with the .env that it wants to pass on."""
    for name in FILES:
        (tmp_path / name).write_text((root / name).read_text())
    (tmp_path / ".env").write_text("")
    return tmp_path


def test_profiles_add_their_services_and_no_others(site: Path) -> None:
    usual = set(understood(site))
    assert usual == {"front", "worker", "livekit", "redis"}
    added = {p: set(understood(site, p)) - usual for p in ("tls", "monitoring", "egress", "sip")}
    assert added == {
        "tls": {"tls", "tls-front"},
        "monitoring": {"prometheus", "grafana", "grafana-front"},
        "egress": {"egress"},
        "sip": {"sip"},
    }


def test_the_gpu_overlay_is_differences_only(site: Path) -> None:
    plain, gpu = understood(site), understood(site, files=FILES[:2])
    differs = {name for name in plain if plain[name] != gpu[name]}
    assert differs == {"worker"} and plain.keys() == gpu.keys()
    worker = gpu["worker"]
    assert {k for k in worker if worker[k] != plain["worker"].get(k)} == {
        "image",
        "build",
        "deploy",
    }
    assert worker["image"].startswith("earshot-gpu:")
    assert worker["build"]["args"] == {"CUDA": "12-6"}
    assert worker["build"]["target"] == plain["worker"]["build"]["target"]
    [device] = worker["deploy"]["resources"]["reservations"]["devices"]
    assert (device["driver"], device["capabilities"]) == ("nvidia", ["gpu"])


def test_the_build_knows_the_argument(root: Path) -> None:
    dockerfile = (root / "docker/Dockerfile").read_text()
    assert dockerfile.count("\nARG CUDA=\n") == 2
    assert "-DGGML_CUDA=ON" in dockerfile
    script = root / "docker/cuda.sh"
    subprocess.run(["sh", "-n", str(script)], check=True)
    # without a version it does nothing
    done = subprocess.run(["sh", str(script), "libraries"], env={}, capture_output=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_digests_are_of_the_very_versions(site: Path) -> None:
    plain = understood(site, "monitoring")
    pinned = understood(site, "monitoring", files=(FILES[0], FILES[2]))
    for name in yaml.safe_load((site / FILES[2]).read_text())["services"]:
        image, _, digest = pinned[name]["image"].partition("@sha256:")
        assert image == plain[name]["image"] and re.fullmatch("[0-9a-f]{64}", digest)


def test_prometheus_is_where_the_metrics_are(site: Path, root: Path) -> None:
    services = understood(site, "monitoring")
    assert services["prometheus"]["network_mode"] == "service:worker"
    asked = yaml.safe_load((root / "docker/monitoring/prometheus.yml").read_text())
    targets = {c["job_name"]: c["static_configs"][0]["targets"] for c in asked["scrape_configs"]}
    port = services["worker"]["environment"]["EARSHOT_NETWORK__METRICS_PORT"]
    assert targets == {"worker": [f"127.0.0.1:{port}"], "livekit": [f"livekit:{METRICS_PORT}"]}


def test_grafana_shows_files_and_asks_nobody(site: Path, root: Path) -> None:
    grafana = understood(site, "monitoring")["grafana"]
    assert set(grafana["networks"]) == {"inside"} and "ports" not in grafana
    told = grafana["environment"]
    assert told["GF_ANALYTICS_REPORTING_ENABLED"] == told["GF_NEWS_NEWS_FEED_ENABLED"] == "false"
    assert told["GF_SECURITY_ADMIN_PASSWORD__FILE"] == "/run/secrets/grafana-password"
    for volume in grafana["volumes"]:
        source = root / Path(volume["source"]).relative_to(site)
        assert source.is_dir() and volume["read_only"]
    [source] = yaml.safe_load(
        (root / "docker/monitoring/grafana/datasources/prometheus.yaml").read_text()
    )["datasources"]
    board = json.loads((root / "docker/monitoring/dashboards/earshot.json").read_text())
    assert {panel["datasource"]["uid"] for panel in board["panels"]} == {source["uid"]}


def test_sip_alone_has_a_way_out(site: Path) -> None:
    services = understood(site, "tls", "monitoring", "egress", "sip")
    outside = {name for name, s in services.items() if "outside" in (s.get("networks") or {})}
    assert outside == {"front", "tls-front", "grafana-front", "sip"}
    published = {p["published"]: p["host_ip"] for p in services["sip"]["ports"]}
    assert set(published.values()) == {"192.0.2.9"} and "5060" in published
    assert {str(SIP_PORT), *map(str, range(RTP_PORTS[0], RTP_PORTS[1] + 1))} == set(published)
