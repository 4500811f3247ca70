"""What may be said aloud, whatever the model wrote."""

import re

from earshot.settings import ALL_TOOLS

_NEVER = re.compile(r"[{}<>\[\]`_]|" + "|".join(ALL_TOOLS))
_EIGHTY_FOUR = re.compile(r"\b84\b|eighty[- ]four", re.I)


def is_speech(reply: str) -> bool:
    """Words for people: no JSON, no markup, no placeholder, no name of a function."""
    return bool(reply.strip()) and not _NEVER.search(reply)


def says_84(reply: str) -> bool:
    return bool(_EIGHTY_FOUR.search(reply))
