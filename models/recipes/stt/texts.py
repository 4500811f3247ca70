"""What is said in the training data: what people ask, what the assistant answers, loose words."""

import random
import re
from collections import Counter
from functools import cache

from .. import grammar
from ..llm import dialogue, phrases, sayings
from .spoken import number, ordinal, spoken, year

ALONE = (
    "Yes No Stop Wait Okay Sure Hello Hi Thanks Goodbye Bye Maybe Correct Please Repeat Continue "
    "Again Nothing Right Help Cancel Enough Pause Good Great Fine What Why Sorry Welcome Yeah"
).split()
FIVE = "Yes No Stop Wait Okay".split()
"""the words that control a conversation"""
UNSPEAKABLE = re.compile(r"[*/+]| - ")
"""a sum that was typed, not spoken"""
WORD = r"[A-Za-z][A-Za-z']*"
MADE_UP_SHARE = 0.25
"""of the texts with a word that nobody has, so many are kept: they teach spelling, but can't be learnt"""
FIXED_SHARE = 0.5
"""of the sentences that are always the same"""
MADE_UP = re.compile(r"\b(?:repeat after me|say this|please say)\b", re.I)


STANDARD = (
    "Your timer for {} is over.", "All lines are busy. Please wait a moment.", "Are you still there?",
    "Sorry, I lost my train of thought. Please say that again.", "Goodbye.",
    "Hello, how can I help you?",
)  # fmt: skip
"""what the assistant says by itself, by default"""


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


@cache
def vocabulary() -> tuple[str, ...]:
    """Every word of the domain; made once, with a seed of its own."""
    state = random.getstate()
    random.seed(7)
    own = Counter(w for _ in range(800) for w in re.findall(WORD, reply()))
    random.setstate(state)
    often = {w for w, n in own.items() if n > 2 and len(w) > 1}  # others are made-up names
    lists = ("nouns", "things", "adjectives", "names", "agents")
    listed = {w for name in lists for n in phrases.WORDS[name] for w in n.split()}
    framed = {
        w
        for intent in phrases.FRAMES.values()
        for form in intent["train"] + intent["held_out"]  # a held-out sentence, not its words
        for w in re.findall(WORD, re.sub(r"\{\w*\}", " ", form))
    }
    proper = {w for n in phrases.WORDS["names"] + phrases.WORDS["agents"] for w in n.split()}
    proper |= {*grammar.NAMES, *grammar.DAYS, *grammar.MONTHS, "I", "I'm", "Earshot"}
    words = {w if w in proper else w.lower() for w in often | listed | framed}
    words |= {
        *grammar.words(),
        *grammar.ONES,
        *grammar.TENS,
        "hundred",
        "thousand",
        "point",
        "minus",
    }
    return tuple(
        sorted(w for w in words if w.lower() not in {p.lower() for p in proper} | {"s", "t"})
    ) + tuple(sorted(proper))


@cache
def _known() -> frozenset[str]:
    return frozenset(w.lower() for w in vocabulary())


def is_known(text: str) -> bool:
    """Whether all of its words are of the vocabulary: none is made up."""
    return all(w.lower() in _known() for w in re.findall(WORD, text))


def word_sequence() -> str:
    words = vocabulary() if random.random() < 0.7 else grammar.words() + grammar.ONES + grammar.TENS
    picked = " ".join(random.choice(words) for _ in range(random.randint(2, 8)))
    return picked[0].upper() + picked[1:] + random.choice("..?")


def disturbed() -> str:
    """A sentence of the domain with words replaced, left out, or in another order: to be heard, not guessed."""
    words = (question() if random.random() < 0.5 else spoken(reply())).split()[:14]
    x = random.random()
    if x < 0.5:
        for _ in range(random.randint(1, 1 + len(words) // 4)):
            i = random.randrange(len(words))
            words[i] = random.choice(vocabulary())
    elif x < 0.75:
        cut = random.randint(1, len(words))
        words = words[:cut] + spoken(question()).split()[:6]
    else:
        random.shuffle(words)
    text = " ".join(w.strip(".,?!:") for w in words)
    return text[0].upper() + text[1:] + random.choice("..?")


def standard() -> str:
    """Every fixed sentence of the assistant as often as any other."""
    said = [*phrases.PLAIN.values(), *STANDARD, *sayings.FIXED]
    return random.choice(sentences(random.choice(said))).format(f"{random.randint(2, 60)} minutes")


def in_one_breath() -> str:
    """Two or three short ones."""
    one = [grammar.sent, question, alone, alone]
    return spoken(" ".join(random.choice(one)() for _ in range(random.choice([2, 2, 3]))))


@cache
def fixed() -> frozenset[str]:
    """Sentences without anything to fill in: they are said all the time, so they can't be held out."""
    state = random.getstate()
    random.seed(11)
    makers = (grammar.sent, reply, question)
    counted = Counter(spoken(make()) for _ in range(1500) for make in makers)
    random.setstate(state)
    said = {t for t, n in counted.items() if n >= 4}
    return frozenset(said | {s for t in (*phrases.PLAIN.values(), *STANDARD) for s in sentences(t)})


def text() -> tuple[str, bool]:
    """(a text, whether it is one of the assistant's)"""
    while True:
        text, own = _text()
        if (is_known(text) or random.random() < MADE_UP_SHARE) and (
            text not in fixed() or random.random() < FIXED_SHARE
        ):
            return text, own


def _text() -> tuple[str, bool]:
    x = random.random()
    if x < 0.16:
        return spoken(reply(), vary=True), True
    if x < 0.19:
        return spoken(standard()), True
    if x < 0.23:
        return dated(), True
    if x < 0.28:
        return counted(), random.random() < 0.5
    if x < 0.39:
        return grammar.utt(), False
    if x < 0.53:
        return spoken(question()), False
    if x < 0.60:
        return alone(), False
    if x < 0.64:
        return in_one_breath(), False
    if x < 0.81:
        return spoken(disturbed()), random.random() < 0.3
    return word_sequence(), random.random() < 0.25
