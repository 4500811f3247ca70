import pytest
from earshot.endpointing import is_finished


@pytest.mark.parametrize(
    "text",
    [
        "What time is it?",
        "Set a timer for five minutes.",
        "Yes.",
        "Where are you from?",
        "Who can I ask about the wifi password?",
        "",
        "Stop",
        "What is twenty divided by four?",
    ],
)
def test_finished(text: str) -> None:
    assert is_finished(text)


@pytest.mark.parametrize(
    "text",
    [
        "Set a timer for",
        "Set a timer for.",
        "What is five plus?",
        "Tell me about the.",
        "I would like to,",
        "My name is.",
        "Remind me in …",
        "Can you tell me about the?",
        "Um.",
    ],
)
def test_unfinished(text: str) -> None:
    assert not is_finished(text)
