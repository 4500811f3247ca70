"""What is wrong is told in one line, before anything is joined."""

import shlex
from pathlib import Path

import pytest
from earshot.cli import main
from earshot.cli.join import command


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["lobby", "--publish", "nowhere.wav"],
            "nowhere.wav: no such file; a recording was expected",
        ),
        (["lobby", "--record", "/nowhere/a.wav"], "/nowhere/a.wav: cannot be written"),
        (["lobby", "--for", "soon"], "'soon': expected a time such as 90s"),
        (["lobby", "--answer", "colour"], "'colour': expected KEY=VALUE"),
        (["lobby", "--identity", " "], "--identity: a name was expected"),
        ([" "], "ROOM: a name was expected"),
    ],
)
def test_mistakes_are_one_line(
    arguments: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LIVEKIT_URL", "ws://127.0.0.1:9")
    monkeypatch.setenv("LIVEKIT_API_KEY", "key")
    monkeypatch.setenv("LIVEKIT_API_SECRET", "secret")
    monkeypatch.setattr("sys.argv", ["earshot", "room", "join", *arguments])
    with pytest.raises(SystemExit) as end:
        main()
    err = capsys.readouterr().err
    assert end.value.code == 2 and message in err and err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_the_examples_of_the_help_are_understood() -> None:
    lines = (command.help or "").partition("Examples:")[2].splitlines()
    examples = [line for line in lines if line.strip()]
    assert len(examples) > 3
    for line in examples:
        given = shlex.split(line)
        command.make_context(command.name, given[given.index(str(command.name)) + 1 :])
