"""`earshot models fetch` against a hub on this machine."""

import io
import json
import resource
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from earshot.errors import FetchError
from earshot.models import hub as hub_module
from earshot.models import load_profile
from earshot.models.hub import Hub as Client

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


def test_a_profile_is_fetched_checked_and_used(
    earshot: Earshot, site: Site, hub: Hub, tmp_path: Path
) -> None:
    ran = earshot("models", "fetch", "tiny", "--yes", "--hub", hub.url)
    assert ran.status == 0, ran.err
    assert "This contacts 127.0.0.1" in ran.out and "licence: Apache-2.0" in ran.out
    assert "no checksum is known yet of tiny.onnx, tiny.onnx.json" in ran.out
    assert site.weights == sorted([*ALL, "lock.json"])
    lock = json.loads((site.models / "weights/lock.json").read_text())
    assert lock["weights/tiny-voice"]["revision"] == COMMIT
    load_profile("tiny", site.models).verify(tmp_path / "cache.json")
    # once the hub has told the commit, the rest of a model comes from that commit
    assert f"/me/stt/resolve/{COMMIT}/tokenizer.json" in dict(hub.requests)


def test_what_is_there_is_not_fetched_again(earshot: Earshot, site: Site, hub: Hub) -> None:
    earshot("models", "fetch", "tiny", "--yes", "--hub", hub.url)
    hub.requests.clear()
    ran = earshot("models", "fetch", "tiny", "--hub", hub.url)
    assert ran.status == 0 and "nothing was contacted" in ran.out
    assert hub.requests == []


def test_nothing_is_asked_before_the_licences_are_agreed_to(
    earshot: Earshot, site: Site, hub: Hub
) -> None:
    ran = earshot("models", "fetch", "tiny", "--hub", hub.url)
    assert ran.status == 2 and "--yes" in ran.err
    assert hub.requests == [] and site.weights == []


def test_a_cut_download_goes_on_where_it_stopped(
    earshot: Earshot, site: Site, hub: Hub, naps: list[float]
) -> None:
    hub.cut_after = [10_000_000] * len(FILES["me/stt"]) + [1_000_000, 500_000]
    ran = earshot("models", "fetch", "tiny", "--yes", "--hub", hub.url)
    assert ran.status == 0, ran.err
    assert hub.of(GGUF_PATH) == ["", "bytes=1000000-", "bytes=1500000-"]
    assert (site.models / "weights/tiny-llm/tiny.gguf").read_bytes() == GGUF


def test_a_later_run_goes_on_too(earshot: Earshot, site: Site, hub: Hub, naps: list[float]) -> None:
    hub.cut_after = [10_000_000] * len(FILES["me/stt"]) + [2_000_000] + [0] * 5
    ran = earshot("models", "fetch", "tiny", "--yes", "--hub", hub.url)
    assert ran.status == 2 and "2000000 bytes are kept: run it again to go on" in ran.err
    assert len(ran.err.splitlines()[-1]) < 300 and "Traceback" not in ran.err
    assert "tiny-llm/tiny.gguf" not in site.weights
    hub.cut_after, hub.requests = [], []
    assert earshot("models", "fetch", "tiny", "--yes", "--hub", hub.url).status == 0
    assert hub.of(GGUF_PATH) == ["bytes=2000000-"]
    assert not any("tiny-stt" in path for path, _ in hub.requests)


@pytest.mark.parametrize("how", ["the file has changed", "the server knows no ranges"])
def test_a_part_of_another_file_is_thrown_away(
    earshot: Earshot, site: Site, hub: Hub, naps: list[float], how: str
) -> None:
    hub.cut_after = [10_000_000] * len(FILES["me/stt"]) + [2_000_000] + [0] * 5
    earshot("models", "fetch", "tiny", "--yes", "--hub", hub.url)
    hub.cut_after = []
    if how == "the file has changed":
        hub.tag = '"two"'
    else:
        hub.ranges = False
    ran = earshot("models", "fetch", "tiny", "--yes", "--hub", hub.url)
    assert ran.status == 0, ran.err
    assert (site.models / "weights/tiny-llm/tiny.gguf").read_bytes() == GGUF


def test_wrong_bytes_are_thrown_away(earshot: Earshot, site: Site, hub: Hub) -> None:
    hub.wrong = True
    ran = earshot("models", "fetch", "tiny", "--yes", "--hub", hub.url)
    assert ran.status == 2 and "config.json: wrong bytes arrived (sha256 " in ran.err
    assert site.weights == []
    hub.wrong = False
    assert earshot("models", "fetch", "tiny", "--yes", "--hub", hub.url).status == 0


