"""How many prompt tokens fit into a time budget, learned from what evaluations took.

Knows nothing of what is evaluated.
"""

from __future__ import annotations

import bisect

_SIZES = (8, 16, 32, 64, 128, 256, 512)
_NEWEST = 0.3  # weight of the latest measurement


class Pace:
    """Costs by the size of the step: 64 tokens at once are cheaper than eight times 8."""

    def __init__(self) -> None:
        self._token_s: dict[int, float] = {}
        self._decode_s = 0.0

    def observe(self, *, prefill: int, decode: int, seconds: float) -> None:
        """Notes that a step of so many prefill and decode tokens took so long."""
        if prefill == 0:
            self._decode_s = _mean(self._decode_s, seconds)
            return
        per_token = max(seconds - (self._decode_s if decode else 0.0), 1e-6) / prefill
        size = _bucket(prefill)
        self._token_s[size] = _mean(self._token_s.get(size, 0.0), per_token)

    def tokens_within(self, budget_s: float, *, decode: int) -> int:
        """The largest step that fits the budget beside `decode` decoding rows, at least 8."""
        left = budget_s - (self._decode_s if decode else 0.0)
        for size in reversed(_SIZES):
            if size * self._cost(size) <= left:
                return size
        return _SIZES[0]

    def _cost(self, size: int) -> float:
        known = [s for s in self._token_s if s <= size] or list(self._token_s)
        nearest = min(known, key=lambda s: abs(s - size), default=None)
        return self._token_s[nearest] if nearest is not None else 0.0


def _bucket(tokens: int) -> int:
    return _SIZES[max(bisect.bisect_right(_SIZES, tokens) - 1, 0)]


def _mean(old: float, new: float) -> float:
    return old + _NEWEST * (new - old) if old else new
