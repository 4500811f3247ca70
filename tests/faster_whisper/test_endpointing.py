"""Speech and silence from windows made by hand."""

import numpy as np
from livekit.plugins.faster_whisper.endpointing import Endpointer, EndpointingOptions
from livekit.plugins.faster_whisper.vad import Gain, Window

SIZE = 512
RNG = np.random.default_rng(0)


def window(probability: float, level_db: float) -> Window:
    noise = RNG.standard_normal(SIZE).astype(np.float32)
    return Window(noise * np.float32(10 ** (level_db / 20)), probability)


def push(endpointer: Endpointer, count: int, probability: float, level_db: float) -> None:
    for _ in range(count):
        endpointer.push(window(probability, level_db))


def quiet_then_speech(speech: int = 20) -> Endpointer:
    endpointer = Endpointer(EndpointingOptions())
    push(endpointer, 20, 0.02, -65)
    push(endpointer, speech, 0.9, -20)
    return endpointer


def test_one_window_is_no_speech_and_two_are() -> None:
    endpointer = quiet_then_speech(speech=1)
    assert not endpointer.speaking
    push(endpointer, 1, 0.9, -20)
    assert endpointer.speaking
    assert abs(endpointer.start_s - 20 * 0.032) < 1e-6


def test_silence_counts_from_the_last_sound_not_from_the_vads_last_doubt() -> None:
    endpointer = quiet_then_speech()
    end_s = endpointer.now_s
    push(endpointer, 4, 0.8, -65)  # the VAD lags behind
    assert endpointer.end_s == end_s
    assert abs(endpointer.silence_s - 4 * 0.032) < 1e-6
    assert endpointer.doubtful


def test_a_vad_that_goes_on_about_quiet_audio_is_believed() -> None:
    endpointer = quiet_then_speech()
    push(endpointer, 8, 0.9, -65)
    assert endpointer.silence_s == 0.0


def test_ends_after_the_silence_and_never_while_the_vad_doubts() -> None:
    endpointer = quiet_then_speech()
    push(endpointer, 7, 0.1, -65)
    assert not endpointer.ended
    push(endpointer, 1, 0.1, -65)
    assert endpointer.ended
    endpointer = quiet_then_speech()
    push(endpointer, 5, 0.1, -65)
    push(endpointer, 3, 0.8, -65)
    assert endpointer.silence_s > 0.25 and not endpointer.ended
    push(endpointer, 1, 0.1, -65)
    assert endpointer.ended


def test_in_loud_noise_the_probability_alone_decides() -> None:
    endpointer = Endpointer(EndpointingOptions())
    push(endpointer, 20, 0.05, -30)
    push(endpointer, 20, 0.9, -24)
    push(endpointer, 3, 0.8, -30)
    assert endpointer.silence_s == 0.0


def test_the_onset_of_a_steady_sound_is_no_word_but_a_short_word_is() -> None:
    hum = Endpointer(EndpointingOptions())
    push(hum, 10, 0.02, -65)
    push(hum, 7, 0.8, -15)
    push(hum, 8, 0.1, -15)
    assert hum.ended and not hum.plausible
    word = quiet_then_speech(speech=7)
    push(word, 8, 0.1, -65)
    assert word.ended and word.plausible


def test_a_blip_is_not_plausible() -> None:
    blip = quiet_then_speech(speech=3)
    push(blip, 8, 0.1, -65)
    assert not blip.plausible


def test_reset_keeps_the_clock() -> None:
    endpointer = quiet_then_speech()
    now_s = endpointer.now_s
    endpointer.reset()
    assert endpointer.now_s == now_s
    assert not endpointer.speaking and endpointer.silence_s == 0.0


def test_gain_raises_quiet_audio_and_never_clips() -> None:
    gain = Gain()
    quiet = np.full(SIZE, 0.01, np.float32)
    assert np.allclose(gain(quiet), 0.08)
    loud = np.full(SIZE, 0.9, np.float32)
    assert np.allclose(gain(loud), 0.9)
    assert np.allclose(gain(quiet), 0.01)
    assert not gain(np.zeros(SIZE, np.float32)).any()
