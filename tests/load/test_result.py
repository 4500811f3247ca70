"""A result is kept, read again, shown as a table and drawn."""

import dataclasses
import json
from pathlib import Path

import click
import pytest
from earshot.load import result as results
from earshot.load import table
from earshot.load.command import Options, show
from earshot.load.plan import Plan, parse_calls
from earshot.load.questions import shipped
from earshot.load.result import Capacity

from .making import call, result, step, turn

MEASURED = result(
    step(1, call(turn(0.4, words=5, right=True))),
    step(2, call(turn(0.5)), call(outcome="no agent", why="waited 30 s")),
    capacity=Capacity(1, 1.0, "calls failed", [1, 2]),
)


def saved(folder: Path) -> Path:
    path = folder / "saved.json"
    path.write_text(json.dumps(MEASURED.to_dict()))
    return path


def options(**more: object) -> Options:
    return Options(Plan((1,), 10.0, shipped()), **more)  # type: ignore[arg-type]


def test_what_is_saved_is_read_again(tmp_path: Path) -> None:
    again = results.read(saved(tmp_path))
    assert again == MEASURED
    assert json.loads(saved(tmp_path).read_text())["steps"][0]["summary"]["right"]["some"] == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no JSON", "no saved result"),
        ("[]", "no saved result"),
        ('{"steps": []}', "began: Field required"),
        (json.dumps({**MEASURED.to_dict(), "format": "earshot-load-test/9"}), "format: "),
    ],
)
def test_what_is_no_result_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "saved.json"
    path.write_text(text)
    with pytest.raises(click.UsageError, match=f"saved.json: .*{message}|saved.json: {message}"):
        results.read(path)
    with pytest.raises(click.UsageError, match="No such file"):
        results.read(tmp_path / "nowhere.json")


def test_the_table_tells_everything_and_only_what_is_known() -> None:
    text = table.markdown(MEASURED)
    assert "| | 1 call | 2 calls |" in text
    assert "| calls held to their end | 1 of 1 | 1 of 2 |" in text
    assert "| calls that failed | 0 | 1 no agent |" in text
    assert "| voice to voice | 0.40 · 0.40 · 0.40 (1) |" in text
    assert "interruptions missed" not in text
    assert "2026-01-02, A processor, 2 cores, 8.0 GB; the callers on the same machine" in text
    assert "Something else" not in text
    assert "up to 40 % of the cores" in table.where(result(step(1, call(turn()), cpu_others=0.4)))
    assert "Capacity: 1 call at once answered with 95 % of turns within 1 s" in text
    assert table.failures(MEASURED) == ["2 at once, caller 1: no agent: waited 30 s"]


def test_a_saved_run_is_shown_again_in_every_form(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = saved(tmp_path)
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- load-test: begin -->\nold\n<!-- load-test: end -->\nafter\n")
    status = show(path, options(markdown=page, plot=tmp_path / "a.png", saved=path))
    assert status == 0
    assert page.read_text().startswith("before\n<!-- load-test: begin -->\n| | 1 call")
    assert "old" not in page.read_text() and page.read_text().endswith("after\n")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    out = capsys.readouterr().out
    assert "failed: 2 at once, caller 1: no agent" in out and "worse" not in out
    assert show(path, options(as_json=True, saved=path)) == 0
    assert {d["worse"] for d in json.loads(capsys.readouterr().out)["compared"]} == {False}


def test_worse_than_before_is_exit_status_1(tmp_path: Path) -> None:
    slower = dataclasses.replace(MEASURED, steps=[step(1, call(turn(0.9, words=5, right=True)))])
    path = tmp_path / "now.json"
    path.write_text(json.dumps(slower.to_dict()))
    assert show(path, options(saved=saved(tmp_path))) == 1
    assert show(path, options(saved=saved(tmp_path), worse_by=2.0)) == 0


def test_a_page_without_a_place_for_the_table_is_not_overwritten(tmp_path: Path) -> None:
    page = tmp_path / "README.md"
    page.write_text("dear to somebody")
    with pytest.raises(click.UsageError, match="without the marks"):
        show(saved(tmp_path), options(markdown=page))
    assert page.read_text() == "dear to somebody"


def test_numbers_of_calls() -> None:
    assert parse_calls("1,2,4,2") == (1, 2, 4)
    for text in ("", "a", "0", "65", "1,,2", ",".join(str(n) for n in range(1, 14))):
        with pytest.raises(ValueError, match="expected"):
            parse_calls(text)
