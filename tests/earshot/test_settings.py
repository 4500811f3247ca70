from pathlib import Path

import pytest
from earshot import settings
from earshot.errors import SettingsError


def write(tmp_path: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "earshot.toml"
    path.write_text(text)
    monkeypatch.setenv("EARSHOT_CONFIG", str(path))
    return path


def test_environment_wins_over_file_wins_over_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, '[persona]\nname = "Nova"\n[stt]\nhotwords = "de"\n', monkeypatch)
    monkeypatch.setenv("EARSHOT_STT__HOTWORDS", "fr")
    loaded = settings.load({"profile": "small"})
    assert loaded.stt.hotwords == "fr"
    assert loaded.persona.name == "Nova"
    assert loaded.profile == "small"
    assert loaded.llm.max_tokens == 256


def test_paths_in_the_file_are_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, 'state_dir = "state"\n[documents]\nfolder = "docs"\n', monkeypatch)
    loaded = settings.load()
    assert loaded.state_dir == tmp_path / "state"
    assert loaded.documents.folder == tmp_path / "docs"


def test_models_are_found_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert (settings.load().models_dir / "manifest.toml").is_file()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[stt]\nhotword = 'en'", ["stt.hotword", "'en'", "no such key", "hotwords"]),
        ("profil = 'x'", ["profil", "'x'", "no such key", "profile"]),
        ("[llm]\ntemperature = 9", ["llm.temperature", "9", "less than or equal to 2"]),
        ("[vad]\nengine = 'x'", ["vad.engine", "'x'", "'silero' or 'livekit'"]),
        ("[persona]\ntools = ['fly']", ["persona.tools", "'fly'", "'calculate'"]),
        ("a = = b", ["not TOML"]),
    ],
)
def test_a_wrong_file_is_named_with_key_value_and_expectation(
    text: str, expected: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, text, monkeypatch)
    with pytest.raises(SettingsError) as caught:
        settings.load()
    message = str(caught.value)
    assert "\n" not in message
    for part in [str(path), *expected]:
        assert part in message


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("EARSHOT_LLM__THREADS", "many", ["'many'", "integer"]),
        ("EARSHOT_LLM__THREDS", "1", ["'1'", "no such key", "threads"]),
        ("EARSHOT_COLOUR", "red", ["'red'", "no such key", "profile"]),
        ("EARSHOT_PROFILE__X", "1", ["no further keys"]),
        ("EARSHOT_CONFIG", "/nowhere/earshot.toml", ["not a file"]),
    ],
)
def test_a_wrong_variable_is_named_with_value_and_expectation(
    name: str, value: str, expected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        settings.load()
    for part in [name, *expected]:
        assert part in str(caught.value)
