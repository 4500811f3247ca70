"""A package index on this machine: a page for each project, its wheel, and ways to fail."""

import hashlib
import io
import threading
import zipfile
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from .hub import Server

VERSION = "1.0"


def wheel(project: str, members: dict[str, bytes]) -> bytes:
    """A wheel that pip takes."""
    stem = f"{project.replace('-', '_')}-{VERSION}"
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
        info = f"{stem}.dist-info"
        archive.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {project}\nVersion: {VERSION}\n"
        )
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    return file.getvalue()


@dataclass
class Index:
    wheels: dict[str, bytes] = field(default_factory=dict)
    """By project."""
    cut_after: list[int] = field(default_factory=list)
    """The next wheels end after so many bytes each."""
    held: str = ""
    """Of this project's wheel half comes, and then nothing more."""
    release: threading.Event = field(default_factory=threading.Event)
    halfway: threading.Event = field(default_factory=threading.Event)
    requests: list[tuple[str, str]] = field(default_factory=list)
    """(project, Range) of every wheel that was asked for."""
    url: str = ""

    def package(self, project: str, member: str) -> str:
        """As a manifest names it."""
        data = self.wheels[project]
        return (
            f'{{ project = "{project}", version = "{VERSION}", bytes = {len(data)},'
            f' sha256 = "{hashlib.sha256(data).hexdigest()}", member = "{member}" }}'
        )


def serve(index: Index) -> ThreadingHTTPServer:
    """Starts it on a free port; `shutdown()` and `server_close()` it."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            kind, _, rest = self.path.lstrip("/").partition("/")
            project = rest.split("/")[0]
            if project not in index.wheels:
                self.send_error(404)
            elif kind == "simple":
                name = f"{project.replace('-', '_')}-{VERSION}-py3-none-any.whl"
                page = f'<a href="/files/{project}/{name}">{name}</a>'.encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", str(len(page)))
                self.end_headers()
                self.wfile.write(page)
            else:
                self._wheel(project)

        def _wheel(self, project: str) -> None:
            content, asked = index.wheels[project], self.headers.get("Range", "")
            index.requests.append((project, asked))
            start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
            self.send_response(206 if start else 200)
            if start:
                span = f"bytes {start}-{len(content) - 1}/{len(content)}"
                self.send_header("Content-Range", span)
            self.send_header("ETag", '"one"')
            self.send_header("Accept-Ranges", "bytes")
            self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            body = content[start:]
            if index.held == project:
                self.wfile.write(body[: len(body) // 2])
                index.halfway.set()
                index.release.wait(30)
                self.close_connection = True
                return
            if index.cut_after:
                body = body[: index.cut_after.pop(0)]
                self.close_connection = True
            self.wfile.write(body)

    server = Server(("127.0.0.1", 0), Handler)
    index.url = f"http://127.0.0.1:{server.server_address[1]}/simple"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}).start()
    return server
