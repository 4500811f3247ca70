"""`earshot models list, verify, path, add`."""

import hashlib
import json
import os
import shutil
import tomllib
from pathlib import Path

import pytest
from earshot.bundle.pieces import models
from earshot.errors import ChecksumError, ModelError
from earshot.models import load_profile, load_profiles

from .conftest import STARTER, Earshot, Site
from .hub import Hub

ROOT = Path(__file__).parents[2]


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A folder of one's own models, in folders of other names."""
    folder = tmp_path / "mine"
    shutil.copytree(STARTER / "stt", folder / "ears")
    shutil.copy(STARTER / "llm" / "starter.gguf", folder / "brain.gguf")
    (folder / "mouth").mkdir()
    shutil.copy(STARTER / "voice" / "starter.onnx", folder / "mouth" / "mouth.onnx")
    shutil.copy(STARTER / "voice" / "starter.onnx.json", folder / "mouth" / "mouth.onnx.json")
    return folder


def test_the_shipped_profiles_can_be_read() -> None:
    profiles = {p.name: p for p in load_profiles(ROOT / "models")}
    assert list(profiles) == ["starter", "mini", "mini-1.5b", "small", "medium", "gpu"]
    assert [p.name for p in profiles.values() if p.demonstration] == ["starter"]
    for name in list(profiles)[1:]:
        for model in profiles[name].models:
            assert model.source and model.licence != "unknown"
            assert len(model.source.revision) == 40  # pinned
            assert all(f.bytes > 0 and len(f.sha256) in (0, 64) for f in model.files)
            big = [f for f in model.files if f.bytes > 5_000_000]
            assert all(f.sha256 for f in big), model.title


@pytest.mark.parametrize("name", ["mini", "mini-1.5b"])
def test_packages_alone_make_a_mini_profile(name: str) -> None:
    for model in load_profile(name, ROOT / "models").models:
        for file in model.files:
            assert file.packages and len(file.sha256) == 64
            assert all(len(p.sha256) == 64 and p.bytes > 1_000_000 for p in file.packages)


def test_a_model_has_one_description() -> None:
    manifest = tomllib.loads((ROOT / "models" / "manifest.toml").read_text())
    named = [m for p in manifest["profiles"].values() for m in p.values() if isinstance(m, str)]
    assert set(named) == set(manifest["models"])  # none that nobody uses
    paths = [model["path"] for model in manifest["models"].values()]
    assert len(set(paths)) == len(paths)


def test_the_list(earshot: Earshot, site: Site, hub: Hub) -> None:
    ran = earshot("models", "list")
    assert ran.status == 0 and "tiny stt" in ran.out and "missing" in ran.out
    earshot("models", "fetch", "tiny", "--yes", "--hub", hub.url)
    [profile] = json.loads(earshot("models", "list", "--json").out)
    assert [m["state"] for m in profile["models"]] == ["present"] * 3
    assert profile["models"][0]["source"] == {
        "repository": "me/stt",
        "revision": "main",
        "folder": "",
    }
    (site.models / "weights/tiny-stt/config.json").unlink()
    assert json.loads(earshot("models", "list", "--json").out)[0]["models"][0]["state"] == "partly"


def test_verify_reads_every_file(earshot: Earshot, site: Site, hub: Hub) -> None:
    assert earshot("models", "verify").out == ""  # nothing is here yet
    assert earshot("models", "verify", "tiny").status == 1
    earshot("models", "fetch", "tiny", "--yes", "--hub", hub.url)
    ran = earshot("models", "verify")
    assert ran.status == 0 and ran.out.count("ok ") == 8
    file = site.models / "weights/tiny-voice/tiny.onnx"
    file.write_bytes(file.read_bytes()[:-1])
    ran = earshot("models", "verify", "tiny")
    assert ran.status == 1 and f"WRONG {file}: wrong checksum" in ran.out
    report = json.loads(earshot("models", "verify", "tiny", "--json").out)
    assert not report["ok"] and [f["path"] for f in report["files"] if not f["ok"]] == [str(file)]


def test_paths(earshot: Earshot, site: Site) -> None:
    paths = earshot("models", "path", "tiny").out.splitlines()
    assert paths[1] == str(site.models / "weights/tiny-llm/tiny.gguf")
    assert json.loads(earshot("models", "path", "tiny", "--json").out)["stt"] == paths[0]
    assert earshot("models", "path", "none").status == 2


def test_what_is_not_here_yet_is_told_with_the_command_that_gets_it(
    site: Site, tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match=r"missing, .* `earshot models fetch tiny` gets it"):
        load_profile("tiny", site.models).verify(tmp_path / "cache.json")


def test_a_file_put_there_by_hand_is_not_trusted(site: Site, hub: Hub, tmp_path: Path) -> None:
    voice = site.models / "weights/tiny-voice"
    voice.mkdir(parents=True)
    profile = load_profile("tiny", site.models)
    for file in profile.files:
        file.path.parent.mkdir(exist_ok=True)
        file.path.write_bytes(
            hub.files[f"me/{file.path.parent.name[5:]}/resolve/main/{file.path.name}"]
        )
    with pytest.raises(ModelError, match=r"tiny\.onnx: no checksum of it is known"):
        profile.verify(tmp_path / "cache.json")


