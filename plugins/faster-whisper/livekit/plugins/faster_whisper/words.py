"""Word times fit for a transcript: in order, inside the speech, none of zero length.

Knows nothing of models; cross-attention gives rough times, and a model may pin several words to
one moment.
"""

from collections.abc import Sequence

from .transcriber import Word


def settle(words: Sequence[Word], start_s: float, end_s: float) -> list[Word]:
    """Moves the words into start_s..end_s; those without a time of their own share their span
    with the next by length of text."""
    if not words:
        return []
    end_s = max(end_s, start_s + 0.01 * len(words))
    starts: list[float] = []
    for word in words:
        low = starts[-1] if starts else start_s
        starts.append(min(max(word.start_s, low), end_s))
    starts[0] = min(starts[0], end_s - 0.01 * len(words))
    out: list[Word] = []
    i = 0
    while i < len(words):
        j = i + 1
        while j < len(words) and starts[j] - starts[i] < 0.02:
            j += 1
        until = starts[j] if j < len(words) else end_s
        begin = starts[i]
        if until <= begin:  # everything was pinned to the end: take the room before it
            begin = out[-1].start_s + 0.01 if out else start_s
        last_end = min(until, max(words[j - 1].end_s, begin + 0.02)) if j - i == 1 else until
        total = sum(len(w.text) for w in words[i:j]) or 1
        at = begin
        for word in words[i:j]:
            share = (last_end - begin) * len(word.text) / total
            out.append(Word(word.text, at, at + share, word.confidence))
            at += share
        i = j
    return out
