"""Progress: what logs and people see."""

import io

import pytest
from earshot import progress
from earshot.progress import Bars, Lines, Progress, for_people, size


def test_logs_get_lines(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(for_people(), Lines)
    monkeypatch.setattr(Lines, "EVERY_S", 0.0)
    clock = iter((10.0, 12.0, 12.0, 20.0, 30.0))
    monkeypatch.setattr("earshot.progress.time.monotonic", lambda: next(clock))
    with Lines() as lines:
        lines.begin("model.bin", 4_000_000, 1_000_000)
        lines.advance(1_000_000)
        lines.note("one source is away")
        lines.begin("small", 10)
        lines.begin("building", 0)
        lines.advance(5)
    assert capsys.readouterr().err.splitlines() == [
        "model.bin: 4.0 MB",
        "model.bin: 50 %, 2.0 MB, 500.0 kB/s, 4 s left",
        "one source is away",
        "building",
    ]


def test_people_get_bars(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    shown = Terminal()
    monkeypatch.setattr(progress.sys, "stderr", shown)
    monkeypatch.setenv("TERM", "xterm")
    bars = for_people()
    assert isinstance(bars, Bars)
    with bars:
        bars.begin("building", 0)
        bars.begin("model.bin", 4_000_000, 1_000_000)
        bars.advance(3_000_000)
        bars.begin("small", 10)
    assert "model.bin" in shown.getvalue() and "4.0/4.0 MB" in shown.getvalue()


def test_silence(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress() as silent:
        silent.begin("x", 1)
        silent.advance(1)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (63_531_379, "63.5 MB"),
        (1_117_320_736, "1.1 GB"),
    ],
)
def test_sizes(count: int, words: str) -> None:
    assert size(count) == words
