from livekit.plugins.faster_whisper.agreement import Agreement


def test_publishes_what_two_hypotheses_share_and_holds_back_the_last_word() -> None:
    agreement = Agreement()
    assert agreement.push("Set a") == ""
    assert agreement.push("Set a timer") == "Set a"
    assert agreement.push("Set a timer for five.") == "Set a timer"
    assert agreement.push("Set a time of five minutes") == "Set a"


def test_case_and_punctuation_are_no_disagreement() -> None:
    agreement = Agreement()
    agreement.push("Hello. what")
    assert agreement.push("Hello, What time is") == "Hello, What"


def test_nothing_agrees_with_nothing() -> None:
    agreement = Agreement()
    assert agreement.push("") == ""
    assert agreement.push("One two") == ""
