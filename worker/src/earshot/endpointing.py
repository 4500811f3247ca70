"""How much silence ends a turn, from the words alone.

People pause in the middle of "Set a timer for … five minutes". A sentence that ends in a word after
which English goes on is unfinished; so is one that stops at a comma. And they pause after "Hello",
before what they came for. Knows nothing of sound.
"""

import re

from .settings import TurnSettings

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

UNFINISHED = re.compile(r"\b(tell|show|give|remind) me$|^(i|i'd|i'll|can you|could you)$")
OPENINGS = re.compile(
    r"(oh |well |so |and )*(a |very )*"
    r"(hello|hi|hey|good (morning|afternoon|evening|day)|see you( then| later| soon)?|bye"
    r"|okay|ok|well|all right|alright|sure|great|right|fine|yes|yeah|no|please"
    r"|sorry|excuse me|pardon( me)?|thanks|thank you)"
    r"( there| to you| you| again| then| now| so much| very much| please| sir| everyone| all)*"
)


class Pauses:
    """Seconds of silence that each kind of text is given, by the settings of a turn."""

    def __init__(self, turn: TurnSettings) -> None:
        self._turn = turn

    def after(self, text: str) -> float:
        if not is_finished(text):
            return self._turn.unfinished_s
        return self._turn.opening_s if is_opening(text) else self._turn.silence_s


def is_opening(text: str) -> bool:
    """True if more often follows: a greeting, a yes or a thank-you alone.

    >>> is_opening("Hello there.")
    True
    >>> is_opening("Hello, I'm Nora.")
    False
    """
    return OPENINGS.fullmatch(" ".join(re.findall(r"[\w']+", text.lower()))) is not None


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
    if UNFINISHED.search(" ".join(words)):
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
