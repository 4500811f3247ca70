"""The file of the call log: how it is opened, and what is in it.

Mode 600, write-ahead log, deleted content overwritten with zeros.
"""

import os
import sqlite3
from pathlib import Path

from ..errors import CallLogError

NAME = "calls.sqlite"
VERSION = 1
BUSY_S = 5.0
_APPLICATION = 0x45415253  # "EARS", for `file` and for us: never a table into a stranger's file

_TABLES = """
CREATE TABLE calls(
  id TEXT PRIMARY KEY,           -- livekit-server's id of the room
  room TEXT NOT NULL,
  began_at REAL NOT NULL,        -- seconds since 1970
  duration_s REAL,               -- NULL while nobody has left
  ended INTEGER NOT NULL DEFAULT 0,
  answered INTEGER NOT NULL DEFAULT 0,
  hung_up TEXT NOT NULL DEFAULT '',
  room_end TEXT NOT NULL DEFAULT ''
);
CREATE INDEX calls_began ON calls(began_at);
CREATE TABLE people(
  call TEXT NOT NULL REFERENCES calls ON DELETE CASCADE,
  sid TEXT NOT NULL,
  identity TEXT NOT NULL,
  name TEXT NOT NULL,
  joined_at REAL NOT NULL,
  left_at REAL,
  left_because TEXT NOT NULL DEFAULT '',
  PRIMARY KEY(call, sid)
);
CREATE INDEX people_identity ON people(identity);
CREATE TABLE turns(
  call TEXT NOT NULL REFERENCES calls ON DELETE CASCADE,
  job TEXT NOT NULL,
  turn INTEGER NOT NULL,
  at REAL NOT NULL,
  asked INTEGER NOT NULL,
  interrupted INTEGER NOT NULL,
  endpointing_ms REAL, stt_ms REAL, llm_ttft_ms REAL, first_clause_ms REAL, tts_ttfb_ms REAL,
  voice_to_voice_ms REAL,
  deciding_ms REAL,
  decided TEXT NOT NULL DEFAULT '',  -- who decided about a tool: sentence, router, model
  tools TEXT NOT NULL,           -- their names, as JSON
  heard TEXT NOT NULL,           -- empty unless calls.keep_words
  reply TEXT NOT NULL,
  PRIMARY KEY(call, job, turn)
);
-- what is told of an erased call afterwards is not kept
CREATE TABLE erased(call TEXT PRIMARY KEY, at REAL NOT NULL);
"""


def path_in(state_dir: Path) -> Path:
    """Where the log is."""
    return state_dir / NAME


def open_to_write(path: Path) -> sqlite3.Connection:
    """Opens the log, and makes it if it is not there.

    Raises:
        CallLogError: another program's file, or of a newer Earshot.
        sqlite3.Error, OSError: it can't be opened now.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    os.close(handle)
    path.chmod(0o600)  # SQLite gives its two files beside it the same mode
    db = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
    try:
        version = _version(db, path)
        db.execute("PRAGMA secure_delete = ON")
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute("PRAGMA foreign_keys = ON")
        db.execute("PRAGMA journal_size_limit = 1048576")
        if version == 0:
            db.executescript(
                f"BEGIN IMMEDIATE; {_TABLES} PRAGMA application_id = {_APPLICATION};"
                f"PRAGMA user_version = {VERSION}; COMMIT"
            )
        else:
            _complete(db)
    except BaseException:
        db.close()
        raise
    return db


def open_to_read(path: Path) -> sqlite3.Connection | None:
    """Opens the log, changes nothing; None if there is none.

    Raises:
        CallLogError: it can't be read, or is another program's, or of a newer Earshot.
    """
    if not path.exists():
        return None
    try:
        uri = f"{path.absolute().as_uri()}?mode=ro"
        db = sqlite3.connect(uri, uri=True, timeout=BUSY_S, isolation_level=None)
        try:
            if _version(db, path) == 0:  # the worker makes it this moment
                db.close()
                return None
        except BaseException:
            db.close()
            raise
    except sqlite3.Error as e:
        raise unreadable(path, e) from e
    return db


def has_decisions(db: sqlite3.Connection) -> bool:
    """Whether decisions about tools are kept: not in a log that no newer worker has opened yet."""
    return any(row[1] == "decided" for row in db.execute("PRAGMA table_info(turns)"))


def _complete(db: sqlite3.Connection) -> None:
    """Columns that came later; an older Earshot writes beside them as before."""
    if not has_decisions(db):
        db.executescript(
            "BEGIN IMMEDIATE; ALTER TABLE turns ADD COLUMN deciding_ms REAL;"
            " ALTER TABLE turns ADD COLUMN decided TEXT NOT NULL DEFAULT ''; COMMIT"
        )


def unreadable(path: Path, error: Exception) -> CallLogError:
    """A file that is damaged, locked or forbidden, in one line."""
    return CallLogError(f"{path}: the call log can't be used: {error}")


def _version(db: sqlite3.Connection, path: Path) -> int:
    """0 = an empty file."""
    version = int(db.execute("PRAGMA user_version").fetchone()[0])
    application = db.execute("PRAGMA application_id").fetchone()[0]
    empty = not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if application != _APPLICATION and not (empty and version == 0):
        raise CallLogError(f"{path}: not a call log of Earshot; move it away, and one is made")
    if version > VERSION:
        raise CallLogError(
            f"{path}: written by a newer Earshot (version {version} of the log, this one knows"
            f" {VERSION}): use that one, or move the file away"
        )
    return 0 if empty else version
