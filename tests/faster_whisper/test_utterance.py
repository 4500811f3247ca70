import numpy as np
import pytest
from livekit.plugins.faster_whisper.utterance import Utterance
from livekit.plugins.faster_whisper.vad import Window

WINDOW_S = 0.032


def window(value: float, probability: float = 0.9) -> Window:
    return Window(np.full(512, value, np.float32), probability)


def filled(count: int, start_s: float = 1.0) -> Utterance:
    utterance = Utterance([], start_s)
    for i in range(count):
        utterance.push(window(i / count), True)
    return utterance


def test_audio_ends_shortly_after_the_speech() -> None:
    audio, end_s = filled(100).audio(1.0 + 50 * WINDOW_S)
    assert end_s == pytest.approx(1.0 + 54 * WINDOW_S)
    assert len(audio) == 54 * 512


def test_audio_has_no_more_than_there_is() -> None:
    audio, end_s = filled(10).audio(99.0)
    assert len(audio) == 10 * 512
    assert end_s == pytest.approx(1.0 + 10 * WINDOW_S)


def test_the_longer_the_piece_the_shorter_the_pause_that_cuts_it() -> None:
    assert not filled(100).wants_cut(1.0)
    assert filled(160).wants_cut(0.2)
    assert not filled(160).wants_cut(0.1)
    assert filled(290).wants_cut(0.1)


def test_cutting_loses_and_repeats_nothing() -> None:
    utterance = filled(200)
    first, _ = utterance.audio(1.0 + 100 * WINDOW_S - 0.1)
    utterance.cut(1.0 + 100 * WINDOW_S, 0.0)
    rest, _ = utterance.audio(99.0)
    assert len(first) + len(rest) == 200 * 512
    assert utterance.piece_start_s == pytest.approx(1.0 + 100 * WINDOW_S)
    assert rest[0] == pytest.approx(100 / 200)


def test_a_forced_cut_takes_the_weakest_moment_of_the_later_part() -> None:
    utterance = Utterance([], 0.0)
    for i in range(440):
        weak = 300 <= i < 304
        utterance.push(window(0.001 if weak else 0.5, 0.4 if weak else 0.95), True)
    assert utterance.must_cut
    assert 300 * WINDOW_S <= utterance.forced_cut_s() <= 305 * WINDOW_S


def test_the_tail_is_what_comes_after() -> None:
    utterance = filled(20)
    tail = utterance.tail(1.0 + 15 * WINDOW_S)
    assert len(tail) == 5
    assert tail[0].samples[0] == pytest.approx(15 / 20)
