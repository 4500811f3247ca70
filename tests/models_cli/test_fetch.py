"""`earshot models fetch` against a hub on this machine."""

import io
import json
import sys
from pathlib import Path

import pytest
from earshot.errors import FetchError
from earshot.models import hub as hub_module
from earshot.models import load_profile
from earshot.models.hub import Hub as Client

from .conftest import FILES, Earshot, Site
from .hub import COMMIT, Hub

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
