"""The words and sentences of the dialogues: `words.toml` and `frames.toml`, and what is made up on the spot."""

import random
import re
import tomllib
from pathlib import Path
from typing import Any

from .. import grammar

HERE = Path(__file__).parent
WORDS: dict[str, Any] = tomllib.loads((HERE / "words.toml").read_text(encoding="utf-8"))
FRAMES: dict[str, dict[str, list[str]]] = tomllib.loads(
    (HERE / "frames.toml").read_text(encoding="utf-8")
)
PLAIN: dict[str, str] = WORDS["plain"]
"""intents that have one answer, whatever the tools"""
SPOKEN_WORDS = [w for w in grammar.words() if w.isalpha()]

STARTS = "b c d f g h j k l m n p r s t v w z br ch cl dr fl gr sh st th tr".split()
VOWELS = "a a a e e e i i i o o o u u ai ea ee ia ie io oo ou".split()
ENDS = "n n n s l r t d m x ck ld nd ng rd rk ss st th y".split()
HELD_FRAME = 0.6
"""share of held-out frames in held-out dialogues; the others hold unseen names and topics in known frames"""


def pick(items: list[Any]) -> Any:
    return random.choice(items)


def frame(intent: str, held: bool) -> str:
    if held and random.random() < HELD_FRAME:
        return str(pick(FRAMES[intent]["held_out"]))
    while True:
        form = expanded(pick(FRAMES[intent]["train"]))
        if not is_held_out(form):
            return form


def expanded(form: str) -> str:
    """(a|b) -> a or b."""
    while found := re.search(r"\(([^()]*)\)", form):
        form = form[: found.start()] + pick(found[1].split("|")) + form[found.end() :]
    form = re.sub(r" +([.?,])", r"\1", re.sub(r" {2,}", " ", form)).strip()
    return form[0].upper() + form[1:]


def bare(form: str) -> str:
    """Without case and marks."""
    return " ".join(re.sub(r"[^a-z0-9{} ]", "", form.lower()).split())


HELD_OUT = {bare(form) for intent in FRAMES.values() for form in intent["held_out"]}


def is_held_out(form: str) -> bool:
    return bare(form) in HELD_OUT


def made_up() -> str:
    """A word that nobody has: only copying can say it."""
    if random.random() < 0.5:  # halves of two real ones: their clusters of letters
        kind = pick(["names", "names", "nouns"])
        first, last = (str(pick(WORDS[kind])).split()[-1].lower() for _ in range(2))
        word = first[: random.randint(1, 4)] + last[random.randint(1, 4) :]
        if len(word) > 2 and word.isalpha() and word.capitalize() not in WORDS["held_out_names"]:
            return word
    start = pick(VOWELS)[0] if random.random() < 0.2 else pick(STARTS) + pick(VOWELS)
    middle = "".join(pick(STARTS) + pick(VOWELS) for _ in range(random.choice([0, 1, 1, 1, 2])))
    end = pick(ENDS) if random.random() < 0.5 or not middle else ""
    return f"{start}{middle}{end}"


def person(held: bool) -> str:
    x = random.random()
    if held and x < 0.5:
        return str(pick(WORDS["held_out_names"]))
    if x > 0.6:
        title = pick(["", "", "", "", "Mister ", "Missis ", "Miss ", "Doctor ", "Professor "])
        return title + made_up().capitalize()
    return str(pick(grammar.NAMES if x < 0.12 else WORDS["names"]))


def loose_words(low: int, high: int) -> str:
    """Words in no order, made-up ones and numbers among them."""

    def word() -> str:
        x = random.random()
        if x < 0.5:
            return str(pick(SPOKEN_WORDS))
        if x < 0.7:
            return str(pick(WORDS["nouns"]))
        return made_up() if x < 0.95 else str(random.randint(0, 9999))

    return " ".join(word() for _ in range(random.randint(low, high)))


