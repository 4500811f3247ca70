"""`earshot calls` on a log that is at rest."""

import csv
import io
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from earshot.calls.store import Store
from earshot.cli import cli
from earshot.cli.calls import When
from earshot.errors import CallLogError, EarshotError, OutputError

from .conftest import agent, joined, left, turn

Run = Callable[..., str]


@pytest.fixture
def run(path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """run("list") -> what it prints"""
    monkeypatch.setenv("EARSHOT_STATE_DIR", str(path.parent))

    def invoke(*arguments: str) -> str:
        done = CliRunner().invoke(cli, ["calls", *arguments], standalone_mode=False)
        if done.exception:
            raise done.exception
        return done.stdout

    return invoke


@pytest.fixture
def calls(store: Store) -> list[str]:
    """The newest first: anna now, =evil two days ago, anna three days ago."""
    now = time.time()
    for n, (call, who) in enumerate([("RM_aa", "anna"), ("RM_ab", "=evil"), ("RM_c", "anna")]):
        began = now - 86400 * (n + (n > 0)) - 100
        person = {"identity": who, "name": f"{who}\x1b[31m"}
        store.write([joined(call, began, **person), agent(call), turn(call)])
        store.write([left(call, began + 60, began, **person)])
    return ["RM_aa", "RM_ab", "RM_c"]


def ids(text: str) -> list[str]:
    return [call["id"] for call in json.loads(text)]


def test_no_log_yet(run: Run, path: Path) -> None:
    assert run("list") == "no calls in the log\n"
    assert json.loads(run("list", "--json")) == json.loads(run("export")) == []
    assert run("export", "--format", "csv").startswith("id,room,identity")
    assert "no such calls" in run("erase", "--all", "--yes")
    with pytest.raises(CallLogError, match="no log yet"):
        run("show", "RM_1")
    assert not path.exists()


def test_filters(run: Run, calls: list[str]) -> None:
    assert ids(run("list", "--json")) == calls
    assert ids(run("list", "--json", "--limit", "1")) == calls[:1]
    assert ids(run("list", "--json", "--identity", "anna")) == ["RM_aa", "RM_c"]
    assert ids(run("list", "--json", "--since", "1d")) == ["RM_aa"]
    assert ids(run("export", "--until", "1d", "--identity", "anna")) == ["RM_c"]


def test_what_callers_call_themselves_does_nothing(run: Run, calls: list[str]) -> None:
    assert "\x1b" not in run("list") + run("show", "RM_ab") + run("export", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(run("export", "--format", "csv"))))
    assert rows[1]["identity"] == "'=evil"
    assert rows[0]["how_ended"] == "caller left"


def test_one_call(run: Run, calls: list[str], store: Store) -> None:
    shown = json.loads(run("show", "RM_aa", "--json"))
    assert "heard" not in shown["turn_list"][0]
    store.write([turn("RM_aa", 2, heard="Where is Anna?", reply="In her room.")])
    shown = json.loads(run("show", "room-RM_aa", "--json"))
    assert shown["turn_list"][1]["heard"] == "Where is Anna?"
    assert "In her room." in run("show", "RM_aa")
    assert json.loads(run("show", "RM_c", "--json"))["id"] == "RM_c"
    with pytest.raises(CallLogError, match="several calls"):
        run("show", "RM_a")
    with pytest.raises(CallLogError, match="no call 'x' in the log"):
        run("show", "x")


def test_export_to_a_file(run: Run, calls: list[str], tmp_path: Path) -> None:
    out = tmp_path / "calls.csv"
    out.write_text("old")
    run("export", "-o", str(out))
    assert [row["id"] for row in csv.DictReader(out.read_text().splitlines())] == calls
    run("export", "-o", str(tmp_path / "calls.json"))
    assert ids((tmp_path / "calls.json").read_text()) == calls
    with pytest.raises(OutputError, match="cannot be written"):
        run("export", "-o", str(tmp_path / "missing" / "calls.csv"))
    assert sorted(p.name for p in tmp_path.iterdir() if "sqlite" not in p.name) == [
        "calls.csv",
        "calls.json",
    ]


def test_erase(run: Run, calls: list[str]) -> None:
    told = json.loads(run("erase", "--before", "1d", "--identity", "anna", "--dry-run", "--json"))
    assert told == {"calls": ["RM_c"], "erased": 0, "dry_run": True}
    assert ids(run("list", "--json")) == calls
    for wrong in ([], ["RM_aa", "--all"], ["--all", "--identity", "anna"], ["--all"]):
        with pytest.raises(click.UsageError):
            run("erase", *wrong)
    assert run("erase", "RM_c", "RM_c", "--yes") == "erased 1 call\n"
    assert run("erase", "--all", "--yes") == "erased 2 calls\n"
    assert ids(run("list", "--json")) == []


def test_erased_while_somebody_reads(
    run: Run, calls: list[str], path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sqlite3

    monkeypatch.setattr("earshot.calls.schema.BUSY_S", 0.1)
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM people").fetchall()
    with pytest.raises(CallLogError, match="somebody reads the file"):
        run("erase", "--identity", "anna", "--yes")
    reader.close()
    assert ids(run("list", "--json")) == ["RM_ab"]


@pytest.fixture
def in_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as changed:
        changed.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


def test_times(in_utc: None) -> None:
    when = When()
    assert when.convert("2026-11-24", None, None) == 1_795_478_400.0
    assert when.convert("2026-11-24T14:30", None, None) == 1_795_530_600.0
    assert when.convert("2026-11-24T14:30+01:00", None, None) == 1_795_527_000.0
    assert when.convert("2d", None, None) == pytest.approx(time.time() - 172_800, abs=5)
    for wrong in ("yesterday", "", "2026-13-01", "99999-01-01"):
        with pytest.raises(click.BadParameter, match="2026-11-24"):
            when.convert(wrong, None, None)


def test_a_log_that_is_none(run: Run, path: Path) -> None:
    path.write_bytes(b"rubbish" * 1000)
    for arguments in (("list",), ("export",), ("show", "x"), ("erase", "--all", "--yes")):
        with pytest.raises(EarshotError, match="can't be used"):
            run(*arguments)
    assert path.read_bytes() == b"rubbish" * 1000
