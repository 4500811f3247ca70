"""What a caller hears, on a clock that is made up: voices, pauses, hiccups of the delivery."""

import numpy as np
from earshot.caller.ear import FRAME_S, Ear

FRAME = 480


def frame(loud: bool) -> np.ndarray:
    return np.full(FRAME, 3000 if loud else 3, np.int16)


def heard(levels: str, late: dict[int, float] | None = None, start: float = 100.0) -> Ear:
    """One character a frame, '#' is a voice; `late` delays the arrival of some frames."""
    ear = Ear()
    for i, level in enumerate(levels):
        at = start + i * FRAME_S + (late or {}).get(i, 0.0)
        ear.hear(frame(level == "#"), at)
    return ear


def test_a_voice_has_a_beginning_and_an_end() -> None:
    ear = heard("." * 20 + "#" * 30 + "." * 60 + "#" * 10)
    first, second = ear.sounds()
    assert abs(first.began_at - 100.20) < 1e-6
    assert abs(first.ended_at - 100.50) < 1e-6
    assert abs(second.began_at - 101.10) < 1e-6
    onset = ear.onset_after(100.21)
    assert onset is not None and abs(onset - 101.10) < 1e-6


def test_a_breath_within_a_sentence_does_not_end_it() -> None:
    (sound,) = heard("#" * 30 + "." * 20 + "#" * 30).sounds()
    assert abs(sound.duration_s - 0.80) < 1e-6
    assert len(heard("#" * 30 + "." * 20 + "#" * 30).sounds(pause_s=0.1)) == 2


def test_a_click_is_no_voice() -> None:
    ear = heard("." * 20 + "##" + "." * 20)
    assert ear.sounds() == []
    assert ear.first_loud_after(0.0) is None


def test_a_hiccup_of_the_delivery_does_not_delay_what_was_heard() -> None:
    # frames 20 to 24 were handed over in one go, 50 ms late for the first
    late = {20 + i: 0.05 - i * FRAME_S for i in range(5)}
    ear = heard("." * 20 + "#" * 30, late)
    (sound,) = ear.sounds()
    assert abs(sound.began_at - 100.20) < 1e-6
    at = ear.first_loud_after(0.0)
    assert at is not None and abs(at - 100.25) < 1e-6  # by arrival alone


def test_a_track_that_stopped_keeps_its_gap() -> None:
    late = dict.fromkeys(range(30, 60), 2.0)
    ear = heard("." * 60, late)
    times = ear.times()
    assert abs(times[29] - 100.29) < 1e-6
    assert abs(times[30] - 102.30) < 1e-6


def test_what_was_said_in_a_span_can_be_taken_out() -> None:
    ear = heard("." * 10 + "#" * 10 + "." * 10)
    assert len(ear.between(100.1, 100.2)) == 10 * FRAME
    assert ear.between(100.1, 100.2).min() == 3000
    assert len(ear.between(200.0)) == 0


def test_what_is_over_can_be_forgotten() -> None:
    ear = heard("#" * 30 + "." * 60 + "#" * 30)
    ear.forget(100.5)
    (sound,) = ear.sounds()
    assert abs(sound.began_at - 100.90) < 1e-6
    assert len(ear.between(0.0)) == 70 * FRAME
    ear.forget(1000.0)
    assert ear.sounds() == [] and ear.last_loud_at is None
    ear.hear(frame(True), 1001.0)
    assert ear.loud_now