def test_a_damaged_lock_is_named(site: Site) -> None:
    (site.models / "weights").mkdir()
    for text in ("{", "[]", '{"a": 3}'):
        (site.models / "weights/lock.json").write_text(text)
        with pytest.raises(ModelError, match=r"lock\.json: "):
            load_profile("tiny", site.models)


def test_ones_own_models_become_a_profile(
    earshot: Earshot, site: Site, mine: Path, tmp_path: Path
) -> None:
    shipped = (site.models / "manifest.toml").read_text()
    ran = earshot("models", "add", mine, "--name", "mine", "--licence", "CC-BY-4.0")
    assert ran.status == 0, ran.err
    assert "profile 'mine' is ready" in ran.out
    assert (site.models / "manifest.toml").read_text() == shipped
    profile = load_profile("mine", site.models)
    assert profile.own and profile.llm == mine / "brain.gguf"
    profile.verify(tmp_path / "cache.json")
    assert {m.licence for m in profile.models} == {"CC-BY-4.0"}
    with (mine / "ears" / "model.bin").open("r+b") as f:
        f.seek(-1, 2)
        f.write(b"\0" if f.read(1) != b"\0" else b"\1")
    with pytest.raises(ChecksumError):
        profile.verify(tmp_path / "cache.json")
    # a second one, and the first again
    assert earshot("models", "add", mine, "--name", "mine.2").status == 0
    assert earshot("models", "add", mine, "--name", "mine").status == 0
    assert [p.name for p in load_profiles(site.models)] == ["tiny", "mine", "mine.2"]


def test_what_a_folder_lacks_is_taken_from_another_profile(
    earshot: Earshot, site: Site, hub: Hub, tmp_path: Path
) -> None:
    folder = tmp_path / "only"
    folder.mkdir()
    shutil.copy(STARTER / "llm" / "starter.gguf", folder / "brain.gguf")
    assert "holds no stt model" in earshot("models", "add", folder, "--name", "x").err
    assert earshot("models", "add", folder, "--name", "x", "--rest", "tiny").status == 0
    ran = earshot("models", "fetch", "x", "--yes", "--hub", hub.url)
    assert ran.status == 0, ran.err
    load_profile("x", site.models).verify(tmp_path / "cache.json")
    assert not any("me/llm" in path for path, _ in hub.requests)


def truncate(folder: Path) -> None:
    file = folder / "brain.gguf"
    file.write_bytes(file.read_bytes()[:-100_000])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda f: (f / "ears/tokenizer.json").unlink(), "ears: tokenizer.json is missing"),
        (lambda f: (f / "ears/model.bin").write_bytes(b"nothing like it"), "model.bin: holds"),
        (lambda f: (f / "brain.gguf").write_bytes(b"no"), "brain.gguf: not a GGUF file"),
        (truncate, "brain.gguf: not a usable GGUF model"),
        (lambda f: (f / "mouth/mouth.onnx").write_bytes(b"no"), "mouth.onnx: not "),
        (lambda f: (f / "mouth/mouth.onnx.json").write_text("{}"), "mouth.onnx.json: key"),
        (
            lambda f: shutil.copy(f / "brain.gguf", f / "b.gguf"),
            "2 llm models (b.gguf, brain.gguf)",
        ),
        (lambda f: shutil.rmtree(f), "not a folder"),
        (lambda f: [shutil.rmtree(f), f.mkdir()], "no model found"),
    ],
)
def test_what_the_plugins_refuse_never_becomes_a_profile(
    earshot: Earshot, site: Site, mine: Path, change: object, said: str
) -> None:
    assert callable(change)
    change(mine)
    ran = earshot("models", "add", mine, "--name", "mine")
    assert ran.status == 2 and said in ran.err.splitlines()[-1]
    assert "Traceback" not in ran.err and not (site.models / "local.toml").exists()


def linked(kind: str, mine: Path, stash: Path) -> None:
    """Moves a model of the folder elsewhere, and leaves a link."""
    stash.mkdir()
    if kind == "folder":
        mine.rename(stash / "all")
        mine.symlink_to(stash / "all")
    elif kind == "link to a link":
        (mine / "ears").rename(stash / "v1")
        (stash / "current").symlink_to("v1")
        (mine / "ears").symlink_to(stash / "current")
    elif kind in ("ears", "mouth"):
        (mine / kind).rename(stash / kind)
        (mine / kind).symlink_to(stash / kind)
    elif kind == "blobs":  # as a hub's cache keeps files: by checksum, without their names
        for path in [p for p in mine.rglob("*") if p.is_file()]:
            path.rename(stash / (blob := hashlib.sha256(str(path).encode()).hexdigest()))
            path.symlink_to(stash / blob)
    elif kind == "voice alone":  # its configuration is beside the voice itself
        for path in [*(mine / "mouth").iterdir()]:
            path.rename(stash / path.name)
        (mine / "mouth" / "other.onnx").symlink_to(stash / "mouth.onnx")
    elif kind == "twice":
        (mine / "latest.gguf").symlink_to("brain.gguf")
        (mine / "ears" / "up").symlink_to("..")
        (mine / "again").symlink_to("mouth")


