import shutil
from pathlib import Path

import pytest
from earshot.errors import ChecksumError, ModelError, ProfileError
from earshot.models import load_profile

MODELS = Path(__file__).parents[2] / "models"


@pytest.fixture
def models(tmp_path: Path) -> Path:
    shutil.copytree(MODELS / "starter", tmp_path / "models" / "starter")
    shutil.copy(MODELS / "manifest.toml", tmp_path / "models")
    return tmp_path / "models"


def test_the_starter_profile_is_whole_and_small(tmp_path: Path) -> None:
    profile = load_profile("starter", MODELS)
    profile.verify(tmp_path / "cache.json")
    assert profile.stt.is_dir() and profile.llm.is_file() and profile.voice.is_file()
    for path in (profile.stt, profile.llm, profile.voice):
        of_one = [f for f in profile.files if f.path == path or path in f.path.parents]
        assert 0 < sum(f.bytes for f in of_one) <= 8_000_000
        assert all(f.path.stat().st_size == f.bytes for f in of_one)


def test_a_damaged_file_is_found_even_after_a_good_start(models: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache.json"
    profile = load_profile("starter", models)
    profile.verify(cache)
    data = bytearray(profile.llm.read_bytes())
    data[-1] ^= 1
    profile.llm.write_bytes(data)
    with pytest.raises(ChecksumError, match=f"{profile.llm}: wrong checksum: sha256"):
        profile.verify(cache)


def test_a_missing_file_is_named(models: Path, tmp_path: Path) -> None:
    profile = load_profile("starter", models)
    profile.voice.unlink()
    with pytest.raises(ModelError, match=f"{profile.voice}: missing"):
        profile.verify(tmp_path / "cache.json")


def test_a_damaged_cache_only_costs_time(models: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache.json"
    cache.write_text('{"a": 3}')
    load_profile("starter", models).verify(cache)
    assert "starter" in cache.read_text()


def test_an_unknown_profile_is_answered_with_the_known_ones(models: Path) -> None:
    with pytest.raises(ProfileError, match=r"profile 'huge' is unknown; .* has: starter"):
        load_profile("huge", models)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("x = = 1", "not a manifest"),
        ("", "not a manifest"),
        ('[profiles.starter.stt]\npath = "a"\nfiles = []', "incomplete: 'llm' is missing"),
    ],
)
def test_a_damaged_manifest_is_named(models: Path, text: str, fault: str) -> None:
    (models / "manifest.toml").write_text(text)
    with pytest.raises(ModelError, match=fault):
        load_profile("starter", models)
