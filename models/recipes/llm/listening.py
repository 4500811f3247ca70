"""What the starter recogniser mishears: misheard.json, from which training takes its mistakes.

    python -m recipes.llm.listening

Half of what is spoken are training's own questions, half the same words in no order: there it has only its ears.
"""

import json
import random
from collections import Counter, defaultdict
from difflib import SequenceMatcher
from pathlib import Path

import numpy as np
from earshot.bench.hearing import PluginListener, as_recorded
from earshot.bench.wer import words

from ..stt.speakers import espeak, flite, say
from ..stt.spoken import spoken
from . import phrases
from .noise import MISHEARD_FILE

SEED = 970_013
MODEL = Path(__file__).parents[2] / "starter" / "stt"
UTTERANCES = 2400
LONGEST = 2
"""words that one word may be heard as"""


def question() -> str:
    intent = random.choice(list(phrases.FRAMES))
    form = phrases.frame(intent, held=False)
    return spoken(
        form.format(*[random.choice(phrases.WORDS["nouns"])] * 2, on="on", r="office", d="lamp")
    )


def loose(known: list[str]) -> str:
    return " ".join(random.choices(known, k=random.randint(3, 7))).capitalize() + "."


def frame_words() -> list[str]:
    """Every word of training's questions."""
    forms = [form for intent in phrases.FRAMES.values() for form in intent["train"]]
    return sorted(
        {w for form in forms for w in phrases.bare(form.replace("|", " ")).split() if w.isalpha()}
    )


def mistakes(said: list[str], heard: list[str]) -> list[tuple[str, str]]:
    """(word, what it was heard as): "" if it was lost."""
    found = []
    for kind, a, b, c, d in SequenceMatcher(None, said, heard, autojunk=False).get_opcodes():
        if kind == "delete":
            found += [(word, "") for word in said[a:b]]
        elif kind == "replace" and b - a == 1 and d - c <= LONGEST:
            found.append((said[a], " ".join(heard[c:d])))
        elif kind == "replace" and b - a == d - c:
            found += list(zip(said[a:b], heard[c:d], strict=True))
    return found


def listen(utterances: int = UTTERANCES) -> dict[str, dict[str, int]]:
    """{word: {what it was heard as: times}}."""
    random.seed(SEED)
    rng = np.random.default_rng(SEED)
    known, listener = frame_words(), PluginListener(MODEL)
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for n in range(utterances):
        text = question() if n % 2 else loose(known)
        if sample := say(text, random.choice([flite, flite, espeak])):
            heard = listener.hear(as_recorded(sample.audio, rng))
            for word, as_ in mistakes(words(text), words(heard)):
                counts[word][as_] += 1
        if n % 100 == 99:
            print(f"{n + 1} of {utterances} heard", flush=True)
    listener.close()
    return {word: dict(counts[word].most_common()) for word in known if word in counts}


if __name__ == "__main__":
    MISHEARD_FILE.write_text(json.dumps(listen(), indent=0) + "\n", encoding="utf-8")
