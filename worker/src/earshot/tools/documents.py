"""Search in a folder of text, Markdown and PDF files: SQLite FTS5, on this machine alone.

The index lies in the state folder and follows the files: what changed is read again, what went is
forgotten. Passages are paragraphs, ranked by BM25 with Porter stemming, and carry their source.
"""

import hashlib
import re
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import structlog

from ..errors import DocumentsError

SUFFIXES = {".txt", ".md", ".markdown", ".pdf"}
LARGEST_BYTES = 20 * 2**20  # a file beyond this is left out and named in the log
PASSAGE_CHARS = 400  # what a voice can read out without tiring
STOP_WORDS = frozenset(
    (
        "a about all an and any are at be can do does for from have how i in is it me my of on "
        "or our say tell that the there this to us was what when where which who why with you "
        "your"
    ).split()
)

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Passage:
    """A paragraph of a document."""

    text: str
    source: str
    """Name of the document as a voice can say it: "visitor guide"."""


class Documents:
    """A searchable folder. Thread-safe; every method blocks and belongs in a thread.

    Args:
        folder: read recursively.
        index: SQLite file, made if missing.

    Raises:
        DocumentsError: the folder cannot be read.
    """

    def __init__(self, folder: Path, index: Path) -> None:
        if not folder.is_dir():
            raise DocumentsError(f"documents.folder: {folder} is not a folder")
        self._folder = folder
        self._lock = threading.Lock()
        try:
            index.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(index, check_same_thread=False)
        except (OSError, sqlite3.Error) as e:
            raise DocumentsError(f"{index}: the index cannot be written: {e}") from e
        self._db.executescript(
            "CREATE TABLE IF NOT EXISTS files(path TEXT PRIMARY KEY, stamp TEXT);"
            "CREATE VIRTUAL TABLE IF NOT EXISTS passages USING"
            " fts5(text, title, path UNINDEXED, tokenize='porter unicode61');"
        )

    def refresh(self) -> int:
        """Reads what is new or changed; returns the number of files in the index."""
        with self._lock, self._db:
            known = dict(self._db.execute("SELECT path, stamp FROM files"))
            present = set()
            for path in sorted(self._folder.rglob("*")):
                if path.suffix.lower() not in SUFFIXES or not path.is_file():
                    continue
                name = str(path.relative_to(self._folder))
                present.add(name)
                stat = path.stat()
                stamp = f"{stat.st_size} {stat.st_mtime_ns}"
                if known.get(name) != stamp:
                    self._read(path, name, stamp)
            for gone in known.keys() - present:
                self._forget(gone)
            return len(present)

    def _read(self, path: Path, name: str, stamp: str) -> None:
        self._forget(name)
        self._db.execute("INSERT INTO files VALUES (?, ?)", (name, stamp))
        if path.stat().st_size > LARGEST_BYTES:
            _log.warning("document left out: too large", document=name, bytes=path.stat().st_size)
            return
        try:
            text = _pdf_text(path) if path.suffix.lower() == ".pdf" else _plain_text(path)
        except Exception as e:  # pypdf raises many kinds; one bad file must not hide the others
            _log.warning("document left out: unreadable", document=name, error=str(e))
            return
        rows = [(passage, heading or spoken_name(path), name) for heading, passage in cut(text)]
        self._db.executemany("INSERT INTO passages(text, title, path) VALUES (?, ?, ?)", rows)

    def _forget(self, name: str) -> None:
        self._db.execute("DELETE FROM passages WHERE path = ?", (name,))
        self._db.execute("DELETE FROM files WHERE path = ?", (name,))

    def search(self, query: str, limit: int = 1) -> list[Passage]:
        """The best passages for a question in plain words; [] if none fits."""
        words = [w for w in re.findall(r"\w+", query.lower()) if w not in STOP_WORDS]
        if not words:
            return []
        # all words first: "parking" must not be answered by any page with the word "the"
        for joiner in (" AND ", " OR "):
            match = joiner.join(f'"{w}"' for w in words[:12])
            with self._lock:
                rows = self._db.execute(
                    "SELECT text, path FROM passages WHERE passages MATCH ?"
                    " ORDER BY bm25(passages, 1.0, 2.0), rowid LIMIT ?",
                    (match, limit),
                ).fetchall()
            if rows:
                return [Passage(text, spoken_name(Path(path))) for text, path in rows]
        return []

    def close(self) -> None:
        with self._lock:
            self._db.close()


def open_documents(folder: Path | None, state_dir: Path) -> Documents | None:
    """The documents of a folder, read and ready to search; None if there is no folder."""
    if folder is None:
        return None
    documents = Documents(folder, index_path(folder, state_dir))
    documents.refresh()
    return documents


def index_path(folder: Path, state_dir: Path) -> Path:
    """Where the index of a folder lies."""
    digest = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:12]
    return state_dir / f"documents-{digest}.sqlite"


def spoken_name(path: Path) -> str:
    """visitor_guide.md -> "visitor guide"."""
    return re.sub(r"[\W_]+", " ", path.stem).strip() or path.name


def cut(text: str) -> Iterator[tuple[str, str]]:
    """Cuts a text into (heading, passage): paragraphs, long ones at sentence ends."""
    heading = ""
    for block in re.split(r"\n\s*\n", text):
        lines = block.strip().splitlines()
        while lines and (m := re.match(r"\s{0,3}#{1,6}\s+(.*)", lines[0])):
            heading = m[1].strip(" #")
            lines.pop(0)
        plain = re.sub(r"[*_`>|]+|^\s*[-+]\s+", "", " ".join(lines))
        plain = re.sub(r"\s+", " ", plain).strip()
        passage = ""
        for sentence in re.split(r"(?<=[.!?])\s+", plain):
            if passage and len(passage) + len(sentence) > PASSAGE_CHARS:
                yield heading, passage
                passage = ""
            passage = f"{passage} {sentence}".strip()[: PASSAGE_CHARS * 2]
        if passage:
            yield heading, passage


def _plain_text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


def _pdf_text(path: Path) -> str:
    from pypdf import PdfReader

    return "\n\n".join(page.extract_text() for page in PdfReader(path).pages)
