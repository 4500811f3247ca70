"""Text files of people, in the encodings that editors save them in: by every reader."""

import io
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from earshot import credentials
from earshot.doctor import command as doctor
from earshot.errors import EarshotError
from earshot.init.env_file import EnvFile
from earshot.load import command as load_test
from earshot.load import questions
from earshot.models.manifest import read_tables
from earshot.operator import projects, requests
from earshot.text_file import NotTextError, decode, read_input

SECRET = "a-secret-of-a-sufficient-length-for-it"
PROJECTS = f"projects: {{ö: {{url: 'ws://h:1', api_key: k, api_secret: {SECRET}}}}}\n"


def project(path: Path) -> str:
    path.chmod(0o600)
    return next(iter(projects.load().by_name))


def keys(path: Path) -> str:
    path.chmod(0o600)
    path.parent.chmod(0o700)
    return credentials.load_or_create(path.parent.parent, own_keys=False).api_key


def question(path: Path) -> str:
    shutil.copy(questions.shipped().asked[0].file, path.with_suffix(".wav"))
    return questions.of_folder(path.parent).asked[0].text


def markdown(path: Path) -> str:
    load_test._write_markdown(path, None)
    return "ö"


READERS: dict[str, tuple[str, str, Callable[[Path], str]]] = {
    "--request": ("r.json", '\n{"name": "ö"}', lambda p: str(requests.read(str(p))["name"])),
    "secret": ("secret", "ö", lambda p: requests.read_secret(str(p))),
    "projects.yaml": ("earshot/projects.yaml", PROJECTS, project),
    "keys.yaml": ("secrets/keys.yaml", f"ö: {SECRET}\n", keys),
    ".env": (".env", "NAME=ö\n", lambda p: EnvFile(p).get("NAME")),
    "manifest.toml": ("local.toml", "[profiles.x]\nn = 'ö'", lambda p: str(read_tables(p)["x"]["n"])),
    "question": ("q/one.txt", "ö\n", question),
    "--markdown": (
        "t.md", "ö\n<!-- load-test: begin -->\n<!-- load-test: end -->\n", markdown,
    ),
    "--code-file": ("code", "ö", lambda p: doctor._read(p, "--code-file")),
}  # fmt: skip


@pytest.mark.parametrize("reader", READERS)
def test_a_mark_is_read_over_and_other_encodings_are_explained(
    reader: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    name, text, read = READERS[reader]
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(text.replace("\n", "\r\n").encode("utf-8-sig"))
    assert read(path) == "ö"
    for encoding, expected in (("latin-1", "byte 0xf6 is not UTF-8"), ("utf-16", "this is UTF-16")):
        path.write_bytes(text.encode(encoding))
        with pytest.raises((EarshotError, click.UsageError)) as caught:
            read(path)
        message = str(caught.value)
        assert path.name in message and expected in message and "line" in message
        assert "expected a file saved as UTF-8" in message and "\n" not in message


def test_the_line_is_that_of_the_first_wrong_byte() -> None:
    with pytest.raises(NotTextError, match=r"^line 3: byte 0xfc is not UTF-8"):
        decode("ok\r\nok\r\nMüller\r\nMüller".encode("cp1252"))
    assert decode(b"a\r\nb\rc\n") == "a\nb\nc\n"
    assert decode(b"") == ""


def test_standard_input_is_read_alike(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for data in (b'{"name": "x"}', b'\xef\xbb\xbf{"name": "x"}'):
        # as with LANG=C: the bytes count, not what the terminal is said to take
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data), encoding="ascii"))
        assert requests.read("-") == {"name": "x"}
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\xff\xfe{\0")))
    with pytest.raises(click.UsageError, match="standard input: line 1: this is UTF-16"):
        requests.read("-")
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "file").write_text("x")
    assert read_input("~/file") == "x"