def test_trust_ends_after_the_first_use(earshot: Earshot, site: Site, hub: Hub) -> None:
    earshot("models", "fetch", "tiny", "--yes", "--hub", hub.url)
    voice = site.models / "weights/tiny-voice/tiny.onnx"
    voice.unlink()
    hub.wrong = True
    ran = earshot("models", "fetch", "tiny", "--yes", "--hub", hub.url)
    assert ran.status == 2 and "tiny.onnx: wrong bytes arrived" in ran.err
    assert not voice.exists() and "no checksum" not in ran.out


def test_a_damaged_file_is_fetched_anew_and_nothing_else(
    earshot: Earshot, site: Site, hub: Hub
) -> None:
    earshot("models", "fetch", "tiny", "--yes", "--hub", hub.url)
    hub.requests.clear()
    damaged = site.models / "weights/tiny-stt/tokenizer.json"
    damaged.write_bytes(b"x" + damaged.read_bytes()[1:])
    assert earshot("models", "fetch", "tiny", "--yes", "--hub", hub.url).status == 0
    assert damaged.read_bytes() == FILES["me/stt"]["tokenizer.json"]
    assert [p for p, _ in hub.requests if p.startswith("/storage")] == [
        f"/storage/me/stt/resolve/{COMMIT}/tokenizer.json"
    ]


def test_a_busy_hub_is_asked_again(
    earshot: Earshot, site: Site, hub: Hub, naps: list[float]
) -> None:
    hub.busy = 3
    assert earshot("models", "fetch", "tiny", "--yes", "--hub", hub.url).status == 0
    assert naps == [0.0, 0.0, 0.0]  # as the hub said


def test_tries_are_bounded(earshot: Earshot, site: Site, hub: Hub, naps: list[float]) -> None:
    hub.busy = 1000
    ran = earshot("models", "fetch", "tiny", "--yes", "--hub", hub.url)
    assert ran.status == 2 and "the server says 503 Service Unavailable (5 times)" in ran.err
    assert len(hub.requests) == 5


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"status": 404}, "config.json: not there (404 Not Found)"),
        ({"status": 401}, "config.json: not for everybody (401 Unauthorized)"),
        ({"status": 400}, "config.json: the server says 400 Bad Request"),
        ({"announce": 7}, "config.json: has 207 bytes; the manifest says 200"),
        ({"redirect": "http://example.invalid/x"}, "http://example.invalid/x: not encrypted"),
        ({"redirect": "file:///etc/passwd"}, "file:///etc/passwd"),
    ],
)
def test_each_refusal_is_one_line(
    earshot: Earshot, site: Site, hub: Hub, change: dict[str, object], said: str
) -> None:
    for name, value in change.items():
        setattr(hub, name, value)
    ran = earshot("models", "fetch", "tiny", "--yes", "--hub", hub.url)
    assert ran.status == 2 and said in ran.err.splitlines()[-1]
    assert site.weights == [] and len(hub.requests) <= 2


def test_no_network(
    earshot: Earshot, site: Site, hub: Hub, naps: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")  # nobody listens there
    ran = earshot("models", "fetch", "tiny", "--yes")
    assert ran.status == 2 and "cannot be reached: Connection refused (5 times)" in ran.err
    assert naps == [1.0, 2.0, 4.0, 8.0]


@pytest.mark.parametrize("url", ["http://example.invalid", "ftp://127.0.0.1", "example.invalid"])
def test_only_https_or_this_machine(earshot: Earshot, site: Site, url: str) -> None:
    ran = earshot("models", "fetch", "tiny", "--yes", "--hub", url)
    assert ran.status == 2 and f"{url}: not encrypted" in ran.err


def test_no_address(earshot: Earshot, site: Site) -> None:
    ran = earshot("models", "fetch", "tiny", "--yes", "--hub", "https://[")
    assert ran.status == 2 and "https://[: not an address" in ran.err


def test_an_encrypted_hub_never_leads_to_this_machine() -> None:
    with pytest.raises(FetchError, match="not encrypted"):
        hub_module._require_private("http://127.0.0.1/x", Client().base)


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


@pytest.mark.parametrize(("answer", "status"), [("n\n", 130), ("\n", 130), ("y\n", 0)])
def test_the_licences_are_asked(
    earshot: Earshot,
    site: Site,
    hub: Hub,
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
    status: int,
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    ran = earshot("models", "fetch", "tiny", "--hub", hub.url)
    assert ran.status == status and "under these licences? [y/N]" in ran.out
    assert bool(hub.requests) == (status == 0)
