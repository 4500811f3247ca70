"""What callers say: the package's own, and an operator's."""

import shutil
from pathlib import Path

import pytest
from earshot.caller.ticket import Ticket
from earshot.errors import AudioError
from earshot.load.questions import SHIPPED, of_folder, shipped
from earshot.load.script import Script


def test_those_of_the_package_can_be_said_and_judged() -> None:
    questions = shipped()
    assert len(questions.asked) >= 8 and questions.long and questions.noises
    for question in questions.asked + questions.noises:
        assert 0.2 < question.speech().duration_s < 5
    name = questions.asked[0]
    assert name.is_right("My name is Earshot.") is True
    assert name.is_right("It is ten.") is False
    assert questions.noises[0].is_right("anything") is None
    assert set(questions.short).isdisjoint(questions.long)


@pytest.fixture
def own(tmp_path: Path) -> Path:
    shutil.copy(SHIPPED.parent / "time.wav", tmp_path / "hours.wav")
    (tmp_path / "hours.txt").write_text("Wann haben Sie geöffnet?\nUhr|täglich\n")
    return tmp_path


def test_an_operators_own(own: Path) -> None:
    (question,) = of_folder(own).asked
    assert question.text == "Wann haben Sie geöffnet?"
    assert question.is_right("Bis 17 UHR.") and not question.is_right("Nein.")
    assert of_folder(own).short == (question,)  # it is all there is
    (own / "hours.txt").write_text("Wann?")
    assert of_folder(own).asked[0].is_right("egal") is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, r"hours\.wav: its words are missing; hours\.txt was expected beside it"),
        ("", r"hours\.txt: the words of hours\.wav were expected in the first line"),
        ("Hours?\n(", r"hours\.txt: line 2: not a regular expression"),
        ("x" * 3000, r"hours\.txt: the words of hours\.wav"),
    ],
)
def test_texts_that_cannot_be_used(own: Path, text: str | None, message: str) -> None:
    (own / "hours.txt").unlink()
    if text is not None:
        (own / "hours.txt").write_text(text)
    with pytest.raises(AudioError, match=message):
        of_folder(own)


def test_folders_that_cannot_be_used(own: Path) -> None:
    with pytest.raises(AudioError, match="no such folder"):
        of_folder(own / "nowhere")
    (own / "hours.wav").write_bytes(b"no sound")
    with pytest.raises(AudioError, match=r"hours\.wav: not audio that can be read"):
        of_folder(own)
    (own / "hours.wav").unlink()
    with pytest.raises(AudioError, match="no recordings"):
        of_folder(own)


def test_a_script_reaches_its_process_as_it_was() -> None:
    script = Script(3, Ticket("ws://a", "token", "me"), shipped(), 10.0, 4, 30.0, "seed")
    assert Script.from_json(script.to_json()) == script