LINKS = ("folder", "ears", "mouth", "link to a link", "blobs", "voice alone", "twice")


@pytest.mark.parametrize("kind", LINKS)
def test_links_are_followed(
    earshot: Earshot, site: Site, mine: Path, tmp_path: Path, kind: str
) -> None:
    linked(kind, mine, tmp_path / "stash")
    ran = earshot("models", "add", mine, "--name", "mine")
    assert ran.status == 0, ran.err
    ran = earshot("models", "verify", "mine")
    assert ran.status == 0 and "ok " in ran.out and "WRONG" not in ran.out
    shown = json.loads(earshot("models", "list", "--json").out)[-1]
    assert [model["state"] for model in shown["models"]] == ["present"] * 3
    assert "all there" in earshot("models", "fetch", "mine").out
    profile = load_profile("mine", site.models)
    profile.verify(tmp_path / "cache.json")
    carried = {item.path: item.source for item in models([profile], site.models, tmp_path / "x")}
    names = {Path(name).name for name in carried}
    assert {"model.bin", profile.llm.name, profile.voice.name} <= names
    for model in profile.models:
        for file in model.files:
            [source] = [s for name, s in carried.items() if Path(name).name == file.path.name]
            assert source.stat().st_size == file.bytes


@pytest.mark.parametrize(
    ("link", "to", "said"),
    [
        ("ears2", "/nowhere/ears", "ears2: a link to /nowhere/ears, which leads nowhere"),
        ("b.gguf", "gone.gguf", "b.gguf: a link to gone.gguf, which leads nowhere"),
        ("round", "round", "round: a link to round, which leads back to itself"),
        ("whole", "/nowhere", "whole: a link to /nowhere, which leads nowhere"),
    ],
)
def test_a_link_that_leads_nowhere_is_named(
    earshot: Earshot, site: Site, mine: Path, link: str, to: str, said: str
) -> None:
    (mine / link).symlink_to(to)
    ran = earshot("models", "add", mine / link if link == "whole" else mine, "--name", "mine")
    assert ran.status == 2 and said in ran.err and "Traceback" not in ran.err
    assert not (site.models / "local.toml").exists()


def test_a_link_set_anew_is_seen(earshot: Earshot, site: Site, mine: Path, tmp_path: Path) -> None:
    linked("blobs", mine, tmp_path / "stash")
    assert earshot("models", "add", mine, "--name", "mine").status == 0
    profile, link = load_profile("mine", site.models), mine / "brain.gguf"
    profile.verify(tmp_path / "cache.json")
    other = tmp_path / "other.gguf"
    other.write_bytes(link.read_bytes()[:-1] + b"?")
    before = link.stat()
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))  # of one size and one age
    link.unlink()
    link.symlink_to(other)
    with pytest.raises(ChecksumError):
        profile.verify(tmp_path / "cache.json")


def test_what_is_fetched_goes_where_a_folder_is_linked_to(
    earshot: Earshot, site: Site, hub: Hub, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "big-disk"
    elsewhere.mkdir()
    (site.models / "weights").mkdir()
    (site.models / "weights/tiny-stt").symlink_to(elsewhere)
    (site.models / "weights/tiny-llm").symlink_to("/nowhere/at/all")
    ran = earshot("models", "fetch", "tiny", "--yes", "--hub", hub.url)
    assert ran.status == 2 and "tiny-llm: a link to /nowhere/at/all, which is not there" in ran.err
    assert (elsewhere / "model.bin").is_file()
    (site.models / "weights/tiny-llm").unlink()
    assert earshot("models", "fetch", "tiny", "--yes", "--hub", hub.url).status == 0
    assert (site.models / "weights/tiny-stt").is_symlink()
    load_profile("tiny", site.models).verify(tmp_path / "cache.json")


@pytest.mark.parametrize("name", ["", "Mine", "../x", "tiny", "a" * 41])
def test_names(earshot: Earshot, site: Site, mine: Path, name: str) -> None:
    assert earshot("models", "add", mine, "--name", name).status == 2
    assert not (site.models / "local.toml").exists()


def test_checksums_are_those_of_the_files(earshot: Earshot, site: Site, mine: Path) -> None:
    earshot("models", "add", mine, "--name", "mine")
    table = tomllib.loads((site.models / "local.toml").read_text())["profiles"]["mine"]
    [file] = table["llm"]["files"]
    assert file["sha256"] == hashlib.sha256((mine / "brain.gguf").read_bytes()).hexdigest()
