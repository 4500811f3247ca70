"""What is said around a dialogue's facts: fixed answers, errors of tools, politeness, numbers, times, and how often."""

import random
import re

from ..grammar import DAYS, MONTHS, num
from .phrases import WORDS, is_held_out, loose_words, pick

UNABLE = "I cannot do that yet, but I can tell you the time, do arithmetic or set a timer."
ELSEWHERE = "I can't help with that here."
FAILED = "Sorry, that did not work."
FIXED = (
    UNABLE, ELSEWHERE, FAILED, "I cannot see a clock right now.", "I cannot see a calendar right now.",
    "I need a calculator for that.", "You cannot divide by zero.", "I cannot set timers here.",
    "There is no timer running.", "The timer is cancelled.", "I do not know your name yet.",
    "Good morning, this is the front desk.", "Welcome. What can I do for you?",
    *WORDS["jokes"],
)  # fmt: skip
"""answers without anything to fill in, beside those of `phrases.PLAIN`"""
OPERATORS = {
    "+": ["plus", "and", "added to"],
    "-": ["minus"],
    "*": ["times", "multiplied by"],
    "/": ["divided by", "over"],
}
PREFIXES = ["", "", "", "", "", "", "Okay, ", "Hey, ", "Um, ", "Now ", "And ", "So "]
POLITE = ["", "", "", "Please ", "Can you ", "Could you ", "Would you ", "Okay, please "]
SUFFIXES = ["", "", "", "", "", "", " please", " now", " thanks", " then"]
VERBS = """add beep begin calculate call cancel check clear compute count delete do end erase explain find forget
get give go kill let look make measure notify put read remind remove repeat ring say search set show sing solve speak
start stop switch talk tell time turn wake work""".split()
"""what a request begins with"""
NO_PREFIX = (
    "please can could would will and so now then hey hi hello well okay um no yes sorry".split()
)
ERRORS = ['{"error": "not available"}', '{"error": "timeout"}', "An internal error occurred",
          "Error: failed"]  # fmt: skip
SUM_ERRORS = ['{"error": "not an expression that I understand"}',
              '{"error": "the numbers are too large"}']  # fmt: skip
TIMER_ERRORS = [
    '{"error": "a timer of more than nothing and at most 24 hours was expected"}',
    '{"error": "10 timers are running already"}',
]
TIMER_CANCELLED = [{"status": "cancelled"}] * 3 + ["cancelled", "The timer is cancelled."]
TIMER_NONE = [{"status": "none"}] * 3 + ["none", "No timer is running."]
TIMES_IN_WORDS = [
    (30, "minutes", "half an hour"), (1, "hours", "an hour"), (1, "minutes", "a minute"),
    (15, "minutes", "a quarter of an hour"), (1, "hours", "one hour"), (1, "minutes", "one minute"),
]  # fmt: skip
GREETINGS = [
    "Hello, how can I help you?", "Welcome. What can I do for you?", "Good morning, this is the front desk.",
]  # fmt: skip
QUESTIONS_ABOUT = {
    "Where can I park my car?": "parking",
    "When do you open?": "opening hours",
    "When do you close?": "opening hours",
    "What are your opening hours?": "opening hours",
    "Is there free parking?": "parking",
    "What is the wifi password?": "the wifi password",
    "Where is the bathroom?": "the bathroom",
    "Where is the meeting room?": "the meeting room",
    "When is lunch?": "lunch",
}
NEEDS = {
    "math": "calculate", "math_more": "calculate", "timer": "set_timer",
    "time": "get_current_time", "date": "get_current_time", "cancel": "cancel_timer",
    "search": "search_documents", "where": "search_documents",
}  # fmt: skip
WEIGHTS = {
    "math": 5, "math_more": 2.5, "timer": 4.5, "time": 2, "date": 2, "cancel": 1.5, "search": 6,
    "where": 2, "iam": 2, "whoami": 1.8, "visit": 2.2, "repeat": 2, "who": 2.5, "count": 0.6,
    "device": 1, "joke": 0.5, "unable": 1, "elsewhere": 2.5, "echo": 4,
}  # fmt: skip
RARE = {"story": 0.2, "fun": 0.3, "sing": 0.3, "moment": 0.4, "slow": 0.4, "wrong": 0.5,
        "idk": 0.5, "left": 0.7}  # fmt: skip
"""weights of intents with one answer; the others have 1"""
PLAIN_SHARE = 0.28


def number_text(n: int) -> str:
    return num(n) if n <= 100 and random.random() < 0.65 else str(n)


def clock() -> str:
    return f"{random.randint(0, 23):02d}:{random.randint(0, 59):02d}"


def date() -> str:
    return f"{pick(DAYS)}, {pick(MONTHS)} {random.randint(1, 31)}, {random.randint(2024, 2039)}"


def dressed(form: str) -> str:
    """With what people put around a sentence; never what is held out."""
    first = form.split(maxsplit=1)[0].strip(",.?").lower()
    prefix, suffix = pick(POLITE if first in VERBS else PREFIXES), pick(SUFFIXES)
    if first in NO_PREFIX or form[0] == "{":
        prefix = ""
    if suffix.strip() in form or len(form.split()) < 3:
        suffix = ""
    lower = form if re.match(r"I\b|[A-Z][a-z]+ here", form) else form[0].lower() + form[1:]
    mark = form[-1] if form[-1] in ".?" else ""
    around = (prefix + (lower if prefix else form)).removesuffix(mark) + suffix + mark
    return form if is_held_out(around) else around


def operand() -> int:
    x = random.random()
    if x < 0.66:
        return random.randint(0, 100)
    return random.randint(101, 999) if x < 0.8 else random.randint(1000, 9999)


def result(op: str, b: int, a: int | None) -> int | float:
    """Of a sum: right, or any number at all, so that the answer is copied and not known."""
    r: int | float
    if a is not None and random.random() < 0.6:
        r = {"+": a + b, "-": a - b, "*": a * b, "/": round(a / max(b, 1), 4)}[op]
        return int(r) if r == int(r) else r
    if random.random() < 0.7:
        return random.randint(-999, 99999)
    return round(random.uniform(-99, 999), random.randint(1, 4))


def document() -> str:
    """Where a passage was found."""
    known = [
        "the handbook",
        "the visitor guide",
        "the house rules",
        "handbook",
        "the staff page",
        "notes",
    ]
    return str(
        pick([*known, f"the {pick(WORDS['nouns'])} list", f"the {loose_words(1, 2).lower()}"])
    )


def time_told(t: str, d: str, asked: dict[str, str]) -> dict[str, str] | str:
    """What a clock tool may return: both in any form, or only what was asked."""
    told: dict[str, str] | str = pick(
        [{"time": t, "date": d}] * 4
        + [{"date": d, "time": t}, f"{d}, {t}", f"It is {t} on {d}.", asked]
    )
    return told
