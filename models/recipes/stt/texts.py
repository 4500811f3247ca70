"""What is said in the training data: what people ask, what the assistant answers, loose words."""

import random
import re
from collections import Counter

from .. import grammar
from ..llm import dialogue, phrases
from .spoken import number, ordinal, spoken, year

ALONE = (
    "Yes No Stop Wait Okay Sure Hello Hi Thanks Goodbye Bye Maybe Correct Please Repeat Continue "
    "Again Nothing Right Help Cancel Enough Pause Good Great Fine What Why Sorry Welcome Yeah"
).split()
FIVE = "Yes No Stop Wait Okay".split()
"""the words that control a conversation"""
UNSPEAKABLE = re.compile(r"[*/+]| - ")
"""a sum that was typed, not spoken"""
MADE_UP = re.compile(r"\b(?:repeat after me|say this|please say)\b", re.I)


def sentences(text: str) -> list[str]:
    return [s.strip() for s in re.findall(r"[^.?!]+[.?!]", text)] or [text]


def reply() -> str:
    """One thing the assistant says, whole or one sentence of it."""
    while True:
        messages = dialogue.conversation()[2]
        said = [
            m["content"]
            for before, m in zip([None, *messages], messages, strict=False)
            if m["role"] == "assistant"
            and "content" in m
            # an echo of loose words is no reply of the assistant's own
            and not (before and MADE_UP.search(before.get("content", "")))
        ]
        if said:
            text = random.choice(said)
            if text == phrases.PLAIN["story"] or random.random() < 0.25:
                text = random.choice(sentences(text))
            return text


def question() -> str:
    """One thing a person says in a dialogue."""
    while True:
        said = [m["content"] for m in dialogue.conversation()[2] if m["role"] == "user"]
        text = random.choice(said)
        if not UNSPEAKABLE.search(text) and text[0].isupper() and text[-1] in ".?!":
            return text


def alone() -> str:
    x = random.random()
    if x < 0.35:
        return random.choice(FIVE) + "."
    if x < 0.65:
        return random.choice(ALONE) + "."
    word = random.choice(vocabulary())
    return word[0].upper() + word[1:] + "."


def counted() -> str:
    """Numbers of every size, as answers and as questions."""
    n = random.choice([random.randint(0, 99), random.randint(0, 999), random.randint(0, 99999)])
    said = random.choice(
        [number(n), number(n), f"{random.uniform(-99, 999):.1f}", f"minus {number(n)}"]
    )
    frames = ["The answer is {}.", "The answer is {}.", "{}.", "It is {}.", "What is {} plus {}?",
              "What is {} times {}?", "How much is {} minus {}?", "Number {}.", "It costs {} euros."]  # fmt: skip
    return spoken(random.choice(frames).format(said, number(random.randint(0, 999))))


def dated() -> str:
    """Times and dates as the voice says them."""
    day, month = random.choice(grammar.DAYS), random.choice(grammar.MONTHS)
    n, y = random.randint(1, 31), random.randint(2024, 2039)
    written = f"{random.randint(0, 23)}:{random.randint(0, 59):02d}"
    return random.choice([
        spoken(f"It is {written}.", vary=True),
        spoken(f"Today is {day}, {month} {n}, {y}.", vary=True),
        f"Today is {day}, {month} {ordinal(n)}, {year(y)}.",
        spoken(f"It is {written} on {day}, {month} {n}, {y}.", vary=True),
        f"It is {day} the {ordinal(n)} of {month}.",
    ])  # fmt: skip


_vocabulary: list[str] = []


def vocabulary() -> list[str]:
    """Every word of the domain; made once, with a seed of its own."""
    if not _vocabulary:
        state = random.getstate()
        random.seed(7)
        own = Counter(w for _ in range(800) for w in re.findall(r"[A-Za-z']+", reply()))
        listed = {w for n in phrases.WORDS["nouns"] + phrases.WORDS["things"] for w in n.split()}
        often = {w for w, n in own.items() if n > 2 and len(w) > 1}  # others are made-up names
        proper = {*grammar.NAMES, *grammar.DAYS, *grammar.MONTHS, *phrases.WORDS["names"], "I'm"}
        words = {w if w in proper else w.lower() for w in often | listed}
        _vocabulary.extend(sorted(words | set(grammar.words())))
        random.setstate(state)
    return _vocabulary


def word_sequence() -> str:
    words = vocabulary() if random.random() < 0.5 else grammar.words() + grammar.ONES + grammar.TENS
    picked = " ".join(random.choice(words) for _ in range(random.randint(2, 8)))
    return picked[0].upper() + picked[1:] + random.choice("..?")


def text() -> tuple[str, bool]:
    """(a text, whether it is one of the assistant's)"""
    x = random.random()
    if x < 0.30:
        return spoken(reply(), vary=True), True
    if x < 0.35:
        return dated(), True
    if x < 0.41:
        return counted(), random.random() < 0.5
    if x < 0.58:
        return grammar.utt(), False
    if x < 0.74:
        return spoken(question()), False
    if x < 0.84:
        return alone(), False
    return word_sequence(), False
