"""What the log shows, and what it must not."""

import logging
from collections.abc import Iterator

import pytest
from earshot import log
from earshot.settings import LogSettings


@pytest.fixture(params=["human", "json"])
def configured(
    request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> Iterator[None]:
    """The root logger as a program has it."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    log.configure(LogSettings.model_validate({"format": request.param, "level": "debug"}))
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def test_a_traceback_shows_no_values(capsys: pytest.CaptureFixture[str], configured: None) -> None:
    try:
        key = "-".join(["a", "secret", "key"])
        raise RuntimeError(f"{len(key)} characters")
    except RuntimeError:
        logging.getLogger("livekit").exception("broken")
    shown = capsys.readouterr().err
    assert "RuntimeError: 12 characters" in shown
    assert "a-secret-key" not in shown


def test_what_was_said_is_not_logged(capsys: pytest.CaptureFixture[str], configured: None) -> None:
    words = {"lk.pii.user_input": "my diagnosis", "language": "en"}
    logging.getLogger("livekit.agents").warning("skipping user input", extra=words)
    shown = capsys.readouterr().err
    assert "skipping user input" in shown and "language" in shown
    assert "diagnosis" not in shown
