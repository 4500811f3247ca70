"""The page's files, read once: what is not in the table can't be reached by any path."""

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from .refusal import Refusal

_TYPES = {
    "": "text/plain; charset=utf-8",
    ".LICENSE": "text/plain; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".md": "text/markdown; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".mp3": "audio/mpeg",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".wav": "audio/wav",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}
_COMPRESSIBLE = {
    ".css",
    ".html",
    ".js",
    ".json",
    ".map",
    ".md",
    ".mjs",
    ".svg",
    ".txt",
    ".webmanifest",
}
_COMPRESS_FROM_BYTES = 1024


@dataclass(frozen=True)
class Asset:
    """A file as it is served."""

    content_type: str
    body: bytes
    compressed: bytes | None
    """By gzip; None where that would gain nothing."""
    tag: str


class Assets:
    """A folder of files; `index.html` is also `/`. Hidden files stay hidden."""

    def __init__(self, folder: Path) -> None:
        self._assets: dict[str, Asset] = {}
        for path in sorted(folder.rglob("*")):
            relative = path.relative_to(folder)
            if path.is_file() and not any(part.startswith(".") for part in relative.parts):
                self._assets[f"/{relative.as_posix()}"] = _read(path)
        if "/index.html" in self._assets:
            self._assets["/"] = self._assets["/index.html"]

    def __getitem__(self, path: str) -> Asset:
        return self._assets[path]

    def __contains__(self, path: str) -> bool:
        return path in self._assets

    def respond(self, request: web.Request) -> web.Response:
        """The file that the request names, or 304 when the browser has it.

        Raises:
            Refusal: 404 `not_found`.
        """
        asset = self._assets.get(request.path)
        if asset is None:
            raise Refusal(404, "not_found", "There is nothing here; the page is at /.")
        zipped = asset.compressed is not None and _takes_gzip(request)
        tag = f"{asset.tag}-gzip" if zipped else asset.tag
        headers = {"ETag": f'"{tag}"', "Cache-Control": "no-cache"}  # no-cache: ask each time
        if asset.compressed is not None:
            headers["Vary"] = "Accept-Encoding"
        if any(known.value in (tag, "*") for known in request.if_none_match or ()):
            return web.Response(status=304, headers=headers)
        headers["Content-Type"] = asset.content_type
        if zipped:
            headers["Content-Encoding"] = "gzip"
        return web.Response(body=asset.compressed if zipped else asset.body, headers=headers)


def _read(path: Path) -> Asset:
    body = path.read_bytes()
    small = None
    if path.suffix in _COMPRESSIBLE and len(body) >= _COMPRESS_FROM_BYTES:
        small = gzip.compress(body, mtime=0)
    return Asset(
        content_type=_TYPES.get(path.suffix, "application/octet-stream"),
        body=body,
        compressed=small if small and len(small) < len(body) else None,
        tag=hashlib.sha256(body).hexdigest()[:32],
    )


def _takes_gzip(request: web.Request) -> bool:
    for item in request.headers.get("Accept-Encoding", "").lower().split(","):
        name, _, weight = item.replace(" ", "").partition(";q=")
        if name in ("gzip", "*"):
            return weight.strip("0.") != "" if weight else True
    return False
