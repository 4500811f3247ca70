import pytest
from livekit.plugins.faster_whisper import guards


@pytest.mark.parametrize(
    "text",
    [
        "Set a timer. Set a timer. Set a timer. Set a timer.",
        "no no no no no no",
        "seven five nine " * 12,
    ],
)
def test_loops_are_lost_and_invented(text: str) -> None:
    assert guards.looks_lost(text, -0.1, capped=False, speech_s=30.0)
    assert guards.is_invented(text, -0.1, 0.0, speech_s=30.0)


@pytest.mark.parametrize("text", ["Yes.", "No, no.", "My number is seven seven seven nine."])
def test_plain_speech_is_kept(text: str) -> None:
    assert not guards.looks_lost(text, -0.3, capped=False, speech_s=2.0)
    assert not guards.is_invented(text, -0.3, 0.01, speech_s=2.0)


def test_a_stock_phrase_needs_weak_scores_to_be_dropped() -> None:
    assert not guards.is_invented("Thank you.", -0.2, 0.01, speech_s=0.6)
    assert guards.is_invented("Thank you.", -0.2, 0.5, speech_s=0.6)
    assert guards.is_invented("Thanks for watching!", -0.9, 0.01, speech_s=1.0)


def test_more_words_than_anyone_says_in_the_time_are_dropped() -> None:
    text = " ".join(f"word{i}" for i in range(20))
    assert guards.is_invented(text, -0.1, 0.0, speech_s=1.0)
    assert not guards.is_invented(text, -0.1, 0.0, speech_s=6.0)


def test_words_written_twice_are_tried_again_where_nobody_says_them_twice_so_fast() -> None:
    once = "Press one to switch to playback mode."
    assert guards.looks_lost(f"{once} {once}", -0.1, capped=False, speech_s=2.5)
    assert guards.looks_lost(f"So: {once} {once} Thanks.", -0.1, capped=False, speech_s=3.0)
    assert not guards.looks_lost(f"{once} {once}", -0.1, capped=False, speech_s=5.0)
    assert not guards.looks_lost("No, no. Stop, stop. Yes, yes.", -0.1, capped=False, speech_s=1.0)
    # tried again, not taken away
    assert not guards.is_invented(f"{once} {once}", -0.1, 0.01, speech_s=2.5)


def test_weak_scores_and_a_hit_cap_ask_for_another_try() -> None:
    assert guards.looks_lost("Hello there.", -1.3, capped=False, speech_s=1.0)
    assert guards.looks_lost("Hello there.", -0.1, capped=True, speech_s=1.0)


def test_silence_needs_both_scores() -> None:
    assert guards.is_silence(-1.2, 0.9)
    assert not guards.is_silence(-0.1, 0.9)
    assert not guards.is_silence(-1.2, 0.1)


def test_punctuation_alone_is_nothing() -> None:
    assert guards.is_invented("...", -0.1, 0.0, speech_s=2.0)
