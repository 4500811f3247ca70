"""A bundle with the real images, carried to a machine with an empty Docker and no network.

Signed, checked, altered (refused), installed, called; upgraded to a version that does not answer, to
one that does, and rolled back. Every single piece altered: tests/bundle/test_archive.py.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from earshot.bundle import keys
from earshot.bundle.archive import Bundle, Nowhere
from earshot.bundle.create import Contents, create
from earshot.errors import BundleError
from earshot.progress import Progress, size

from .stack import Containers, ports_file, run
from .target import ADDRESS, ROOT, Target, target

pytestmark = pytest.mark.docker
ROOM_BYTES = 8_000_000_000
"""the images: saved, settled, in the bundle, unpacked, loaded"""
NOWHERE = "ws://192.0.2.1:1"


@dataclass
class Carried:
    """What was carried to the machine: by the stick, and by the other way."""

    tree: Path
    """The checkout that it was made of."""
    bundle: Path
    key: Path

    @property
    def public(self) -> Path:
        return self.key.with_name(self.key.name + ".pub")


@pytest.fixture(scope="module")
def carried(stack: Containers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Carried]:
    """Made in the checkout in which the stack was started; its images are Docker's."""
    folder = tmp_path_factory.mktemp("carried")
    if (free := shutil.disk_usage(folder).free) < ROOM_BYTES:
        pytest.skip(f"{folder}: {size(ROOM_BYTES)} are needed, {size(free)} are free")
    key, bundle = folder / "site.key", folder / "earshot.tar"
    keys.generate(key)
    stack.shell(f".venv/bin/earshot bundle create --key {key} --profiles starter -o {bundle}")
    yield Carried(stack.folder, bundle, key)
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def machine(carried: Carried, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    with target(tmp_path_factory.mktemp("target")) as found:
        yield found


@pytest.fixture(scope="module")
def site(machine: Target) -> Path:
    """Where it is installed."""
    site = machine.folder / "opt"
    site.mkdir()
    (site / ".env").write_text(ports_file())
    return site


def call(machine: Target, site: Path) -> str:
    """From that machine; what the agent answered."""
    port = next(
        line.partition("=")[2]
        for line in (site / ".env").read_text().splitlines()
        if line.startswith("EARSHOT_NETWORK__PAGE_PORT=")
    )
    code = (site / ".earshot/worker/secrets/access-code").read_text().strip()
    program = Path(__file__).with_name("calling.py")
    return machine.run(
        str(ROOT / ".venv/bin/python"), str(program), f"http://127.0.0.1:{port}", code
    )


def test_it_is_whole_and_what_is_altered_is_refused(carried: Carried) -> None:
    stated = run(
        str(ROOT / ".venv/bin/earshot"), "bundle", "verify", str(carried.bundle), "--key", str(carried.public),
        timeout_s=300.0,
    )  # fmt: skip
    assert "whole, and signed by" in stated
    with Bundle(carried.bundle, keys.public(carried.public)) as bundle:
        places = {
            "images/images.tar": carried.bundle.stat().st_size // 2,
            "manifest.json": _find(carried.bundle, bundle.raw),
            "manifest.json.sig": _find(carried.bundle, bundle.signature),
        }
    for name, place in places.items():
        with carried.bundle.open("r+b") as file:
            file.seek(place)
            byte = file.read(1)
            file.seek(place)
            file.write(bytes([byte[0] ^ 1]))
        try:
            with (
                pytest.raises(BundleError),
                Bundle(carried.bundle, keys.public(carried.public)) as bundle,
            ):
                bundle.walk(Nowhere(lambda count: None))
                raise AssertionError(f"{name} was altered, and nobody saw it")
        finally:
            with carried.bundle.open("r+b") as file:
                file.seek(place)
                file.write(byte)


def _find(file: Path, what: bytes) -> int:
    with file.open("rb") as f:
        head = f.read(4_000_000)
    place = head.find(what)
    assert place > 0
    return place + len(what) // 2


def test_installed_without_a_network_it_is_called(
    machine: Target, site: Path, carried: Carried
) -> None:
    said = machine.earshot(
        "bundle", "install", carried.bundle, "--key", carried.public, "--to", site
    )
    assert f"{site}/current: 0.1.0" in said
    assert f"EARSHOT_NETWORK__ADDRESS={ADDRESS.partition('/')[0]}\n" in (site / ".env").read_text()
    assert "8" in call(machine, site)


def newer(carried: Carried, folder: Path, version: str, worker: str) -> Path:
    """A bundle of another version; its images are those that are there."""
    tree = folder / version
    tree.mkdir()
    shutil.copytree(carried.tree / "models/starter", tree / "models/starter")
    shutil.copy(carried.tree / "models/manifest.toml", tree / "models")
    (tree / "requirements").mkdir()
    shutil.copy(carried.tree / "requirements/runtime.txt", tree / "requirements")
    text = (carried.tree / "compose.yaml").read_text()
    there = "      EARSHOT_NETWORK__LISTEN: lan\n"
    assert text.count(there) == 1
    (tree / "compose.yaml").write_text(text.replace(there, f"{there}      {worker}\n"))
    output = folder / f"earshot-{version}.tar"
    contents = Contents(
        tree, tree / "models", version, ("starter",), with_images=False, wheels=lambda root, out: []
    )
    create(contents, keys.private(carried.key), output, folder / "cache.json", Progress())
    return output


@pytest.mark.docker(all=True)
def test_a_version_that_does_not_answer_leaves_the_old_one_and_one_that_does_can_be_rolled_back(
    machine: Target, site: Path, carried: Carried, tmp_path: Path
) -> None:
    if not (site / "current").exists():
        pytest.skip("0.1.0 was not installed")
    deaf = newer(carried, tmp_path, "0.2.0", f"EARSHOT_LIVEKIT__PUBLIC_URL: {NOWHERE}")
    with pytest.raises(AssertionError, match=r"0\.2\.0 does not answer: version 0\.1\.0 goes on"):
        machine.earshot(
            "bundle", "install", deaf, "--key", carried.public, "--to", site, "--check-s", 5
        )
    assert (site / "current").readlink().name == "0.1.0"
    assert "8" in call(machine, site)
    good = newer(carried, tmp_path, "0.3.0", "EARSHOT_PERSONA__NAME: Nova")
    machine.earshot("bundle", "install", good, "--key", carried.public, "--to", site)
    assert (site / "current").readlink().name == "0.3.0"
    machine.earshot("bundle", "rollback", "--to", site)  # it has called what it went back to
    assert (site / "current").readlink().name == "0.1.0"
