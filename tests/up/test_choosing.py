"""`earshot up --fetch`: what is offered, taken and remembered, and that nothing is fetched unasked."""

import shutil
from pathlib import Path

import click
import pytest
from earshot import settings
from earshot.choice import remember, remembered
from earshot.errors import FetchError, ProfileError
from earshot.models.fetch import Missing
from earshot.settings import Settings
from earshot.up import choosing

ROOT = Path(__file__).parents[2]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder of its own; models as they are shipped, without any that are fetched."""
    models = tmp_path / "models"
    models.mkdir()
    shutil.copy(ROOT / "models" / "manifest.toml", models)
    (models / "starter").symlink_to(ROOT / "models" / "starter")
    monkeypatch.setenv("EARSHOT_MODELS_DIR", str(models))
    monkeypatch.setenv("EARSHOT_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "state"


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Files that would have been fetched; every model "arrives" at once."""
    names: list[str] = []

    def fetch(work: list[Missing], *_: object) -> None:
        names.extend(file.path.name for item in work for file in item.files)

    monkeypatch.setattr(choosing, "fetch", fetch)
    return names


def press(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(click, "getchar", lambda: key)


@pytest.fixture
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    def getchar() -> str:
        raise AssertionError("a key was asked for")

    monkeypatch.setattr(click, "getchar", getchar)


def start(profile: str | None = None, at_terminal: bool = True) -> Settings:
    loaded = settings.load({"profile": profile} if profile else None)
    return choosing.choose(loaded, profile, at_terminal)


def test_one_key_takes_real_models_and_the_next_start_remembers(
    site: Path,
    fetched: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    press("y", monkeypatch)
    assert start().profile == "mini"
    said = capsys.readouterr().out.splitlines()
    assert "never heard a person" in said[0] and len(said) == 3
    assert "Whisper base (MIT), Qwen2.5-Coder 0.5B Instruct (Apache-2.0)" in said[1]
    assert "(CC0); 702.5 MB, about 2 minutes at 50 Mbit/s" in said[1]
    assert len(fetched) == 7
    assert settings.load().profile == "mini" == remembered(site)
    # whoever names another one has the last word
    monkeypatch.setenv("EARSHOT_PROFILE", "starter")
    assert settings.load().profile == "starter"


def test_no_is_remembered_and_another_key_is_not(
    site: Path, fetched: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    press(" ", monkeypatch)
    assert start().profile == "starter" and remembered(site) == ""
    press("n", monkeypatch)
    assert start().profile == "starter" and remembered(site) == "starter"
    monkeypatch.setattr(click, "getchar", lambda: pytest.fail("asked again"))
    assert start().profile == "starter" and fetched == []


@pytest.mark.usefixtures("no_key")
def test_without_a_terminal_nothing_is_asked_or_fetched(site: Path, fetched: list[str]) -> None:
    assert start(at_terminal=False).profile == "starter"
    remember(site, "mini")  # and not when what was chosen is gone
    assert start(at_terminal=False).profile == "mini"
    assert fetched == []


@pytest.mark.usefixtures("no_key")
def test_a_profile_that_is_named_is_taken_without_a_question(
    site: Path, fetched: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert start("mini-1.5b", at_terminal=False).profile == "mini-1.5b"
    assert len(fetched) == 7 and remembered(site) == "mini-1.5b"
    assert "This contacts huggingface.co" in capsys.readouterr().err
    with pytest.raises(ProfileError, match="unknown"):
        start("huge")


def test_where_it_cannot_be_had_the_starter_speaks(
    site: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(*_: object) -> None:
        raise FetchError("no source gives it")

    monkeypatch.setattr(choosing, "fetch", fails)
    press("y", monkeypatch)
    assert start().profile == "starter" and remembered(site) == ""
    assert "no source gives it" in capsys.readouterr().err


def test_what_a_setting_wants_is_offered_where_it_is_missing(
    site: Path, fetched: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EARSHOT_PROFILE", "mini")
    press("y", monkeypatch)
    assert start().profile == "mini" and len(fetched) == 7
