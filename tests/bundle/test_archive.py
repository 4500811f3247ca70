"""What a bundle is, and that nothing else passes for one."""

import io
import json
import subprocess
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest
from earshot.bundle import archive, keys
from earshot.bundle.archive import Bundle, Nowhere, header, padding
from earshot.bundle.manifest import Manifest, Piece, loads
from earshot.errors import BundleError, SignatureError

from .conftest import Earshot, Make


def check(bundle: Path, public: Path) -> Manifest:
    with Bundle(bundle, keys.public(public)) as opened:
        opened.walk(Nowhere(lambda count: None))
        return opened.manifest


def offsets(bundle: Path) -> list[tuple[str, int, int]]:
    """(name, where its content begins, its length) of every member."""
    with tarfile.open(bundle) as tar:
        return [(m.name, m.offset_data, m.size) for m in tar.getmembers()]


def test_a_bundle_is_a_plain_tar_of_listed_pieces(make: Make, public: Path) -> None:
    bundle = make()
    manifest = check(bundle, public)
    assert [p.path for p in manifest.pieces] == [
        "LICENSE",
        "compose.gpu.yaml",
        "compose.yaml",
        "docs/bundle.md",
        "models/manifest.toml",
        "models/tiny/llm/tiny.gguf",
        "models/tiny/stt/config.json",
        "models/tiny/stt/model.bin",
        "models/tiny/voice/tiny.onnx",
        "models/tiny/voice/tiny.onnx.json",
        "sbom.cdx.json",
        "wheels/earshot-0.1.0-py3-none-any.whl",
    ]
    assert {p.licence for p in manifest.pieces if p.kind == "model"} == {"CC0-1.0"}
    assert all(p.licence and p.licence != "unknown" for p in manifest.pieces)
    assert loads(manifest.dumps()) == manifest
    listed = subprocess.run(["tar", "-tvf", bundle], capture_output=True, text=True, check=True)
    assert listed.stderr == "" and "1980-01-01" in listed.stdout
    with tarfile.open(bundle) as tar:
        assert tar.getnames()[:2] == ["manifest.json", "manifest.json.sig"]
        assert all((m.uid, m.gid, m.uname, m.mode) == (0, 0, "", 0o644) for m in tar.getmembers())


def test_the_same_contents_give_the_same_bytes(make: Make, tree: Path) -> None:
    one = make(name="one.tar").read_bytes()
    for path in tree.rglob("*"):
        path.touch()
    assert make(name="two.tar").read_bytes() == one


def test_the_bill_of_materials(make: Make) -> None:
    with tarfile.open(make()) as tar:
        file = tar.extractfile("sbom.cdx.json")
        assert file
        bill = json.load(file)
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    by_name = {c["name"]: c for c in bill["components"]}
    assert by_name["click"]["purl"] == "pkg:pypi/click@8.5.1"
    assert by_name["click"]["licenses"] == [{"license": {"name": "BSD-3-Clause"}}]
    assert by_name["uvicorn"]["version"] == "1.2.3"
    model = by_name["models/tiny/llm/tiny.gguf"]
    assert model["type"] == "machine-learning-model"
    assert len(model["hashes"][0]["content"]) == 64
    refs = [c["bom-ref"] for c in bill["components"]]
    assert len(refs) == len(set(refs))


