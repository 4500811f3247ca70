"""What one evaluation takes: the next token of every reply, a piece of the prompts that wait."""

from __future__ import annotations

import time
from collections.abc import Sequence

from .context import Row
from .job import Job, Part
from .pace import Pace

# Per step, seconds aimed at and tokens taken at least (a model too slow for the budget still has
# to move on, and few tokens at once cost up to twice as much each). A prompt beside replies in
# progress must not be heard as a gap in them; alone it only has to let newcomers in.
_BESIDE_REPLIES_S, _BESIDE_REPLIES_TOKENS = 0.07, 8
_ALONE_S, _ALONE_TOKENS = 0.5, 32
_WARM_S, _WARM_TOKENS = 0.06, 16
_TAIL = 16  # a rest this small goes along: a step of its own would cost more
# What waiting is worth, so that a long prompt isn't overtaken forever by short ones.
_AGEING_TOKENS_PER_S = 200.0


def plan(active: Sequence[Job], pace: Pace, room: int) -> tuple[list[Part], list[Row]]:
    """Shares the next batch among the jobs that have a sequence.

    Args:
        pace: what steps took so far.
        room: most tokens of a batch.
    """
    parts: list[Part] = []
    rows: list[Row] = []
    writing = [job for job in active if job.writing]
    for job in writing[:room]:
        add(job, len(job.pending), parts, rows)
    now = time.monotonic()
    prompts = sorted(
        (job for job in active if not job.writing),
        key=lambda job: rank(job, len(job.pending), now),
    )
    if not prompts:
        return parts, rows
    budget_s, least = _ALONE_S, _ALONE_TOKENS
    if prompts[0].reply is None:
        budget_s, least = _WARM_S, _WARM_TOKENS
    if writing:
        budget_s, least = _BESIDE_REPLIES_S, _BESIDE_REPLIES_TOKENS
    fitting = max(pace.tokens_within(budget_s, decode=len(rows)), least)
    if not writing and len(prompts[0].pending) <= fitting + _TAIL:
        fitting = len(prompts[0].pending)
    left = min(fitting, room - len(rows))
    for job in prompts:
        if left <= 0 or (job.reply is None and prompts[0].reply is not None):
            break
        size = min(left, _until_halt(job))
        add(job, size, parts, rows)
        left -= size
    return parts, rows


def add(job: Job, size: int, parts: list[Part], rows: list[Row]) -> None:
    """Puts the next `size` tokens of a job into a batch."""
    assert job.sequence is not None
    position = len(job.sequence.tokens)
    last = size == len(job.pending) and job.reply is not None
    for i, token in enumerate(job.pending[:size]):
        rows.append(Row(token, position + i, job.sequence.id, last and i == size - 1))
    parts.append(Part(job, size, len(rows) - 1))


def _until_halt(job: Job) -> int:
    assert job.sequence is not None
    to_halt = job.sequence.halt - len(job.sequence.tokens)
    return min(to_halt, len(job.pending)) if to_halt > 0 else len(job.pending)


def rank(job: Job, tokens: int, now: float) -> tuple[bool, float]:
    """Who goes first: replies before warm-ups, short prompts before long ones that came lately."""
    waited = now - job.submitted_at
    return (job.reply is None, tokens - waited * _AGEING_TOKENS_PER_S)
