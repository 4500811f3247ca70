"""What the log shows, and what it must not."""

import io
import logging
from collections.abc import Iterator

import pytest
from earshot import log
from earshot.settings import LogSettings


@pytest.fixture(params=["human", "json"])
def shown(request: pytest.FixtureRequest) -> Iterator[io.StringIO]:
    """What a program with a configured log writes to standard error."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    log.configure(LogSettings.model_validate({"format": request.param, "level": "debug"}))
    stream = io.StringIO()
    handler = root.handlers[0]
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)


def test_a_traceback_shows_no_values(shown: io.StringIO) -> None:
    try:
        key = "-".join(["a", "secret", "key"])
        raise RuntimeError(f"{len(key)} characters")
    except RuntimeError:
        logging.getLogger("livekit").exception("broken")
    assert "RuntimeError: 12 characters" in shown.getvalue()
    assert "a-secret-key" not in shown.getvalue()


def test_what_was_said_is_not_logged(shown: io.StringIO) -> None:
    words = {"lk.pii.user_input": "my diagnosis", "language": "en"}
    logging.getLogger("livekit.agents").warning("skipping user input", extra=words)
    assert "skipping user input" in shown.getvalue()
    assert "language" in shown.getvalue()
    assert "diagnosis" not in shown.getvalue()
