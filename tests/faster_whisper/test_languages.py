from livekit.plugins.faster_whisper.languages import LanguageTracker, parse


def test_parse() -> None:
    assert parse("en-US") == ("en",)
    assert parse("en,de") == ("en", "de")
    assert parse("auto") == ()
    assert parse("auto", ("de", "fr-CA")) == ("de", "fr")


def test_settles_only_on_enough_speech_that_is_clear() -> None:
    tracker = LanguageTracker(("en", "de"))
    tracker.observe("de", 0.99, 1.0)
    tracker.observe("de", 0.6, 5.0)
    assert tracker.candidates == ("en", "de")
    tracker.observe("de", 0.9, 3.0)
    assert tracker.candidates == ("de",)
    tracker.observe("en", 0.99, 9.0)
    assert tracker.candidates == ("de",)


def test_a_fixed_language_stays() -> None:
    tracker = LanguageTracker(("en",))
    tracker.observe("de", 1.0, 9.0)
    assert tracker.candidates == ("en",)