def topic(held: bool) -> str:
    """What a document may be about, with or without "the"."""
    x = random.random()
    if held and x < 0.5:
        return str(pick(WORDS["held_out_topics"]))
    if x < 0.2:
        return str(pick(grammar.TOPICS))
    if x > 0.8:
        bare = made_up() if random.random() < 0.5 else f"{pick(WORDS['nouns'])} {made_up()}"
    elif x > 0.65:
        bare = loose_words(1, 3).lower()
    elif x > 0.45:
        bare = f"{pick(WORDS['adjectives'])} {pick(WORDS['nouns'])}"
    else:
        bare = str(pick(WORDS["nouns"]))
    return bare if random.random() < 0.3 else f"the {bare}"


FACTS = [
    "The {t} is in the {place}.",
    "The {t} is next to the {place} on floor {n}.",
    "Ask {name} about the {t}.",
    "The {t} opens at {h} on {day}.",
    "For the {t} call {n} {m}.",
    "The {t} is closed on {day}.",
    "{name} takes care of the {t}.",
    "On {day} the {t} is in room {n}.",
    "The {t} costs {n} euros.",
    "You need a {noun} for the {t}. {name} can help you.",
    "{name} is in the {place} from {h} to {k}.",
    "The {t} was moved to the {place} last {day}.",
    "Please bring your {noun} when you come for the {t}.",
    "We keep the {t} behind the {noun}, and {name} has the key.",
    "Nobody may use the {t} before {h} or after {k}.",
    "There are {n} places for the {t}, ask at the {noun}.",
    "If the {t} does not work, call {name} at {n} {m}.",
    "The {noun} and the {t} are free for visitors.",
]
HELD_FACTS = [
    "You find the {t} on level {n}, next to the {place}.",
    "{name} keeps the {t} in the {place} until {day}.",
    "From {h} to {k} the {t} is reserved for {name}.",
]


def any_sentence() -> str:
    """A sentence that fits no pattern: what a document says must be read out, not guessed."""
    if random.random() < 0.3:
        return loose_words(3, 10).capitalize() + "."
    noun, other = (
        f"{pick(['', '', pick(WORDS['adjectives']) + ' '])}{pick(WORDS['nouns'])}" for _ in range(2)
    )
    subject = pick([f"The {noun}", f"A {noun}", f"Our {noun}", f"Each {noun}", "You", "We", "They", "Nobody",
                    "Visitors", "Everybody", person(False), f"{person(False)} and {person(False)}"])  # fmt: skip
    verb = pick(["can use", "must see", "will open", "has", "needs", "may bring", "should leave", "cleans", "finds",
                 "is near", "was sold with", "comes before", "belongs to", "pays for", "waits at", "shares",
                 "stays with", "returns", "keeps", "is bigger than", "moves to", "sends"])  # fmt: skip
    thing = pick(
        [
            f"the {other}",
            f"a {other}",
            f"{random.randint(2, 999)} {other}",
            person(False),
            made_up(),
        ]
    )
    when = pick(["", "", f" on {pick(grammar.DAYS)}", f" in {pick(grammar.MONTHS)}", f" after {random.randint(1, 12)}",
                 f" at {random.randint(1, 12)}:{random.randint(10, 59)}", f" in the {pick(grammar.ROOMS)}",
                 f" on floor {random.randint(1, 99)}", f" from {person(False)}", f", not the {pick(WORDS['nouns'])}",
                 " every day", " at night", f" for {random.randint(1, 900)} euros"])  # fmt: skip
    return f"{subject} {verb} {thing}{when}."


def fact(about: str, held: bool) -> str:
    """A passage of a document: one sentence, sometimes more."""
    if random.random() < 0.15:
        return str(WORDS["facts"].get(about) or pick(list(WORDS["facts"].values())))
    sentences = random.choices([1, 2, 3], [0.75, 0.18, 0.07])[0]
    return " ".join(
        any_sentence()
        if not held and random.random() < 0.5
        else pick(HELD_FACTS if held and random.random() < 0.5 else FACTS).format(
            t=about.removeprefix("the "),
            place=pick(grammar.ROOMS),
            day=pick(grammar.DAYS),
            name=person(held),
            noun=pick(WORDS["nouns"]),
            n=random.randint(1, 99),
            m=random.randint(10, 99),
            h=pick([random.randint(1, 12), grammar.num(random.randint(1, 12))]),
            k=pick([random.randint(1, 12), grammar.num(random.randint(1, 12))]),
        )
        for _ in range(sentences)
    )
