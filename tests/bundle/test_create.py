"""Making bundles: of this very tree, and of what cannot become one."""

import os
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from earshot.bundle import images, keys
from earshot.errors import BundleError, ChecksumError, OutputError

from .conftest import Earshot, Make

ROOT = Path(__file__).parents[2]


def test_this_tree_twice_is_the_same_bundle(
    earshot: Earshot, key: Path, public: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EARSHOT_STATE_DIR", str(tmp_path / "state"))
    made = []
    for name in ("one.tar", "two.tar"):
        ran = earshot(
            "bundle", "create", "--key", key, "--no-images", "-o", tmp_path / name,
            "--profiles", "starter",
        )  # fmt: skip
        assert ran.status == 0, ran.err
        made.append((tmp_path / name).read_bytes())
    assert made[0] == made[1]
    assert earshot("bundle", "verify", tmp_path / "one.tar", "--key", public).status == 0
    to = tmp_path / "opt"
    ran = earshot("bundle", "install", tmp_path / "one.tar", "--key", public, "--to", to)
    assert ran.status == 0, ran.err
    wheels = sorted(p.name.split("-")[0] for p in (to / "current/wheels").iterdir())
    assert wheels == ["earshot", "livekit_plugins_faster_whisper", "livekit_plugins_llama_cpp",
                      "livekit_plugins_piper"]  # fmt: skip
    # the models are in place: the command line of the target finds them whole
    monkeypatch.setenv("EARSHOT_MODELS_DIR", str(to / "current/models"))
    assert earshot("models", "verify", "starter").status == 0
    assert not [p for p in tmp_path.iterdir() if p.name.startswith((".", "one.tar."))]


def test_damaged_models_are_not_carried(make: Make, tree: Path, tmp_path: Path) -> None:
    file = tree / "models/tiny/stt/model.bin"
    file.write_bytes(b"x" + file.read_bytes()[1:])
    with pytest.raises(ChecksumError):
        make()
    assert not list(tmp_path.glob("*.tar*")) and not list(tmp_path.glob(".bundle-*"))


def test_links_and_hidden_files_of_the_tree_stay_out(make: Make, tree: Path) -> None:
    (tree / "docs/link.md").symlink_to("/etc/passwd")
    (tree / "docs/.hidden").write_text("secret")
    script = tree / "docker/monitoring/run"
    script.parent.mkdir(parents=True)
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    with tarfile.open(make()) as tar:
        names = tar.getnames()
        assert "docs/link.md" not in names and "docs/.hidden" not in names
        assert tar.getmember("docker/monitoring/run").mode == 0o755


def test_names_that_a_bundle_does_not_take(make: Make, tree: Path) -> None:
    (tree / "docs/two words.md").write_text("x")
    with pytest.raises(BundleError, match=r"docs/two words\.md"):
        make()


def test_a_wheelhouse(make: Make, tree: Path, tmp_path: Path) -> None:
    house = tmp_path / "house"
    with pytest.raises(BundleError, match="not a folder"):
        make(wheelhouse=house)
    house.mkdir()
    (house / "broken.whl").write_bytes(b"no zip")
    with pytest.raises(BundleError, match=r"broken\.whl: not a wheel"):
        make(wheelhouse=house)


def test_images_need_a_compose_file_and_docker(
    make: Make, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(BundleError, match="docker is not installed here"):
        make(with_images=True)
    (tree / "compose.yaml").unlink()
    with pytest.raises(BundleError, match="expected --no-images"):
        make(with_images=True)


DOCKER = """#!/bin/sh
# What Earshot asks of Docker, answered by files in DOCKER_DIR.
echo "$@" >>"$DOCKER_DIR/log"
case "$1 $2" in
  "image save") tar -C "$DOCKER_DIR" -cf "$4" layer ;;
  "image inspect") echo BSD-3-Clause ;;
  "image load") [ ! -e "$DOCKER_DIR/broken" ] || { echo "no space left" >&2; exit 1; } ;;
esac
"""


COMPOSE = """services:
  worker: {image: "earshot:0.1.0"}
  redis: {image: "redis:7"}
  proxy: {image: "caddy:2", profiles: [tls]}
  stays: {image: "other:1", profiles: [never]}
"""


def test_images_are_saved_carried_and_loaded(
    earshot: Earshot,
    make: Make,
    tree: Path,
    public: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    docker = tmp_path / "bin" / "docker"
    docker.parent.mkdir()
    docker.write_text(DOCKER)
    docker.chmod(0o755)
    (docker.parent / "layer").write_text("layer")
    monkeypatch.setenv("PATH", f"{docker.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("DOCKER_DIR", str(docker.parent))
    (tree / "compose.yaml").write_text(COMPOSE)
    with pytest.raises(
        BundleError, match=r"sip: not among the profiles of .*compose.yaml: never, tls"
    ):
        make(with_images=True, compose_profiles=("sip",))
    bundle = make(with_images=True, compose_profiles=("tls",))
    before = bundle.read_bytes()
    (docker.parent / "layer").touch()
    again = make(with_images=True, compose_profiles=("tls",), name="again.tar")
    assert again.read_bytes() == before
    saved = [line for line in (docker.parent / "log").read_text().splitlines() if "save" in line]
    assert all(line.endswith("images.raw caddy:2 earshot:0.1.0 redis:7") for line in saved)
    with tarfile.open(bundle) as tar:
        found = [n for n in tar.getnames() if n.startswith("images/")]
        licences = re.findall(
            '"image", "licence": "(.*?)"', tar.extractfile("manifest.json").read().decode()
        )  # type: ignore[union-attr]
    assert found == ["images/images.tar"] and licences == ["BSD-3-Clause"]
    to, log = tmp_path / "opt", docker.parent / "log"
    (docker.parent / "broken").touch()
    ran = earshot("bundle", "install", bundle, "--key", public, "--to", to, "--start", "true")
    assert ran.status == 2 and "docker image load: no space left" in ran.err
    assert not (to / "current").exists()
    (docker.parent / "broken").unlink()
    ran = earshot("bundle", "install", bundle, "--key", public, "--to", to, "--start", "true")
    assert ran.status == 0, ran.err
    loaded = [line for line in log.read_text().splitlines() if line.startswith("image load")][-1:]
    assert loaded == [f"image load --quiet --input {to}/versions/0.1.0/{n}" for n in found]


def test_saved_images_are_settled(tmp_path: Path) -> None:
    """Docker writes the time of saving into what it saves."""
    (tmp_path / "layer").write_text("layer")
    (tmp_path / "manifest.json").write_text("[]")
    settled = []
    for i, order in enumerate((["layer", "manifest.json"], ["manifest.json", "layer"])):
        for name in order:
            os.utime(tmp_path / name, (1000 * i, 1000 * i))
        raw, out = tmp_path / "raw.tar", tmp_path / f"{i}.tar"
        with tarfile.open(raw, "w") as tar:
            for name in order:
                tar.add(tmp_path / name, name)
        images.settle(raw, out)
        settled.append(out.read_bytes())
    assert settled[0] == settled[1]
    with tarfile.open(tmp_path / "0.tar") as tar:
        assert tar.getnames() == ["layer", "manifest.json"]


def test_a_full_disk_leaves_nothing(make: Make, key: Path, tree: Path, tmp_path: Path) -> None:
    """The limit on file sizes stands in for the disk."""
    script = (
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000));"
        "from pathlib import Path; from earshot.bundle import keys;"
        "from earshot.bundle.create import Contents, create;"
        "from earshot.progress import Progress; import sys;"
        "tree, key, out = map(Path, sys.argv[1:]);"
        "create(Contents(tree, tree / 'models', '1.0', ('tiny',), False, wheels=lambda r, o: []),"
        " keys.private(key), out / 'x.tar', out / 'cache.json', Progress())"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script, tree, key, tmp_path], capture_output=True, text=True
    )
    assert "OutputError" in ran.stderr and "cannot be written: File too large" in ran.stderr
    assert not list(tmp_path.glob("*.tar*")) and not list(tmp_path.glob(".bundle-*"))


def test_too_little_room(make: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import shutil

    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1000))
    with pytest.raises(OutputError, match="are needed"):
        make()


def test_a_missing_key(earshot: Earshot, tmp_path: Path) -> None:
    ran = earshot("bundle", "create", "--key", tmp_path / "none", "--no-images")
    assert ran.status == 2 and "cannot be read" in ran.err
    assert keys.SIGNATURE_BYTES == 64
