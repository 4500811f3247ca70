"""Text as a recogniser writes it: case, punctuation and small words are not always right.

Only the frame of a sentence is touched; names and numbers in its slots stay whole, so the answer stays the same.
"""

import json
import random
from pathlib import Path

MISHEARD_FILE = Path(__file__).parent / "misheard.json"
MISHEARD: dict[str, dict[str, int]] = json.loads(MISHEARD_FILE.read_text(encoding="utf-8"))
"""{word: {what the starter recogniser heard: times}}, by listening.py"""
CONFUSED = {
    "the": ["a", "that", ""], "a": ["the", "uh", ""], "is": ["was", "it's", "as"], "in": ["and"],
    "what's": ["what is", "what"], "what": ["that", "but"], "please": ["", "plays"],
    "tell": ["tall", "till"], "set": ["sat", "said"], "for": ["four", "of", "or"], "to": ["two", "the"],
    "me": ["my", "be"], "of": ["off", "a"], "can": ["and", "could"], "i": ["high", "a"],
    "how": ["now", "our"], "you": ["to", ""], "do": ["to"], "much": ["match"], "it": ["at", "that"],
    "timer": ["time are", "timers"], "about": ["out", "a bout"], "find": ["fine"], "say": ["stay"],
    "there": ["their"], "hello": ["hallo", "yellow"], "an": ["and"], "my": ["by", "mine"],
    "i'm": ["i am"], "that": ["the"], "and": ["in", "an"], "want": ["won't"], "know": ["no"],
}  # fmt: skip
FILLERS = ["Um,", "Uh,", "Er,", "Well,", "So", "And", "Okay,", "Hey,"]


def heard(frame: str) -> str:
    """A frame with `{}` slots, or a whole sentence."""
    x = random.random()
    if x < 0.62:
        return frame
    if x < 0.68:
        return frame.rstrip(".?!")
    if x < 0.74:
        return frame.lower().rstrip(".?!")
    words = frame.split()
    if x > 0.97:
        words.insert(0, random.choice(FILLERS))
    elif len(words) > 2:
        for i in random.sample(range(len(words)), 1 if x < 0.88 else 2):
            words[i] = misheard(words[i])
    text = " ".join(w for w in words if w.strip(".,?!")) or frame
    text = text[0].upper() + text[1:]
    return text if text[-1] in ".?!}" or random.random() < 0.5 else text + "."


def misheard(word: str) -> str:
    """As the recogniser might have it; a slot, and a word that it never got wrong, as it is."""
    bare = word.lower().strip(".,?!")
    if bare in CONFUSED and random.random() < 0.3:
        instead = random.choice(CONFUSED[bare])
    elif bare in MISHEARD:
        instead = random.choices(list(MISHEARD[bare]), list(MISHEARD[bare].values()))[0]
    else:
        return word
    return instead + (word[-1] if word[-1] in ".,?!" else "")
