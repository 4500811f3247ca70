"""Spoken sums: the right expression, or none."""

import pytest
from earshot.conversation.deciding.language import Language
from earshot.tools.calculator import calculate

TOOLS = {"calculate": {"properties": {"expression": {"type": "string"}}}}
LANGUAGES = {code: Language(code, TOOLS, {}) for code in ("en", "de", "fr", "es", "pl")}


@pytest.mark.parametrize(
    ("language", "said", "result"),
    [
        ("en", "how much is twelve times seven plus three", 87),
        ("en", "What's 15% of 80?", 12),
        ("en", "what is fifteen percent of eighty", 12),
        ("en", "80 plus 15 percent", 92),
        ("en", "three point five times two", 7),
        ("en", "eight plus four and then times five", 60),
        ("en", "Add seventeen, twenty-five and nine.", 51),
        ("en", "subtract 29 from 98", 69),
        ("en", "what do you get if you divide a hundred and forty four by twelve", 12),
        ("en", "what is nine squared", 81),
        ("en", "square root of sixteen please", 4),
        ("en", "half of ninety", 45),
        ("en", "Four tickets at $12.50 each, how much is that?", 50),
        ("en", "10 million plus one", 10_000_001),
        ("en", "1,250 divided by 5", 250),
        ("en", "minus five plus two", -3),
        ("en", "(8 + 4) × 5", 60),
        ("en", "what is 5-3", 2),
        ("en", "five times six", 30),
        ("en", "What's 10% off 80?", 72),
        ("en", "What is -5 + 3?", -2),
        ("en", "What is 12 - 7?", 5),
        ("en", "12 – 7", 5),
        ("en", "What is 12 * 7?", 84),
        ("en", "144 / 12", 12),
        ("en", "what's 3² plus 1", 10),
        ("fr", "12 x 7 ?", 84),
        ("en", "what is .5 times 2", 1),
        ("en", "three quarters of 80", 60),
        ("en", "how much is 3-5", -2),
        ("de", "Wie viel ist 3,5 mal 2?", 7),
        ("de", "was sind fünfzehn Prozent von achtzig", 12),
        ("de", "1.250 geteilt durch 5", 250),
        ("de", "zwei hoch zehn", 1024),
        ("de", "fünfundzwanzig plus siebzehn bitte", 42),
        ("es", "¿Cuánto es veintidós por treinta y cinco?", 770),
        ("pl", "ile to jest sto czterdzieści cztery podzielić przez dwanaście", 12),
        ("pl", "dwadzieścia dwa razy pięć", 110),
        ("fr", "combien font soixante-quinze plus quatre-vingt-dix", 165),
        ("fr", "c'est combien 15 % de 80 ?", 12),
        ("fr", "trois virgule cinq fois deux", 7),
        ("fr", "mille moins trois cent cinquante ça fait combien", 650),
    ],
)
def test_a_sum(language: str, said: str, result: float) -> None:
    call = LANGUAGES[language].match(said)
    assert call is not None
    assert calculate(call.arguments["expression"]) == {"result": result}


@pytest.mark.parametrize(
    "said",
    [
        "555-1234",  # a telephone number
        "it's 9/11",
        "what is 9/11",
        "24/7",
        "what is 7-11",
        "what is 9-1-1",
        "120 over 80",
        "half five",
        "what is 5!",
        "What is 12. 5 times 2?",
        "what is .5.5 plus 2",
        "nineteen ninety plus ten",
        "what is 12 - - 7 -",
        "seven, eight plus nine",
        "one two three",
        "two to one",
        "half of ten plus four",  # of both, or of ten?
        "square root of sixteen plus nine",
        "what is one hundred",
        "one hundred percent",
        "what is 15 % 80",
        "how much is a good bicycle",
        "five minutes plus two hours",
        "twenty and five",  # 25, or 20 + 5
    ],
)
def test_what_could_mean_something_else_is_no_sum(said: str) -> None:
    assert LANGUAGES["en"].match(said) is None
