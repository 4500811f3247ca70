"""What a model says of a result is held to the result's numbers, however it comes in pieces."""

import pytest
from earshot.conversation.saying import Grounded

TIME = "time: 14:05; date: Tuesday, November 24, 2026"
PLAIN = "It is 14:05."


def said(text: str, facts: list[str], size: int) -> str:
    held = Grounded(facts, PLAIN)
    parts = [held.feed(text[i : i + size]) for i in range(0, len(text), size)]
    return "".join([*parts, held.finish()])


@pytest.mark.parametrize("size", [1, 3, 7, 100])
@pytest.mark.parametrize(
    ("question", "result", "text"),
    [
        ("What time is it?", TIME, "The time is 14:05 on Tuesday, November 24, 2026."),
        ("What time is it?", TIME, "It is 2:05 PM."),
        ("Quelle heure est-il ?", TIME, "Il est 14 h 05."),
        ("Wie spät ist es?", TIME, "Es ist 14 Uhr 5."),
        ("Is it past noon?", TIME, "Yes, it is already past noon."),
        ("What is 15 percent of 80?", "result: 12", "15 percent of 80 is 12."),
        ("What is 1000 times 3?", "result: 3000", "That is 3,000."),
        ("Half of 5?", "result: 2.5", "Half of 5 is 2.50."),
        ("Who has the keys?", "text: Mr. Hall, room 4; source: the rules", "Mr. Hall, in room 4."),
        ("Where?", "text: behind building B", "Behind building B! A badge is not needed"),
    ],
)
def test_what_the_result_holds_is_said(question: str, result: str, text: str, size: int) -> None:
    assert said(text, [question, result], size) == text


@pytest.mark.parametrize("size", [1, 3, 7, 100])
@pytest.mark.parametrize(
    "text",
    [
        "The current time is 12:34:56.",
        "It is 2:15 PM.",
        "It is Tuesday, November 24, 2023.",
        "15:05",
    ],
)
def test_an_invented_number_is_not(text: str, size: int) -> None:
    heard = said(text, ["What time is it?", TIME], size)
    assert heard.rstrip() in (PLAIN, "It is Tuesday, November 24,")
    assert not {"12:34", "2:15", "2023", "15:05"} & set(heard.split())


def test_an_invented_number_later_ends_the_answer_before_its_sentence() -> None:
    text = "Twelve times seven is 84. And that is 17 more than before."
    assert said(text, ["What is 12 times 7?", "result: 84"], 4).rstrip() == (
        "Twelve times seven is 84."
    )


def test_words_come_as_soon_as_the_first_number_is_right() -> None:
    held = Grounded(["What time is it?", TIME], PLAIN)
    assert held.feed("It is ") == ""
    assert held.feed("14:05 ") == "It is 14:05 "
    assert held.feed("on Tuesday") == "on "
    assert held.finish() == "Tuesday"
