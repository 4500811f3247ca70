"""compose.yaml keeps its promises; read as it stands, no Docker needed."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from earshot.settings import NetworkSettings, Settings
from earshot.version import __version__

SERVICES = ("front", "worker", "livekit", "redis", "tls", "tls-front", "prometheus", "grafana", "grafana-front",
            "egress", "sip")  # fmt: skip
FRONTS = ("front", "tls-front", "grafana-front")
REACHES_OUT = "sip"  # telephones are elsewhere
WRITES = "egress"  # what it records with writes all over its home


@pytest.fixture(scope="module")
def compose(root: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((root / "compose.yaml").read_text())
    return loaded


@pytest.mark.parametrize("name", SERVICES)
def test_every_container_is_locked_down_watched_and_bounded(
    compose: dict[str, Any], name: str
) -> None:
    service = compose["services"][name]
    assert service["read_only"] is (name != WRITES)
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["user"].startswith("${RUN_AS:?")
    assert "privileged" not in service and "cap_add" not in service
    assert service["restart"] == "unless-stopped"
    assert service["healthcheck"]["test"]
    assert service["mem_limit"] and service["pids_limit"]
    assert service["logging"]["options"]["max-size"]
    assert service["stop_grace_period"]


def test_only_the_front_has_a_way_out_and_ports(compose: dict[str, Any]) -> None:
    assert compose["networks"]["inside"] == {"internal": True}
    for name in SERVICES:
        service = compose["services"][name]
        if name in FRONTS:
            assert sorted(service["networks"]) == ["inside", "outside"]
            assert all(
                port.startswith(("${EARSHOT_NETWORK__ADDRESS}:", "127.0.0.1:"))
                for port in service["ports"]
            )
            assert "secrets" not in service and "volumes" not in service
        elif name != REACHES_OUT:
            assert (
                service.get("networks") == ["inside"] or service["network_mode"] == "service:worker"
            )
            assert "ports" not in service


def test_who_waits_for_whom(compose: dict[str, Any]) -> None:
    healthy = {"condition": "service_healthy"}
    services = compose["services"]
    assert services["livekit"]["depends_on"] == {"redis": healthy}
    assert services["worker"]["depends_on"] == {"livekit": healthy}
    assert services["front"]["depends_on"] == {"livekit": healthy}


def test_images_have_a_version_each(compose: dict[str, Any], root: Path) -> None:
    for name in SERVICES:
        image, _, tag = compose["services"][name]["image"].partition(":")
        assert tag and tag != "latest"
        if image.startswith("earshot"):
            assert tag == __version__
    pinned = re.search(r"^LIVEKIT=(\S+)", (root / "scripts/lib/livekit.sh").read_text(), re.M)
    assert pinned and compose["services"]["livekit"]["image"].endswith(f":{pinned[1]}")


def test_what_it_sets_are_settings(root: Path) -> None:
    used = set(re.findall(r"EARSHOT_[A-Z_]+", (root / "compose.yaml").read_text()))
    known = {f"EARSHOT_NETWORK__{name.upper()}" for name in NetworkSettings.model_fields}
    known |= {"EARSHOT_LIVEKIT__URL"} | {
        f"EARSHOT_{name.upper()}" for name in Settings.model_fields
    }
    assert used - {"EARSHOT_"} <= known


def test_who_asks_the_worker_bears_with_one_that_loads(compose: dict[str, Any]) -> None:
    """Else `up --wait` fails where a worker is made anew: the others are there and see it gone."""

    def seconds(text: str) -> int:
        return int(text.removesuffix("s"))

    loads_s = seconds(compose["services"]["worker"]["healthcheck"]["start_period"])
    for name in ("front", "tls"):
        check = compose["services"][name]["healthcheck"]
        assert seconds(check["interval"]) * check["retries"] >= loads_s


def test_the_worker_has_time_to_let_calls_end(compose: dict[str, Any]) -> None:
    grace_s = float(compose["services"]["worker"]["stop_grace_period"].removesuffix("s"))
    assert grace_s >= Settings().calls.drain_s + 5
