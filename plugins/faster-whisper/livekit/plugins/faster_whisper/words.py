"""Word times fit for a transcript: in order, inside the speech, none of zero length.

Knows nothing of models; cross-attention gives rough times, and a model may pin several words to
one moment.
"""

from collections.abc import Sequence

from .transcriber import Word

LEAST_S = 0.02  # the grid of cross-attention


def settle(words: Sequence[Word], start_s: float, end_s: float) -> list[Word]:
    """Moves the words into start_s..end_s. Words pinned to one moment share the time until the
    next by length of text."""
    count = len(words)
    end_s = max(end_s, start_s + LEAST_S * count)
    starts: list[float] = []
    for i, word in enumerate(words):
        earliest = starts[-1] if starts else start_s
        latest = end_s - LEAST_S * (count - i)
        starts.append(min(max(word.start_s, earliest), latest))
    out: list[Word] = []
    for i, j in _pinned(starts):
        until = starts[j] if j < count else end_s
        if j - i == 1:
            until = min(until, max(words[i].end_s, starts[i] + LEAST_S))
        total = sum(len(w.text) for w in words[i:j])
        at = starts[i]
        for word in words[i:j]:
            share = (until - starts[i]) * len(word.text) / total
            out.append(Word(word.text, at, at + share, word.confidence))
            at += share
    return out


def _pinned(starts: list[float]) -> list[tuple[int, int]]:
    """Runs of words that start at one moment, as (first, after the last)."""
    runs: list[tuple[int, int]] = []
    for i, start in enumerate(starts):
        if runs and start - starts[runs[-1][0]] < LEAST_S - 1e-9:
            runs[-1] = (runs[-1][0], i + 1)
        else:
            runs.append((i, i + 1))
    return runs
