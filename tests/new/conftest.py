import pytest


@pytest.fixture(autouse=True)
def a_folder_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """A project writes beside its earshot.toml, as it does for whoever makes one."""
    monkeypatch.delenv("EARSHOT_STATE_DIR", raising=False)
