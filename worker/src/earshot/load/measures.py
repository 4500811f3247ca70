"""The arithmetic of a load test: what many turns and calls come to. Knows no processes."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .records import Call, Outcome, Turn


def percentile(values: Sequence[float], share: float) -> float | None:
    """The nearest-rank percentile: the smallest value that so many do not exceed.

    >>> percentile([1.0, 2.0, 3.0, 4.0], 0.5)
    2.0
    """
    if not values:
        return None
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


@dataclass(frozen=True)
class Spread:
    """How measured times are spread, in seconds; None without any."""

    count: int
    p50: float | None
    p95: float | None
    worst: float | None

    @classmethod
    def of(cls, values: Iterable[float | None]) -> "Spread":
        known = [v for v in values if v is not None]
        return cls(
            len(known), percentile(known, 0.5), percentile(known, 0.95), max(known, default=None)
        )


@dataclass(frozen=True)
class Share:
    """So many of so many."""

    some: int
    of: int

    @property
    def value(self) -> float | None:
        return self.some / self.of if self.of else None


@dataclass(frozen=True)
class Summary:
    """One number of calls at once."""

    held: Share
    """calls that were held to their end"""
    failures: dict[Outcome, int]
    """the others, by what became of them"""
    unanswered: Share
    """turns without an answer, of all turns"""
    voice_to_voice: Spread
    transcript: Spread
    join: Spread
    agent_join: Spread
    greeting: Spread
    word_errors: Share
    """words that were replaced, inserted or left out, of those that were said"""
    right: Share
    """right answers, of those that are judged"""
    interruptions_missed: Share
    """answers that went on, of those that were spoken over"""
    falsely_interrupted: Share
    """answers that were cut off though nobody interrupted, of those of which it is known"""
    stop: Spread
    """from the first voiced sample of an interruption to the agent's silence"""
    talked_over: Share
    """turns in which the agent began before the caller had ended"""
    concealed: Share
    """samples that the jitter buffer made up"""
    concealed_worst: float | None
    """share of the call that had most"""
    packets_lost: Share
    reconnects: int
    """of all calls"""
    microphone_late_s: float
    """at worst, in any call"""
    waited: Spread
    """of callers who had to wait in line"""

    p95_with_lost_s: float | None
    """the 95th percentile of voice to voice when a turn without an answer counts as one that takes
    for ever; None: for ever, or no turns"""


def summary(calls: Sequence[Call]) -> Summary:
    """What these calls come to."""
    turns = [turn for call in calls for turn in call.turns]
    failures: dict[Outcome, int] = {}
    for call in calls:
        if call.outcome != "held":
            failures[call.outcome] = failures.get(call.outcome, 0) + 1
    latencies = [t.latency_s for t in turns]
    lasting = percentile([math.inf if s is None else s for s in latencies], 0.95)
    judged = [t for t in turns if t.right is not None]
    spoken_over = [t for t in turns if t.over == "speech" and t.cut is not None]
    left_alone = [t for t in turns if t.over != "speech" and t.cut is not None]
    understood = [t for t in turns if t.words]
    audible = [c.audio for c in calls if c.audio.samples]
    return Summary(
        held=Share(sum(c.outcome == "held" for c in calls), len(calls)),
        failures=failures,
        unanswered=Share(sum(s is None for s in latencies), len(turns)),
        voice_to_voice=Spread.of(latencies),
        transcript=Spread.of(t.transcript_s for t in turns),
        join=Spread.of(c.join_s for c in calls),
        agent_join=Spread.of(c.agent_s for c in calls),
        greeting=Spread.of(c.greeted_s for c in calls),
        word_errors=_errors(understood),
        right=Share(sum(bool(t.right) for t in judged), len(judged)),
        interruptions_missed=Share(sum(not t.cut for t in spoken_over), len(spoken_over)),
        falsely_interrupted=Share(sum(bool(t.cut) for t in left_alone), len(left_alone)),
        stop=Spread.of(t.stop_s for t in turns),
        talked_over=Share(sum(t.talked_over for t in turns), len(turns)),
        concealed=Share(sum(a.concealed for a in audible), sum(a.samples for a in audible)),
        concealed_worst=max((a.concealed / a.samples for a in audible), default=None),
        packets_lost=Share(
            sum(a.packets_lost for a in audible), sum(a.packets + a.packets_lost for a in audible)
        ),
        reconnects=sum(c.reconnects for c in calls),
        microphone_late_s=max((c.microphone_late_s for c in calls), default=0.0),
        waited=Spread.of(c.waited_s or None for c in calls),
        p95_with_lost_s=None if lasting is None or math.isinf(lasting) else lasting,
    )


def _errors(turns: Sequence[Turn]) -> Share:
    return Share(sum(t.words_wrong for t in turns), sum(t.words for t in turns))
