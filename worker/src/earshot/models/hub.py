"""Downloads files from the hub of models and from mirrors; contacts the outside.

Knows nothing of profiles. Plain HTTP in the standard library: ranges to go on where a download
stopped, redirects (the hub keeps large files elsewhere), a bounded number of tries.
"""

import http.client
import json
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote, urlsplit

from ..errors import FetchError, OutputError
from .profile import CHUNK_BYTES, Source

HUB = "https://huggingface.co"
LOOPBACK = {"127.0.0.1", "::1", "localhost"}
REDIRECTS_MAX = 5
TRIES_MAX = 100  # of one file, even if each brings some bytes
TRANSIENT = {408, 425, 429, 500, 502, 503, 504}


class _Again(Exception):
    """This try failed, another may succeed: the network, or a busy server."""

    def __init__(self, why: str, wait_s: float | None = None, *, anew: bool = False) -> None:
        super().__init__(why)
        self.wait_s = wait_s
        self.anew = anew  # what arrived so far is of no use


@dataclass
class Hub:
    """Where models come from.

    Raises:
        FetchError: `base` is neither https nor this machine.
    """

    base: str = HUB
    timeout_s: float = 30.0
    """Longest silence of the server."""
    tries: int = 5
    """In a row that brought nothing."""
    pause_s: float = 1.0
    """Before the second try; doubles, up to 30 s."""

    def __post_init__(self) -> None:
        self.base = self.base.rstrip("/")
        _require_private(self.base, self.base)

    @property
    def host(self) -> str:
        return urlsplit(self.base).netloc

    def url(self, source: Source, revision: str, name: str) -> str:
        path = f"{source.folder}/{name}" if source.folder else name
        return f"{self.base}/{source.repository}/resolve/{quote(revision)}/{quote(path)}"

    def download(
        self,
        url: str,
        to: Path,
        size_bytes: int,
        advance: Callable[[int], None],
        tries: int | None = None,
    ) -> str | None:
        """Downloads one file, from where an earlier download of it stopped.

        What arrives is kept whatever happens; beside it lies what is needed to go on.

        Args:
            to: the unfinished file.
            size_bytes: how long the file must be.
            advance: hears how many bytes arrived; negative when what was there is thrown away.
            tries: in a row that brought nothing, instead of this hub's.

        Returns:
            The commit that the hub says the file is of, where it says so.

        Raises:
            FetchError: not reached, not there, cut again and again, or of another size.
            OutputError: it cannot be written here.
        """
        fruitless, commit = 0, None
        for _ in range(TRIES_MAX):
            before = _length(to)
            try:
                commit = self._once(url, to, size_bytes, advance) or commit
                _state(to).unlink(missing_ok=True)
                return commit
            except _Again as e:
                if e.anew:
                    advance(-_length(to))
                    _forget(to)
                fruitless = 0 if _length(to) > before else fruitless + 1
                if fruitless >= (tries or self.tries):
                    kept = _length(to)
                    hint = f"; {kept} bytes are kept: run it again to go on" if kept else ""
                    raise FetchError(f"{url}: {e} ({fruitless} times){hint}") from e
                time.sleep(
                    e.wait_s
                    if e.wait_s is not None
                    else min(30.0, self.pause_s * 2 ** max(0, fruitless - 1))
                )
        raise FetchError(f"{url}: cut {TRIES_MAX} times; run it again to go on")

    def _once(
        self, url: str, to: Path, size_bytes: int, advance: Callable[[int], None]
    ) -> str | None:
        tag, commit = _remembered(to, url)
        have = _length(to)
        if have > size_bytes or (have and not tag):  # of another file, or nobody knows which
            advance(-have)
            have = 0
            _forget(to)
        if have == size_bytes and have:
            return commit
        headers = {"Accept-Encoding": "identity", "User-Agent": "earshot"}
        if have:
            headers |= {"Range": f"bytes={have}-", "If-Range": tag}
        response, seen = self._open(url, headers)
        with response:
            commit = seen.get("x-repo-commit") or commit
            if response.status == 206:
                start = f"bytes {have}-{size_bytes - 1}/{size_bytes}"
                if response.headers.get("Content-Range") != start:
                    got = response.headers.get("Content-Range")
                    raise _Again(f"the server went on at {got!r}, expected {start!r}", anew=True)
            elif have:  # the file has changed, or the server knows no ranges
                advance(-have)
                have = 0
                _forget(to)
            announced = response.headers.get("Content-Length")
            if announced is not None and announced.isdecimal():
                total = have + int(announced)
                if total != size_bytes:
                    raise FetchError(f"{url}: has {total} bytes; the manifest says {size_bytes}")
            _remember(to, url, response.headers.get("ETag", ""), commit)
            self._copy(url, response, to, size_bytes - have, advance)
        return commit

    def _copy(
        self,
        url: str,
        response: http.client.HTTPResponse,
        to: Path,
        missing: int,
        advance: Callable[[int], None],
    ) -> None:
        with _writable(to) as file:
            while True:
                try:
                    chunk = response.read(CHUNK_BYTES)
                except (OSError, http.client.HTTPException) as e:
                    raise _Again(f"the connection was cut: {_words(e)}") from e
                if not chunk:
                    break
                if len(chunk) > missing:
                    raise FetchError(f"{url}: has more bytes than the manifest says")
                _write(file, chunk, to)
                missing -= len(chunk)
                advance(len(chunk))
        if missing:
            raise _Again(f"the connection was cut, {missing} bytes before the end")

    def _open(
        self, url: str, headers: dict[str, str]
    ) -> tuple[http.client.HTTPResponse, dict[str, str]]:
        """The response, and the headers of all that led to it: the hub tells the commit on its own
        answer, not on that of the storage behind it."""
        redirects = _Redirects(self.base)
        handlers: list[urllib.request.BaseHandler] = [redirects]
        if urlsplit(self.base).hostname in LOOPBACK:
            handlers.append(urllib.request.ProxyHandler({}))  # no proxy leads to this machine
        opener = urllib.request.build_opener(*handlers)
        try:
            response = opener.open(
                urllib.request.Request(url, headers=headers), timeout=self.timeout_s
            )
        except urllib.error.HTTPError as e:
            with e:
                _refused(url, e)
        except urllib.error.URLError as e:
            if isinstance(e.reason, ssl.SSLCertVerificationError):
                raise FetchError(
                    f"{self.host}: its certificate is not trusted here: {e.reason.verify_message}"
                ) from e
            raise _Again(f"cannot be reached: {_words(e.reason)}") from e
        except (OSError, http.client.HTTPException) as e:
            raise _Again(f"cannot be reached: {_words(e)}") from e
        return response, redirects.seen | {k.lower(): v for k, v in response.headers.items()}


