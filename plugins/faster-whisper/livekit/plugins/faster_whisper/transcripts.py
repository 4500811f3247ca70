"""The transcripts of an utterance's pieces, put together.

Knows nothing of how they came about.
"""

from collections.abc import Sequence

from livekit.agents.types import TimedString

from .transcriber import Transcript, Word
from .words import settle


def join(transcripts: Sequence[Transcript]) -> str:
    return " ".join(t.text for t in transcripts if t.text)


def summary(transcripts: Sequence[Transcript]) -> Transcript:
    """Language and confidence of several, by their longest and their weakest; not all empty."""
    longest = max(transcripts, key=lambda t: len(t.text))
    weakest = min((t for t in transcripts if t.text), key=lambda t: t.confidence)
    return Transcript(longest.text, longest.language, confidence=weakest.confidence)


def timed(
    words: Sequence[Word], start_s: float, end_s: float, offset_s: float
) -> list[TimedString] | None:
    """LiveKit's words, inside start_s..end_s and then moved by `offset_s`; None without any."""
    if not words:
        return None
    return [
        TimedString(
            w.text,
            start_time=w.start_s + offset_s,
            end_time=w.end_s + offset_s,
            confidence=w.confidence,
            start_time_offset=offset_s,
        )
        for w in settle(words, start_s, end_s)
    ]
