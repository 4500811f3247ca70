"""A hub of models on this machine: ranges, redirects to a storage, and every way to fail."""

import ssl
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "c0ffee" * 6 + "beef"


@dataclass
class Hub:
    files: dict[str, bytes]
    """`repository/resolve/revision/name` -> content."""
    cut_after: list[int] = field(default_factory=list)
    """The next answers of the storage end after so many bytes each."""
    busy: int = 0
    """The next so many requests are answered with 503."""
    ranges: bool = True
    wrong: bool = False
    """The storage gives other bytes than it should."""
    announce: int = 0
    """Bytes more than there are, in the announced length."""
    redirect: str = ""
    """Where files are redirected to, instead of the storage."""
    status: int = 0
    """Answers everything with it."""
    tag: str = '"one"'
    requests: list[tuple[str, str]] = field(default_factory=list)
    """(path, Range) of every request."""
    url: str = ""

    def of(self, path: str) -> list[str]:
        """The ranges asked for of one file."""
        return [r for p, r in self.requests if p == f"/storage/{path}"]


class Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """A client that refuses the certificate, or was killed, is no news."""


def serve(hub: Hub, tls: ssl.SSLContext | None = None) -> ThreadingHTTPServer:
    """Starts it on a free port; `shutdown()` and `server_close()` it."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            hub.requests.append((self.path, self.headers.get("Range", "")))
            name = self.path.removeprefix("/storage").lstrip("/")
            if hub.status:
                return self._plain(hub.status)
            if hub.busy:
                hub.busy -= 1
                return self._plain(503, {"Retry-After": "0"})
            if name not in hub.files:
                return self._plain(404)
            if not self.path.startswith("/storage/"):
                where = hub.redirect or f"{hub.url}/storage/{name}"
                return self._plain(302, {"Location": where, "X-Repo-Commit": COMMIT})
            self._file(hub.files[name])

        def _plain(self, status: int, headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            for key, value in (headers or {}).items():
                self.send_header(key, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def _file(self, content: bytes) -> None:
            start = 0
            asked = self.headers.get("Range")
            if hub.ranges and asked and self.headers.get("If-Range") == hub.tag:
                start = int(asked.removeprefix("bytes=").removesuffix("-"))
            if hub.wrong:
                content = bytes(b ^ 1 for b in content)
            self.send_response(206 if start else 200)
            if start:
                self.send_header(
                    "Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}"
                )
            self.send_header("ETag", hub.tag)
            self.send_header("Content-Length", str(len(content) - start + hub.announce))
            self.end_headers()
            body = content[start:]
            if hub.cut_after:
                body = body[: hub.cut_after.pop(0)]
                self.close_connection = True
            self.wfile.write(body)

    server = Server(("127.0.0.1", 0), Handler)
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
        hub.url = f"https://localhost:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}).start()
    return server
