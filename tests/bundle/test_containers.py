"""A version in containers, with a `docker` that writes down what it is asked.

The real engine does it in tests/compose/test_bundle.py.
"""

import os
from pathlib import Path

import pytest
from earshot.bundle.containers import Containers
from earshot.bundle.install import Steps
from earshot.bundle.site import Site
from earshot.errors import BundleError

DOCKER = """#!/bin/sh
echo "$(basename "$PWD"): $*" >>"$DOCKER_LOG"
case "$*" in
  *" init --yes") echo "address   10.0.0.7 (the one with the route out)"; echo "code   secret" ;;
  compose*) [ ! -e fails ] || { echo "worker is unhealthy" >&2; exit 1; } ;;
esac
"""


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    program = tmp_path / "bin/docker"
    program.parent.mkdir()
    program.write_text(DOCKER)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("DOCKER_LOG", str(tmp_path / "log"))
    return tmp_path / "log"


def version(site: Site, name: str, image: str, *, images: bool = True) -> Path:
    folder = site.folder(name)
    (folder / "images" if images else folder).mkdir(parents=True)
    (folder / "compose.yaml").write_text(
        f'services: {{worker: {{image: "{image}"}}, redis: {{image: "redis:7"}}}}'
    )
    return folder


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path / "opt")


def steps(site: Site, said: list[str] | None = None) -> Steps:
    return Containers(site, (said if said is not None else []).append).steps()


def test_start_is_init_of_its_own_image_and_up(site: Site, log: Path) -> None:
    one, said = version(site, "0.1.0", "earshot:0.1.0"), []
    steps(site, said).start(one)
    init, up = log.read_text().splitlines()
    assert f"--volume {site.root}:/site --workdir /site/versions/0.1.0 earshot:0.1.0 init" in init
    assert up == "0.1.0: compose up --detach --wait --no-build --remove-orphans"
    assert said == ["address   10.0.0.7 (the one with the route out)", "starting 0.1.0"]


def test_settings_and_secrets_are_the_sites(site: Site, log: Path) -> None:
    one, two = (version(site, f"0.{n}.0", f"earshot:0.{n}.0") for n in (1, 2))
    for folder in (one, two):
        steps(site).start(folder)
        assert (folder / ".env").resolve() == site.root / ".env"
    (one / ".earshot" / "secret").write_text("x")
    assert (two / ".earshot" / "secret").read_text() == "x"
    assert (site.root / ".earshot").stat().st_mode & 0o777 == 0o700


def test_what_does_not_get_healthy_is_told(site: Site, log: Path) -> None:
    one = version(site, "0.1.0", "earshot:0.1.0")
    (one / "fails").touch()
    with pytest.raises(BundleError, match="docker compose up: worker is unhealthy"):
        steps(site).start(one)


def test_without_images_nothing_is_started_unless_containers_run_already(
    site: Site, log: Path
) -> None:
    one = version(site, "0.1.0", "earshot:0.1.0", images=False)
    steps(site).start(one)
    assert steps(site).check(one) and not log.exists()
    steps(site).start(version(site, "0.2.0", "earshot:0.2.0"))
    steps(site).start(one)
    assert log.read_text().splitlines()[-1].startswith("0.1.0: compose up")


def test_a_version_that_goes_takes_its_images_along(site: Site, log: Path) -> None:
    one = version(site, "0.1.0", "earshot:0.1.0")
    version(site, "0.2.0", "earshot:0.2.0")
    steps(site).forget(one)
    assert [line.split(": ", 1)[1] for line in log.read_text().splitlines()] == [
        "image rm earshot:0.1.0"
    ]
