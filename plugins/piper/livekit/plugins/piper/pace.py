"""How fast text comes, and whether what is there of a sentence lasts until the rest has come.

Knows nothing of audio that was made: it reckons with how fast people and voices speak.
"""

from __future__ import annotations

import math

SPOKEN_CHARS_PER_S = 18.0
"""A quick voice; stock Piper voices say 16 to 21 characters a second inside a phrase."""
SENTENCE_CHARS = 60
"""What a sentence of an answer is taken to have while its end is unknown."""
BURST_S = 0.01
"""Text that comes faster was there before: how long it took to write can't be seen."""


class Pace:
    """Of one reply."""

    def __init__(self, speed: float = 1.0) -> None:
        """
        Args:
            speed: tempo of the voice, 1 = as trained.
        """
        self._spoken_per_s = SPOKEN_CHARS_PER_S * speed
        self._last_s: float | None = None
        self._since_s: float | None = None  # end of the burst that the text began with
        self._chars = 0

    def push(self, chars: int, now_s: float) -> None:
        """So many characters came now."""
        if self._since_s is None and self._last_s is not None and now_s - self._last_s > BURST_S:
            self._since_s = self._last_s
        if self._since_s is not None:
            self._chars += chars
        self._last_s = now_s

    @property
    def chars_per_s(self) -> float:
        """Infinite before there is anything to tell by."""
        if self._since_s is None or self._last_s is None:
            return math.inf
        return self._chars / (self._last_s - self._since_s)

    def lasts(self, chars: int, written: int, buffered_s: float) -> bool:
        """Whether speaking `chars` of a sentence can begin without running dry before its end.

        Args:
            chars: how many would be spoken now.
            written: how many there are of the sentence, those included.
            buffered_s: audio that is still to be heard.
        """
        rest_s = max(0, SENTENCE_CHARS - written) / self.chars_per_s
        return buffered_s + chars / self._spoken_per_s >= rest_s
