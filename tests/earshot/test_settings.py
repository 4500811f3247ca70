import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from earshot import log, settings
from earshot.errors import SettingsError
from earshot.user_path import path_fields
from pydantic import BaseModel


def write(tmp_path: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "earshot.toml"
    path.write_text(text)
    monkeypatch.setenv("EARSHOT_CONFIG", str(path))
    return path


@pytest.fixture(autouse=True)
def defaults(clean_environment: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EARSHOT_STATE_DIR")


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


PATHS = [
    ("models_dir", "EARSHOT_MODELS_DIR"),
    ("state_dir", "EARSHOT_STATE_DIR"),
    ("persona.voice", "EARSHOT_PERSONA__VOICE"),
    ("documents.folder", "EARSHOT_DOCUMENTS__FOLDER"),
    ("tools.module", "EARSHOT_TOOLS__MODULE"),
]


def value(loaded: settings.Settings, key: str) -> Path | None:
    found: Any = loaded
    for part in key.split("."):
        found = getattr(found, part)
    assert found is None or isinstance(found, Path)
    return found


def groups(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, type[BaseModel]]]:
    yield prefix, model
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from groups(field.annotation, f"{prefix}{name}.")


def test_every_setting_that_is_a_path_is_tested_here() -> None:
    found = [p + name for p, group in groups(settings.Settings) for name in path_fields(group)]
    assert sorted(found) == sorted(key for key, _ in PATHS)


@pytest.mark.parametrize("text", ["", "  "])
@pytest.mark.parametrize(("key", "variable"), PATHS)
def test_an_empty_path_is_none(
    key: str, variable: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    default = value(settings.load(), key)
    write(tmp_path, f'{key} = "{text}"\n', monkeypatch)
    assert value(settings.load(), key) == default
    write(tmp_path, f'{key} = "somewhere"\n', monkeypatch)
    assert value(settings.load(), key) == tmp_path / "somewhere"
    monkeypatch.setenv(variable, text)  # the variable wins over the file, empty too
    assert value(settings.load(), key) == default


@pytest.mark.parametrize(("key", "variable"), PATHS)
def test_a_home_folder_is_meant_wherever_it_stands(
    key: str, variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    write(tmp_path, f'{key} = "~/there"\n', monkeypatch)
    assert value(settings.load(), key) == tmp_path / "home/there"
    monkeypatch.setenv(variable, "~/here")
    assert value(settings.load(), key) == tmp_path / "home/here"
    group, _, name = key.rpartition(".")
    given = {group: {name: "~/args"}} if group else {name: "~/args"}
    assert value(settings.load(given), key) == tmp_path / "home/args"
    monkeypatch.setenv(variable, "~nobody-of-this-name/x")
    with pytest.raises(SettingsError, match=f"{variable} = '~nobody.*home folder"):
        settings.load()


def test_the_file_is_found_in_the_home_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, 'profile = "small"\n', monkeypatch)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("EARSHOT_CONFIG", "~/earshot.toml")
    assert settings.load().profile == "small"
    monkeypatch.setenv("EARSHOT_CONFIG", "~/other.toml")
    with pytest.raises(SettingsError, match=f"EARSHOT_CONFIG: {tmp_path}/other.toml is not a file"):
        settings.load()


def test_a_file_with_a_byte_order_mark_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, "", monkeypatch)
    path.write_bytes('[persona]\r\nname = "Zoë"\r\n'.encode("utf-8-sig"))
    assert settings.load().persona.name == "Zoë"


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [
        ("latin-1", "line 2: byte 0xeb is not UTF-8"),
        ("utf-16", "line 1: this is UTF-16"),
        ("utf-16-le", "line 1: holds a NUL, as UTF-16"),
        ("utf-32", "line 1: this is UTF-32"),
    ],
)
def test_a_file_in_another_encoding_is_explained(
    encoding: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, "", monkeypatch)
    name = "Zo" if encoding == "utf-16-le" else "Zoë"
    path.write_bytes(f'[persona]\nname = "{name}"\n'.encode(encoding))
    with pytest.raises(SettingsError) as caught:
        settings.load()
    message = str(caught.value)
    assert message.startswith(f"{path}: {expected}") and "UTF-8" in message
    assert "\n" not in message


CLUSTER = {
    "EARSHOT_PORT": "tcp://10.0.0.1:8080",
    "EARSHOT_SERVICE_HOST": "10.0.0.1",
    "EARSHOT_SERVICE_PORT": "8080",
    "EARSHOT_SERVICE_PORT_HTTP_METRICS": "9464",
    "EARSHOT_PORT_8080_TCP": "tcp://10.0.0.1:8080",
    "EARSHOT_PORT_8080_TCP_PROTO": "tcp",
    "EARSHOT_PORT_8080_TCP_PORT": "8080",
    "EARSHOT_PORT_8080_TCP_ADDR": "10.0.0.1",
    "EARSHOT_WEB_SERVICE_HOST": "fd00::1",
    "EARSHOT_WEB_SERVICE_PORT": "80",
    "EARSHOT_WEB_PORT": "tcp://[fd00::1]:80",
    "EARSHOT_WEB_PORT_7882_UDP": "udp://10.0.0.2:7882",
    "EARSHOT_WEB_PORT_7882_UDP_ADDR": "10.0.0.2",
    "EARSHOT_LLM_2_PORT": "sctp://10.0.0.3:1",
    "EARSHOT_STATE_DIR_SERVICE_HOST": "10.0.0.4",
}


def test_what_a_cluster_says_of_its_services_is_ignored_and_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, text in CLUSTER.items():
        monkeypatch.setenv(name, text)
    monkeypatch.setenv("EARSHOT_PERSONA__NAME", "Nova")
    loaded = settings.load()
    assert loaded.persona.name == "Nova"
    assert loaded.network.page_port == 8080
    assert settings.of_services() == sorted(CLUSTER)
    monkeypatch.setattr(logging.getLogger(), "handlers", [])  # put back afterwards
    log.configure(loaded.log)
    log.tell_ignored(settings.of_services())
    [line] = capsys.readouterr().err.splitlines()
    assert "are ignored" in line and all(name in line for name in CLUSTER)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("EARSHOT_PORT", "8080"),
        ("EARSHOT_PORT", ""),
        ("EARSHOT_PAGE_PORT", "8081"),
        ("EARSHOT_SERVICE_HOST", "my-host"),
        ("EARSHOT_SERVICE_PORT", "http"),
        ("EARSHOT_PORT_8080_TCP_PROTO", "http"),
        ("EARSHOT_NETWORK__PAGE_PORT", "tcp://10.0.0.1:8080"),  # a setting, whatever it says
    ],
)
def test_a_mistake_is_not_taken_for_a_cluster_s(
    name: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, text)
    with pytest.raises(SettingsError, match=name):
        settings.load()
    assert settings.of_services() == []
