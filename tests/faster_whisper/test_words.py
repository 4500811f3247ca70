from itertools import pairwise

from livekit.plugins.faster_whisper.transcriber import Word
from livekit.plugins.faster_whisper.words import settle


def words(*times: tuple[float, float]) -> list[Word]:
    return [Word(f"w{i}", a, b, 1.0) for i, (a, b) in enumerate(times)]


def check(settled: list[Word], start_s: float, end_s: float) -> None:
    assert settled[0].start_s >= start_s - 1e-6
    assert settled[-1].end_s <= end_s + 1e-6
    for word in settled:
        assert word.end_s > word.start_s
    for a, b in pairwise(settled):
        assert b.start_s >= a.end_s - 1e-6


def test_good_times_stay() -> None:
    given = words((0.5, 0.8), (0.9, 1.2))
    assert [(w.start_s, w.end_s) for w in settle(given, 0.4, 1.3)] == [(0.5, 0.8), (0.9, 1.2)]


def test_pinned_words_share_their_span() -> None:
    settled = settle(words((0.0, 0.0), (0.0, 0.0), (0.0, 1.7), (1.7, 1.7)), 0.3, 2.0)
    check(settled, 0.3, 2.0)
    assert [w.text for w in settled] == ["w0", "w1", "w2", "w3"]


def test_words_pinned_to_the_end_or_beyond_are_moved_inside() -> None:
    check(settle(words((0.1, 0.4), (3.0, 3.0), (3.0, 3.0)), 0.3, 2.0), 0.3, 2.0)
    check(settle(words((5.0, 5.0), (6.0, 6.0)), 0.3, 2.0), 0.3, 2.0)


def test_times_out_of_order_are_put_in_order() -> None:
    check(settle(words((0.9, 1.0), (0.5, 0.6), (1.2, 1.1)), 0.4, 1.5), 0.4, 1.5)


def test_nothing_stays_nothing() -> None:
    assert settle([], 0.0, 1.0) == []
