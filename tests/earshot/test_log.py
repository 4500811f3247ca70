"""What the log shows, and what it must not."""

import logging

import pytest
from earshot import log
from earshot.settings import LogSettings


@pytest.mark.parametrize("form", ["human", "json"])
def test_a_traceback_shows_no_values(
    form: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", root.handlers[:])
    level = root.level
    try:
        log.configure(LogSettings.model_validate({"format": form}))
        try:
            key = "-".join(["a", "secret", "key"])
            raise RuntimeError(f"{len(key)} characters")
        except RuntimeError:
            logging.getLogger("livekit").exception("broken")
    finally:
        root.setLevel(level)
    shown = capsys.readouterr().err
    assert "RuntimeError: 12 characters" in shown
    assert "a-secret-key" not in shown
