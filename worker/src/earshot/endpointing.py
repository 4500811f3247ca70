"""Is this sentence finished? Decides how much silence ends a turn, from the words alone.

People pause in the middle of "Set a timer for … five minutes". A sentence that ends in a word after
which English goes on is unfinished; so is one that stops at a comma. Knows nothing of sound.
"""

import re

OPEN_ENDINGS = frozenset(
    (
        "a about am an and are at because between but by called can could did divided do does "
        "er for from had has have her his hmm if in into is its like may might minus must my "
        "named of on onto or our plus set shall should so start than that the their times to uh "
        "um very was were when where which while will with without would your"
    ).split()
)
# "Where are you from?", "What is it for?", "Who am I?": a question may end in them
QUESTION_WORDS = re.compile(r"^(what|where|who|whom|which|how|when|why|is|are|can|do|does)\b")


def is_finished(text: str) -> bool:
    """True if a listener would take the sentence for complete.

    >>> is_finished("Set a timer for")
    False
    >>> is_finished("What time is it?")
    True
    """
    words = re.findall(r"[\w']+", text.lower())
    if not words:
        return True
    if text.rstrip().endswith(("…", ",", "-", ":")):
        return False
    if words[-1] not in OPEN_ENDINGS:
        return True
    asked = text.rstrip().endswith("?") and len(words) > 3
    return (
        asked
        and QUESTION_WORDS.match(" ".join(words)) is not None
        and words[-1]
        not in (
            "a",
            "an",
            "the",
            "and",
            "or",
            "plus",
            "minus",
            "times",
            "divided",
            "my",
            "your",
        )
    )
