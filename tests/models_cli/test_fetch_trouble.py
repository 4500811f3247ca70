"""`earshot models fetch` on full disks, killed, twice at once, and with certificates of any kind."""

import resource
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import FILES, Earshot, Site
from .hub import COMMIT, Hub, serve

GGUF = FILES["me/llm"]["tiny.gguf"]


GGUF_PATH = "me/llm/resolve/main/tiny.gguf"


ALL = [
    "tiny-llm/tiny.gguf",
    *(f"tiny-stt/{name}" for name in sorted(FILES["me/stt"])),
    "tiny-voice/tiny.onnx",
    "tiny-voice/tiny.onnx.json",
]


def test_too_little_room_is_told_before_anything_is_fetched(
    earshot: Earshot, site: Site, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("earshot.models.fetch.SPARE_BYTES", 10**18)
    ran = earshot("models", "fetch", "tiny", "--yes", "--hub", hub.url)
    assert ran.status == 2 and "are needed" in ran.err and "are free" in ran.err
    assert hub.requests == []


def _limited() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (3_000_000, 3_000_000))


def test_a_full_disk_keeps_what_arrived(earshot: Earshot, site: Site, hub: Hub) -> None:
    command = [
        sys.executable,
        "-m",
        "earshot",
        "models",
        "fetch",
        "tiny",
        "--yes",
        "--hub",
        hub.url,
    ]
    ran = subprocess.run(command, preexec_fn=_limited, capture_output=True, text=True)
    last = ran.stderr.splitlines()[-1]
    assert ran.returncode == 2 and "model.bin.part: cannot be written: File too large" in last
    assert "Traceback" not in ran.stderr
    assert "tiny-stt/model.bin" not in site.weights
    hub.requests.clear()
    assert earshot("models", "fetch", "tiny", "--yes", "--hub", hub.url).status == 0
    assert hub.of(f"me/stt/resolve/{COMMIT}/model.bin")[0] == "bytes=3000000-"


def test_a_killed_fetch_is_gone_on_with(earshot: Earshot, site: Site, hub: Hub) -> None:
    hub.cut_after = [200, 1_000_000] + [0] * 100  # config.json, a part of model.bin, then nothing
    command = [
        sys.executable,
        "-m",
        "earshot",
        "models",
        "fetch",
        "tiny",
        "--yes",
        "--hub",
        hub.url,
    ]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    part = site.models / "weights/.part/tiny-stt/model.bin.part"
    while not (part.exists() and part.stat().st_size == 1_000_000):
        assert process.poll() is None
    process.kill()
    process.wait()
    assert not (site.models / "weights/tiny-stt").exists()
    hub.cut_after, hub.requests = [], []
    assert earshot("models", "fetch", "tiny", "--yes", "--hub", hub.url).status == 0
    assert next(r for p, r in hub.requests if p.endswith("model.bin")) == "bytes=1000000-"


def test_a_folder_that_cannot_be_written(earshot: Earshot, site: Site, hub: Hub) -> None:
    (site.models / "weights").mkdir()
    (site.models / "weights/.part").write_text("in the way")
    ran = earshot("models", "fetch", "tiny", "--yes", "--hub", hub.url)
    assert ran.status == 2 and "cannot be made: File exists" in ran.err
    assert hub.requests == []


@pytest.fixture
def small_disk(site: Site) -> Iterator[Path]:
    """`weights/` on a real file system of 4 MB."""
    weights = site.models / "weights"
    weights.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "none", weights])
    if done.returncode:
        pytest.skip("no file system may be mounted here")
    yield weights
    subprocess.run(["umount", weights], check=True)


def test_a_disk_that_is_really_full(
    earshot: Earshot, site: Site, hub: Hub, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = earshot("models", "fetch", "tiny", "--yes", "--hub", hub.url)
    assert ran.status == 2 and "are needed, 4.2 MB are free" in ran.err and hub.requests == []
    monkeypatch.setattr("earshot.models.fetch.SPARE_BYTES", -(10**9))  # somebody else fills it
    ran = earshot("models", "fetch", "tiny", "--yes", "--hub", hub.url)
    assert ran.status == 2
    assert "model.bin.part: cannot be written: No space left on device" in ran.err
    assert not (small_disk / "tiny-stt").exists()
    subprocess.run(["mount", "-o", "remount,size=64m", small_disk], check=True)
    assert earshot("models", "fetch", "tiny", "--yes", "--hub", hub.url).status == 0
    assert max(hub.of(f"me/stt/resolve/{COMMIT}/model.bin")).startswith("bytes=4")


def test_a_disk_that_is_read_only(earshot: Earshot, site: Site, hub: Hub, small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    ran = earshot("models", "fetch", "tiny", "--yes", "--hub", hub.url)
    assert ran.status == 2 and "cannot be made: Read-only file system" in ran.err
    assert hub.requests == []


def test_two_at_once(earshot: Earshot, site: Site, hub: Hub) -> None:
    import fcntl

    parts = site.models / "weights/.part"
    parts.mkdir(parents=True)
    with (parts / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        ran = earshot("models", "fetch", "tiny", "--yes", "--hub", hub.url)
    assert ran.status == 2 and "another `earshot models fetch` is at work" in ran.err


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Of an authority that nobody knows, for localhost: certificate and key in one file."""
    pem = tmp_path / "hub.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ed25519", "-nodes", "-days", "2", "-subj",
         "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", pem, "-out",
         tmp_path / "c.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    pem.write_text(pem.read_text() + (tmp_path / "c.pem").read_text())
    return pem


def test_certificates_are_checked(
    earshot: Earshot,
    site: Site,
    hub: Hub,
    certificate: Path,
    naps: list[float],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = serve(hub, context)
    try:
        ran = earshot("models", "fetch", "tiny", "--yes", "--hub", hub.url)
        assert ran.status == 2 and "its certificate is not trusted here: self" in ran.err
        assert hub.requests == [] and naps == []  # trying again would not help
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))  # as a site's own authority
        assert earshot("models", "fetch", "tiny", "--yes", "--hub", hub.url).status == 0
        hub.redirect = hub.url.replace("https", "http")
        (site.models / "weights/tiny-llm/tiny.gguf").unlink()
        ran = earshot("models", "fetch", "tiny", "--yes", "--hub", hub.url)
        assert ran.status == 2 and "not encrypted; models are fetched over https alone" in ran.err
    finally:
        server.shutdown()
        server.server_close()
