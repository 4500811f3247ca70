import pytest
from earshot.endpointing import Pauses, is_finished, is_opening
from earshot.settings import TurnSettings


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
        "Please tell me.",
        "Could you?",
    ],
)
def test_unfinished(text: str) -> None:
    assert not is_finished(text)


@pytest.mark.parametrize(
    "text",
    ["Hello.", "Hello there.", "Hi", "A good morning to you.", "Okay.", "Yes please", "Thank you very much.",
     "See you then.", "Oh, sorry."],
)  # fmt: skip
def test_openings(text: str) -> None:
    assert is_opening(text)


@pytest.mark.parametrize(
    "text", ["Stop.", "Hello, I am Nora.", "Okay, stop.", "No timer.", "Goodness", "What?", ""]
)
def test_no_openings(text: str) -> None:
    assert not is_opening(text)


def test_the_silence_that_each_gets() -> None:
    turn = TurnSettings(silence_s=0.2, opening_s=0.5, unfinished_s=1.5)
    texts = ("Stop.", "Hello there.", "Set a timer for")
    assert [Pauses(turn).after(text) for text in texts] == [0.2, 0.5, 1.5]
