"""Text as a recogniser writes it: case, punctuation and small words are not always right.

Only the frame of a sentence is touched; names and numbers in its slots stay whole, so the answer stays the same.
"""

import random

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
    if x < 0.68:
        return frame
    if x < 0.76:
        return frame.rstrip(".?!")
    if x < 0.82:
        return frame.lower().rstrip(".?!")
    words = frame.split()
    i = random.randrange(len(words))
    bare = words[i].lower().strip(".,?!")
    if bare in CONFUSED and len(words) > 2:
        mark = words[i][-1] if words[i][-1] in ".,?!" else ""
        words[i] = random.choice(CONFUSED[bare]) + mark
    elif x > 0.96:
        words.insert(0, random.choice(FILLERS))
    text = " ".join(w for w in words if w.strip(".,?!")) or frame
    return text if text[-1] in ".?!}" or random.random() < 0.5 else text + "."