class _Redirects(urllib.request.HTTPRedirectHandler):
    max_redirections = REDIRECTS_MAX
    max_repeats = 2

    def __init__(self, base: str) -> None:
        self._base = base
        self.seen: dict[str, str] = {}

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        try:
            _require_private(newurl, self._base)
        except FetchError:
            fp.close()
            raise
        self.seen |= {k.lower(): v for k, v in headers.items()}
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _require_private(url: str, base: str) -> None:
    """https, always; http to this machine alone, and only where that is the hub itself."""
    try:
        parts, home = urlsplit(url), urlsplit(base)
    except ValueError as e:
        raise FetchError(f"{url}: not an address: {e}") from e
    if parts.scheme == "https" and parts.hostname:
        return
    if parts.scheme == home.scheme == "http" and {parts.hostname, home.hostname} <= LOOPBACK:
        return
    raise FetchError(f"{url}: not encrypted; models are fetched over https alone")


def _refused(url: str, error: urllib.error.HTTPError) -> None:
    if error.code in TRANSIENT:
        after = error.headers.get("Retry-After", "")
        wait_s = min(30.0, float(after)) if after.isdecimal() else None
        raise _Again(f"the server says {error.code} {error.reason}", wait_s) from error
    if error.code == 416:
        raise _Again("the server has no such range", 0.0, anew=True) from error
    if error.code in (401, 403):
        raise FetchError(f"{url}: not for everybody ({error.code} {error.reason})") from error
    if error.code in (404, 410):
        raise FetchError(f"{url}: not there ({error.code} {error.reason})") from error
    raise FetchError(f"{url}: the server says {error.code} {error.reason}") from error


# What is needed to go on with an unfinished file lies beside it: whose it is, and the server's tag.


def _state(to: Path) -> Path:
    return to.with_name(to.name + ".json")


def _remember(to: Path, url: str, tag: str, commit: str | None) -> None:
    strong = "" if tag.startswith("W/") else tag  # a weak tag does not promise the same bytes
    try:
        _state(to).write_text(json.dumps({"url": url, "tag": strong, "commit": commit}))
    except OSError as e:
        raise _unwritable(to, e) from e


def _remembered(to: Path, url: str) -> tuple[str, str | None]:
    try:
        state: dict[str, Any] = json.loads(_state(to).read_text())
        return (str(state["tag"]), state["commit"]) if state["url"] == url else ("", None)
    except (OSError, ValueError, KeyError, TypeError):
        return "", None


def _forget(to: Path) -> None:
    try:
        to.unlink(missing_ok=True)
    except OSError as e:
        raise _unwritable(to, e) from e


def _length(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _writable(to: Path) -> IO[bytes]:
    try:
        return to.open("ab", buffering=0)
    except OSError as e:
        raise _unwritable(to, e) from e


def _write(file: IO[bytes], chunk: bytes, to: Path) -> None:
    rest = memoryview(chunk)
    try:
        while rest:
            rest = rest[file.write(rest) :]
    except OSError as e:
        raise _unwritable(to, e) from e


def _unwritable(to: Path, error: OSError) -> OutputError:
    return OutputError(
        f"{to}: cannot be written: {error.strerror}; what has arrived is kept:"
        " run it again to go on"
    )


def _words(error: object) -> str:
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).strip()
