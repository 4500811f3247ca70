import random

import pytest
from livekit.plugins.piper.spoken import tokens

SPOKEN = [
    ("Dr. Smith paid $45.50.", "Doctor Smith paid forty five dollars and fifty cents."),
    ("It costs $1, or $0.99.", "It costs one dollar, or ninety nine cents."),
    ("Sales were $1.5 million.", "Sales were one point five million dollars."),
    ("£3 and 20€", "three pounds and twenty euros"),
    ("On 3/14/2024 at 3:30 pm.", "On March fourteenth, twenty twenty four at three thirty PM."),
    ("On 2024-03-14.", "On March fourteenth, twenty twenty four."),
    ("Jan. 5, 2021", "January fifth, twenty twenty one"),
    ("on May 5th", "on May fifth"),
    ("at 9:00, 15:30 or 10:05 a.m. sharp", "at nine o'clock, fifteen thirty or ten oh five AM sharp"),
    ("In 1985, the 21st time.", "In nineteen eighty five, the twenty first time."),
    ("the 1990s", "the nineteen nineties"),
    ("2019-2020", "twenty nineteen to twenty twenty"),
    ("1,234,567 people", "one million two hundred thirty four thousand five hundred sixty seven people"),
    ("-5 °C to 10-15 °C", "minus five degrees Celsius to ten to fifteen degrees Celsius"),
    ("5 km, 1 kg, 60 mph", "five kilometers, one kilogram, sixty miles per hour"),
    ("about 12.5%", "about twelve point five percent"),
    ("version 2.0.1", "version two point zero point one"),
    ("1/2 of 3/4", "one half of three quarters"),
    ("12 * 7 = 84", "twelve times seven equals eighty four"),
    ("10 / 4 = 2.5", "ten divided by four equals two point five"),
    ("Call 555-123-4567.", "Call five five five, one two three, four five six seven."),
    ("code 007", "code zero zero seven"),
    ("mail joe.bloggs@example.com.", "mail joe dot bloggs at example dot com."),
    ("See https://www.example.com/a?b=1 now", "See www dot example dot com slash a now"),
    ("see example.com.", "see example dot com."),
    ("**bold**, `code`, [link](http://x.y)", "bold, code, link"),
    ("# Title\n- one\n- two", "Title. one. two"),
    ("Mr. and Mrs. Jones, 12 Main St. They left.", "Mister and Missus Jones, twelve Main Street. They left."),
    ("St. James lives on 5th Ave.", "Saint James lives on fifth Avenue."),
    ("fruit, e.g. pears, etc.", "fruit, for example, pears, et cetera."),
    ("The U.S. and the U.K.", "The US and the UK."),
    ("salt & pepper 😀", "salt and pepper"),
    ("Room #5, No. 7", "Room number five, number seven"),
    ("Wait — really?", "Wait, really?"),
    ("$3/month", "three dollars per month"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "spoken"), SPOKEN)
def test_is_read_as_a_person_would(text: str, spoken: str) -> None:
    assert " ".join(w for t in tokens(text, "en_US") for w in t.words) == spoken


def test_keeps_the_text_as_written() -> None:
    pieces = [text for text, _ in SPOKEN] + [
        " ",
        "\n\n",
        "…",
        "*",
        "| a | b |",
        "日本語。",
        "١٢",
        "$",
        "…?!",
    ]
    chance = random.Random(0)
    for _ in range(300):
        text = "".join(chance.choice(pieces)[chance.randrange(4) :] for _ in range(4))
        assert "".join(t.text for t in tokens(text, "en_US")) == text


def test_money_is_one_word_of_the_transcript() -> None:
    assert [t.text for t in tokens("It is $45.50, ok?")] == ["It ", "is ", "$45.50, ", "ok?"]


def test_day_comes_first_in_british_english() -> None:
    assert "of April" in " ".join(w for t in tokens("3/4/2024", "en_GB") for w in t.words)


def test_other_languages_keep_their_numbers() -> None:
    said = [w for t in tokens("**Das** kostet 45,50 bei www.test.de", "de_DE") for w in t.words]
    assert said == "Das kostet 45,50 bei www Punkt test Punkt de".split()


def test_long_text_without_spaces_is_no_trap() -> None:
    for text in ("1" * 20_000, "a." * 10_000, "*" * 20_000, "(" * 20_000, "$" * 20_000):
        assert "".join(t.text for t in tokens(text)) == text
