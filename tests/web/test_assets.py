"""The page's files: what is there is served well, and nothing else can be reached."""

import asyncio
import gzip
from pathlib import Path

import pytest
from earshot.web.app import STATIC
from earshot.web.assets import Assets

from .conftest import Site


async def get(site: Site, target: str) -> tuple[int, bytes]:
    """The answer to a path that no client tidies up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write(
        f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{site.port}\r\nConnection: close\r\n\r\n".encode()
    )
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    return int(head.split()[1]), body


async def test_the_page(site: Site, page: Path) -> None:
    for path in ("/", "/index.html"):
        async with site.http.get(path) as r:
            assert await r.read() == (page / "index.html").read_bytes()
            assert r.headers["Content-Type"] == "text/html; charset=utf-8"
            assert r.headers["Cache-Control"] == "no-cache"
    async with site.http.get("/js/main.js") as r:
        assert r.headers["Content-Type"] == "text/javascript; charset=utf-8"
    async with site.http.get("/tiny.css") as r:
        assert r.headers["Content-Type"] == "text/css; charset=utf-8"
        assert "Vary" not in r.headers


@pytest.mark.parametrize("accept", ["gzip", "br, gzip;q=0.5", "*"])
async def test_compressed(site: Site, page: Path, accept: str) -> None:
    target = "/js/main.js"
    plain = (page / "js" / "main.js").read_bytes()
    async with site.http.get(target, headers={"Accept-Encoding": accept}) as r:
        assert r.headers["Content-Encoding"] == "gzip"
        assert int(r.headers["Content-Length"]) < len(plain) / 2
        assert r.headers["Vary"] == "Accept-Encoding"
        assert await r.read() == plain
        zipped_tag = r.headers["ETag"]
    for refuses in ("identity", "gzip;q=0", "br", ""):
        async with site.http.get(target, headers={"Accept-Encoding": refuses}) as r:
            assert "Content-Encoding" not in r.headers
            assert await r.read() == plain
            assert r.headers["ETag"] != zipped_tag


async def test_not_modified(site: Site) -> None:
    async with site.http.get("/") as r:
        tag = r.headers["ETag"]
    for sent in (tag, f'"other", {tag}', f"W/{tag}", "*"):
        async with site.http.get("/", headers={"If-None-Match": sent}) as r:
            assert (r.status, await r.read()) == (304, b"")
            assert r.headers["ETag"] == tag
            assert "Content-Security-Policy" in r.headers
    for sent in ('"other"', "nonsense", '"'):
        async with site.http.get("/", headers={"If-None-Match": sent}) as r:
            assert r.status == 200


async def test_head(site: Site) -> None:
    async with site.http.get("/", headers={"Accept-Encoding": "identity"}) as r:
        length = r.headers["Content-Length"]
    async with site.http.head("/", headers={"Accept-Encoding": "identity"}) as r:
        assert (r.status, r.headers["Content-Length"], await r.read()) == (200, length, b"")


@pytest.mark.parametrize(
    "target",
    [
        "/../secret.txt",
        "/js/../../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/js/..%2f..%2fsecret.txt",
        "/%252e%252e/secret.txt",
        "//secret.txt",
        "/..\\secret.txt",
        "/.hidden",
        "/js",
        "/js/",
        "/js/main.js/",
        "/JS/MAIN.JS",
        "/index.html%00.js",
        "/%ff",
        "/etc/passwd",
    ],
)
async def test_nothing_else_is_reached(site: Site, target: str) -> None:
    status, body = await get(site, target)
    assert status in (400, 404)
    assert b"secret" not in body and b"hidden" not in body


def test_a_link_out_of_the_folder_is_read_at_start_or_not_at_all(page: Path) -> None:
    (page / "sub").symlink_to(page.parent, target_is_directory=True)
    assert "/sub/secret.txt" not in Assets(page)


def test_no_page_at_all(tmp_path: Path) -> None:
    assert "/" not in Assets(tmp_path / "nowhere")


def test_every_file_of_the_page_has_a_type_and_the_client_is_small() -> None:
    assets = Assets(STATIC)
    for path in (p for p in STATIC.rglob("*") if p.is_file() and not p.name.startswith(".")):
        asset = assets[f"/{path.relative_to(STATIC).as_posix()}"]
        assert asset.content_type != "application/octet-stream", path
        if asset.compressed is not None:
            assert gzip.decompress(asset.compressed) == asset.body
        if asset.compressed is not None and len(asset.body) > 100_000:
            assert len(asset.compressed) < len(asset.body) / 3, path
