"""What is wrong is told in one line, before anybody is called."""

import shlex
from pathlib import Path

import pytest
from earshot.cli import main
from earshot.cli.load_test import command


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--calls", "none"], "--calls 'none': numbers of calls like 1,2,4 were expected"),
        (["--calls", "2", "--find-capacity"], "--calls is only used without --find-capacity"),
        (["--worse-by", "5%"], "--worse-by is only used with --compare"),
        (["--compare", "nowhere.json"], "nowhere.json: No such file or directory"),
        (["--questions", "nowhere"], "nowhere: no such folder"),
        (["--save", "/nowhere/a.json"], "/nowhere/a.json: cannot be written"),
        (["--for", "1s"], "Invalid value for '--for': '1s': expected 5 to 3600 seconds"),
        (["--url", "ws://127.0.0.1:9", "--for", "5s"], "its key is not known"),
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
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setattr("sys.argv", ["earshot", "load-test", *arguments])
    with pytest.raises(SystemExit) as end:
        main()
    err = capsys.readouterr().err
    assert end.value.code == 2 and message in err and err.count("\n") == 1


def test_the_examples_of_the_help_are_understood() -> None:
    lines = (command.help or "").partition("Examples:")[2].splitlines()
    examples = [line for line in lines if line.strip()]
    assert len(examples) > 3
    for line in examples:
        given = shlex.split(line)
        command.make_context(command.name, given[given.index(str(command.name)) + 1 :])
