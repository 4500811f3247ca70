"""The words of a reply on their way out: white space, gaps, and sentences that are dropped.

Knows nothing of markup; the parser says what is plain text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_ENDS = ".!?…。！？"
_CLOSERS = "\"'”’)]}»*"
_ENDED = re.compile(rf"[{_ENDS}][{re.escape(_CLOSERS)}]*\s*$")
_PENDING = re.compile(r"\s*(?:\n\s*[-*•]\s*)*$")
_BEHIND_SENTENCES = re.compile(rf"^.*(?:[{_ENDS}][{re.escape(_CLOSERS)}]*\s+(?=\S)|\n)", re.DOTALL)


class Speaking:
    """One reply's words."""

    def __init__(self) -> None:
        self._space = ""
        """White space, and the mark of a list, that is text only if more text follows."""
        self._parted = False
        self._dropping = False
        self._ended = False
        self._sentence = ""
        """What was said of the sentence that is being said."""
        self._cut = False
        self._whole = False
        """A sentence was said to its end."""
        self.spoke = False

    @property
    def said_something(self) -> bool:
        """Whether more was said than the beginning of a sentence that had to be dropped."""
        going_on = self._open and not self._dropping
        return self.spoke and (not self._cut or self._whole or going_on)

    @property
    def _open(self) -> bool:
        """Whether words were said of a sentence that hasn't ended."""
        words = any(char.isalnum() for char in self._sentence)
        return words and not _ENDED.search(self._sentence)

    def say(self, text: str) -> Iterator[str]:
        """Plain text, without the white space at the reply's beginning and end."""
        if self._dropping:
            text = self._behind_sentence(text)
            if self._dropping:
                return
            if self._open:  # what was said of it ends there
                yield "."
            self._sentence = ""
        if self._parted:
            rest = text.lstrip(" \t\r\n;,")
            if not rest:
                return
            if self.spoke and not self._space and (rest != text or rest[0].isalnum()):
                self._space = " "
            if rest[0] in _ENDS:
                self._space = ""
                rest = rest if self._open else rest.lstrip(_ENDS)
            text, self._parted = rest, False
        text = self._space + text
        if not self.spoke:
            text = text.lstrip()
        said = _PENDING.sub("", text)
        self._space = text[len(said) :]
        if said:
            self.spoke = True
            self._whole = self._whole or any(char in said for char in _ENDS)
            self._sentence = _BEHIND_SENTENCES.sub("", self._sentence + said)
            yield said

    def part(self) -> None:
        """Something that isn't speech stood here: its separators go, too."""
        self._parted = True

    def gap(self, space: str) -> None:
        """White space where a line break of markup stood."""
        self._space = self._space or space

    def drop_sentence(self) -> None:
        """Nothing more of the sentence that is being said."""
        if "\n" in self._space:  # another line began
            self._sentence = ""
        if self._open:
            self._cut = True
        self._dropping, self._ended, self._space = True, False, ""

    def _behind_sentence(self, text: str) -> str:
        for i, char in enumerate(text):
            if char == "\n" or (self._ended and char.isspace()):
                self._dropping = False
                return text[i:]
            if char in _ENDS:
                self._ended = True
            elif char not in _CLOSERS:
                self._ended = False
        return ""
