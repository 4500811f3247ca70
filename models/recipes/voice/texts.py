"""What the starter voice is taught to say, and what is held out.

Sentences of the domain, what the assistant answers, plain prose out of Python's own documentation, and loose words.
"""

import ast
import random
import re
import sysconfig
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path

from .. import grammar
from ..stt import texts as spoken_texts
from ..stt.spoken import spoken

SEED, HELD_SEED = 1, 970_031
LONGEST = 14
"""words"""
SHARES: tuple[tuple[str, float], ...] = (
    ("domain", 0.25),
    ("replies", 0.22),
    ("numbers", 0.08),
    ("prose", 0.28),
    ("words", 0.17),
)
NUMBERED = 0.3
"""share of held-out sentences that are numbers, dates and times"""


def prose() -> list[str]:
    """Plain English sentences: the documentation of Python's standard library."""
    import pydoc_data.topics as topics

    texts = list(topics.topics.values())
    library = Path(sysconfig.get_paths()["stdlib"])
    for path in sorted([*library.glob("*.py"), *library.glob("*/*.py")]):
        if "/test" in str(path) or "site-packages" in str(path):
            continue
        try:
            tree = ast.parse(path.read_text(encoding="utf-8"))
        except (SyntaxError, ValueError):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef):
                texts.append(ast.get_docstring(node) or "")
    return sorted({s for text in texts for s in _plain_sentences(text)})


def _plain_sentences(text: str) -> Iterator[str]:
    for paragraph in re.split(r"\n\s*\n", text):
        for sentence in re.split(r"(?<=[.?!])\s+", " ".join(paragraph.split())):
            plain = re.fullmatch(r"[A-Z][a-z']*(?:,? (?:[a-z']+|I))+[.?!]", sentence)
            if plain and 3 <= len(sentence.split()) <= LONGEST:
                yield sentence


def makers(sentences: list[str]) -> dict[str, Callable[[], str]]:
    """{kind: makes one}; `sentences` is the prose."""
    shuffled = random.sample(sentences, len(sentences))
    following = cycle(shuffled)
    words = sorted({w for s in sentences for w in re.findall(r"\b[a-z]{3,9}\b", s)})
    return {
        "domain": grammar.sent,
        "replies": lambda: spoken(spoken_texts.reply(), vary=True),
        "numbers": lambda: random.choice([spoken_texts.dated, spoken_texts.counted])(),
        "prose": lambda: next(following),
        "words": lambda: (
            " ".join(random.choices(words, k=random.randint(2, 5))).capitalize()
            + random.choice("..?!")
        ),
    }


def training(count: int, without: frozenset[str]) -> list[str]:
    """`count` different sentences, none of `without`."""
    random.seed(SEED)
    make = makers(prose())
    made: dict[str, None] = {}
    for kind, share in SHARES:
        wanted, tries = len(made) + round(count * share), 0
        while len(made) < wanted and tries < 60 * count:
            tries += 1
            text = make[kind]()
            if text not in without and len(text.split()) <= LONGEST:
                made[text] = None
    order = list(made)
    random.shuffle(order)
    return order


def held_out(count: int = 100) -> list[str]:
    """What the assistant says, with the held-out facts; numbers, dates and times among it."""
    from ..stt.held_out import held_reply

    random.seed(HELD_SEED)
    made: dict[str, None] = {}
    while len(made) < count:
        numbered = len(made) < count * NUMBERED
        text = (
            random.choice([spoken_texts.dated, spoken_texts.counted])()
            if numbered
            else held_reply()
        )
        if 3 <= len(text.split()) <= 24 and text not in spoken_texts.fixed():
            made[text] = None
    return list(made)
