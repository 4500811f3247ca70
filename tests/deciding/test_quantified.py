"""A timer is never set for a time that was not said."""

import pytest
from earshot.conversation.deciding import Intents


@pytest.fixture(scope="module")
def intents() -> Intents:
    return Intents([], ["en", "de", "fr"])


@pytest.mark.parametrize(
    "text",
    [
        "Remind me in 5 minutes.",
        "wake me in twenty",
        "Let me know when half an hour is over.",
        "Tell me after an hour.",
        "Sag mir in einer Viertelstunde Bescheid.",
        "Dans une heure, préviens-moi.",
        "eine Minute",
    ],
)
def test_a_time_is_heard(intents: Intents, text: str) -> None:
    assert intents.quantified(text)


@pytest.mark.parametrize(
    "text",
    [
        "Set a timer.",
        "Start one of those timers.",
        "Can you start a timer for me?",
        "Stell bitte einen Timer.",
        "",
    ],
)
def test_none_is(intents: Intents, text: str) -> None:
    assert not intents.quantified(text)