def test_one_other_byte_anywhere_is_found(make: Make, public: Path, tmp_path: Path) -> None:
    data = make().read_bytes()
    bad = tmp_path / "bad.tar"
    places = {0, len(data) - 1, len(data) - 1000}
    for _, start, size in offsets(tmp_path / "earshot-0.1.0.tar"):
        places |= {start - 512, start - 400, start - 1}  # its header
        places |= {start, start + size // 2, start + size - 1}
        if size % 512:
            places.add(start + size)  # the padding behind it
    for place in sorted(places):
        bad.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        with pytest.raises(BundleError):
            check(bad, public)


def test_a_cut_bundle_is_told_before_it_is_read(make: Make, public: Path) -> None:
    bundle = make()
    data = bundle.read_bytes()
    for length in (len(data) - 1, len(data) // 2, 2000, 512, 100, 0):
        bundle.write_bytes(data[:length])
        with pytest.raises(BundleError, match=r"cut off|not a bundle"):
            check(bundle, public)


def test_a_medium_that_gives_up(make: Make, public: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = Bundle(make(), keys.public(public))
    bundle.close()
    with Path("/proc/self/mem").open("rb", buffering=0) as broken:
        monkeypatch.setattr(bundle, "_file", broken)
        with pytest.raises(BundleError, match="cannot be read: Input/output error"):
            bundle.walk(Nowhere(lambda count: None))


def test_the_manifest_cannot_be_altered(make: Make, public: Path) -> None:
    bundle = make()
    data = bundle.read_bytes()
    bundle.write_bytes(data.replace(b'"licence": "CC0-1.0"', b'"licence": "CC1-1.0"', 1))
    with pytest.raises(SignatureError, match="not signed by this key"):
        check(bundle, public)


def test_another_key_signed_it(make: Make, tmp_path: Path) -> None:
    other = keys.generate(tmp_path / "other.key")
    with pytest.raises(SignatureError, match="not signed by this key"):
        check(make(), other)


def tampered(bundle: Path, before: str | None, insert: bytes, *, drop: bool = False) -> None:
    """Puts bytes before a member, or before the end; drops that member."""
    data = bundle.read_bytes()
    if before is None:
        place, end = len(data) - 1024, len(data) - 1024
    else:
        start, size = next((o, s) for n, o, s in offsets(bundle) if n == before)
        place, end = start - 512, start + size + len(padding(size))
    bundle.write_bytes(data[:place] + insert + data[end if drop else place :])


def member(name: str, kind: bytes = tarfile.REGTYPE, content: bytes = b"", link: str = "") -> bytes:
    info = tarfile.TarInfo(name)
    info.type, info.size, info.linkname = kind, len(content), link
    return info.tobuf(tarfile.USTAR_FORMAT) + content + padding(len(content))


@pytest.mark.parametrize("place", ["docs/bundle.md", None])
@pytest.mark.parametrize(
    ("insert", "said"),
    [
        (member("evil.sh", content=b"rm -rf /"), "'evil.sh', of which its manifest knows nothing"),
        (member("../../etc/cron.d/x", content=b"x"), "a path outside of it"),
        (member("/etc/passwd", content=b"x"), "a path outside of it"),
        (member("docs/link", tarfile.SYMTYPE, link="/etc"), "holds a link, 'docs/link'"),
        (member("docs/hard", tarfile.LNKTYPE, link="LICENSE"), "holds a link, 'docs/hard'"),
        (member("docs/tty", tarfile.CHRTYPE), "'docs/tty', which is no plain file"),
        (member("docs/pipe", tarfile.FIFOTYPE), "'docs/pipe', which is no plain file"),
        (member("docs", tarfile.DIRTYPE), "'docs', which is no plain file"),
        (header("LICENSE", 0), "'LICENSE' in another place"),
        (b"\xff" * 512, "damaged"),
        (bytes(1024), "ends early|damaged|knows nothing"),
    ],
)
def test_nothing_else_gets_in(
    make: Make, public: Path, place: str | None, insert: bytes, said: str
) -> None:
    bundle = make()
    tampered(bundle, place, insert)
    with pytest.raises(BundleError, match=said if place else f"{said}|ends early"):
        check(bundle, public)


def test_a_piece_cannot_be_replaced_by_a_link(make: Make, public: Path) -> None:
    bundle = make()
    link = member("compose.yaml", tarfile.SYMTYPE, link="/etc/shadow")
    tampered(bundle, "compose.yaml", link + bytes(512), drop=True)
    with pytest.raises(BundleError, match=r"holds a link, 'compose\.yaml'"):
        check(bundle, public)


def test_a_piece_cannot_be_missing(make: Make, public: Path) -> None:
    bundle = make()
    tampered(bundle, "compose.yaml", b"", drop=True)
    with pytest.raises(BundleError, match="cut off"):
        check(bundle, public)
    with bundle.open("ab") as f:
        f.write(bytes(2000))
    with pytest.raises(BundleError, match=r"'docs/bundle\.md' in another place: compose\.yaml was"):
        check(bundle, public)


def test_bytes_behind_the_end_are_refused(make: Make, public: Path) -> None:
    bundle = make()
    with bundle.open("ab") as f:
        f.write(b"\0")
    with pytest.raises(BundleError):
        check(bundle, public)


GOOD = Piece("0" * 64, 1, "a/b", "model", "CC0")


@pytest.mark.parametrize(
    ("piece", "said"),
    [
        (replace(GOOD, path="../b"), "not a path inside"),
        (replace(GOOD, path="/b"), "not a path inside"),
        (replace(GOOD, path="a/../../b"), "not a path inside"),
        (replace(GOOD, path="a//b"), "not a path inside"),
        (replace(GOOD, path="a/./b"), "not a path inside"),
        (replace(GOOD, path="a\\b"), "not a path inside"),
        (replace(GOOD, path="a\nb"), "not a path inside"),
        (replace(GOOD, path="ä"), "not a path inside"),
        (replace(GOOD, path=""), "not a path inside"),
        (replace(GOOD, path="a" * 300), "not a path inside"),
        (replace(GOOD, bytes=-1), "at most 64 GiB"),
        (replace(GOOD, bytes=1 << 50), "at most 64 GiB"),
        (replace(GOOD, sha256="0"), "is no sha256"),
    ],
)
def test_even_a_signed_manifest_is_held_to_bounds(piece: Piece, said: str) -> None:
    manifest = Manifest("1.0", "x86_64", (), (GOOD,))
    assert loads(manifest.dumps()) == manifest
    with pytest.raises(BundleError, match=said):
        loads(replace(manifest, pieces=(piece,)).dumps())


@pytest.mark.parametrize(
    "pieces",
    [
        (GOOD, GOOD),
        (replace(GOOD, path="b"), replace(GOOD, path="a")),
        (replace(GOOD, path="a"), GOOD),
        tuple(replace(GOOD, path=f"{i:03}", bytes=60 << 30) for i in range(20)),
    ],
)
def test_pieces_are_in_order_distinct_and_bounded(pieces: tuple[Piece, ...]) -> None:
    with pytest.raises(BundleError):
        loads(Manifest("1.0", "x86_64", (), pieces).dumps())


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"[]", b"null", b'{"name": "earshot"}', b"\xff", b"[" * 100_000]
)
def test_what_is_no_manifest(data: bytes) -> None:
    with pytest.raises(BundleError, match="manifest"):
        loads(data)


@pytest.mark.parametrize("version", ["", "1.0-beta", "../1", "1.0/..", "one", "01.0"])
def test_versions(version: str) -> None:
    with pytest.raises(BundleError, match="not a version"):
        loads(Manifest(version, "x86_64", (), ()).dumps())


@pytest.mark.parametrize("size", [0, 8**11 - 1, 8**11, 60 << 30])
def test_headers_are_read_by_others(size: int) -> None:
    long = "models/weights/" + "a" * 60 + "/" + "b" * 60
    for name in ("a", long):
        info = tarfile.TarInfo.frombuf(header(name, size, executable=True), "ascii", "strict")
        assert (info.name, info.size, info.mode) == (name, size, 0o755)


def test_a_file_that_changes_meanwhile_stops_it(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"one")
    piece = Piece("0" * 64, 3, "file", "model", "CC0")
    manifest = Manifest("1.0", "x86_64", (), (piece,))
    with pytest.raises(BundleError, match="changed while the bundle was made"):
        archive.write(io.BytesIO(), manifest, bytes(64), {"file": file}, lambda count: None)


def test_verify_says_what_it_is(earshot: Earshot, make: Make, public: Path) -> None:
    bundle = make()
    ran = earshot("bundle", "verify", bundle, "--key", public)
    assert ran.status == 0, ran.err
    assert f"{bundle}: whole, and signed by" in ran.out and "profiles tiny: 12 pieces" in ran.out
    data = bundle.read_bytes()
    bundle.write_bytes(data[:-5000] + b"x" + data[-4999:])
    ran = earshot("bundle", "verify", bundle, "--key", public)
    assert ran.status == 2 and len(ran.err.splitlines()) <= 3 and "Traceback" not in ran.err
    assert earshot("bundle", "verify", "nowhere.tar", "--key", public).status == 2
