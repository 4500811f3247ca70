import random

import pytest
from livekit.plugins.piper.clauses import ClauseBuffer, units
from livekit.plugins.piper.spoken import tokens


def taken(text: str, *, urgent: bool = False, settled: bool = False) -> str | None:
    buffer = ClauseBuffer()
    buffer.push(text)
    return buffer.take(urgent=urgent, settled=settled)


def test_a_sentence_does_not_wait_for_the_next() -> None:
    assert taken("Sure!") == "Sure!"
    assert taken("Is that so?") == "Is that so?"
    assert taken("That is it.", settled=True) == "That is it."
    assert taken("That is it. ") == "That is it. "


@pytest.mark.parametrize(
    "text", ["It is 3.", "See example.", "It costs $1,", "At 3:", "I saw Dr. ", "the U.S. ", "1. "]
)
def test_waits_where_a_mark_may_be_none(text: str) -> None:
    assert taken(text, urgent=True) is None


def test_first_piece_leaves_at_a_clause_or_after_some_words() -> None:
    assert taken("Sure, I can", urgent=True) == "Sure, "
    assert taken("Sure, I can") is None
    assert taken("The kitchen timer", urgent=True) is None
    assert taken("The kitchen timer that", urgent=True) == "The kitchen timer "
    assert taken("My own little brown dog barks", urgent=True) is None
    assert (
        taken("My own little brown dog barks loudly", urgent=True)
        == "My own little brown dog barks "
    )


@pytest.mark.parametrize(
    ("text", "piece"),
    [
        ("The capital of France is Paris", "The capital of France "),
        ("A slow dog may never catch it", "A slow dog may never catch "),
        ("I will meet you in the kitchen", "I will meet you "),
        ("On Sunday morning you can go to", "On Sunday morning you can go "),
        ("It will take about 20 minutes", "It will take "),
        ("We need more than 20 minutes for it", "We need more than 20 minutes "),
        ("There they all saw New York City in", "There they all saw New York City "),
        ("Ich habe heute für Sie die schöne Blume gekauft", "Ich habe heute für Sie die schöne "),
    ],
)
def test_a_phrase_ends_where_one_could_pause(text: str, piece: str) -> None:
    words = text.split()
    taken_at_first = None
    for i in range(1, len(words) + 1):
        taken_at_first = taken(" ".join(words[:i]), urgent=True)
        if taken_at_first is not None:
            break
    assert taken_at_first == piece


def test_no_phrase_leaves_that_would_not_last() -> None:
    def piece(text: str, chars: int) -> str | None:
        buffer = ClauseBuffer()
        buffer.push(text)
        return buffer.take(urgent=True, settled=False, lasts=lambda n, written: n >= chars)

    assert piece("Sure, I can help you with", 4) == "Sure, "
    assert piece("Sure, I can help you with", 10) == "Sure, I can help you "
    text = "The meeting that you asked me about this very morning will begin"
    assert piece(text, 60) is None
    assert piece(text, 40) == "The meeting that you asked me about this very morning "
    assert piece("That is it. And", 1000) == "That is it. "  # a sentence that is there always does


def test_short_sentence_stays_whole() -> None:
    assert taken("The timer is set for five minutes from now. ", urgent=True) == (
        "The timer is set for five minutes from now. "
    )


def test_what_is_flushed_leaves() -> None:
    buffer = ClauseBuffer()
    buffer.push("no mark at all")
    assert buffer.take(urgent=False, settled=True) is None
    buffer.flush()
    assert buffer.take(urgent=False, settled=False) == "no mark at all"


def test_endless_text_leaves_in_pieces() -> None:
    buffer = ClauseBuffer()
    buffer.push("x" * 10_000)
    sizes = []
    while (piece := buffer.take(urgent=False, settled=False)) is not None:
        sizes.append(len(piece))
    assert len(sizes) > 30 and max(sizes) <= 300


def test_nothing_is_lost_however_the_text_arrives() -> None:
    text = (
        "Sure, Dr. Smith! It is 3.14, see example.com.  Well…  and so on: one, two; "
        "three — four\n- five\n\nThe U.S. has 1,000 (or so). Bye"
    )
    chance = random.Random(0)
    for _ in range(200):
        buffer, got, at = ClauseBuffer(), "", 0
        while at < len(text):
            step = chance.randrange(1, 9)
            buffer.push(text[at : at + step])
            at += step
            while piece := buffer.take(urgent=chance.random() < 0.5, settled=chance.random() < 0.2):
                got += piece
        buffer.flush()
        while piece := buffer.take(urgent=False, settled=True):
            got += piece
        assert got == text and not len(buffer)


def test_units_are_sentences_unless_too_long() -> None:
    text = "One two. " + "and some more words " * 20 + ". Last."
    got = [[t.text for t in u] for u in units(tokens(text), 7, 24)]
    assert [t for u in got for t in u] == [t.text for t in tokens(text)]
    assert "".join(got[0]) == "One two. " and "".join(got[-1]) == "Last."
    assert all(len(u) <= 27 for u in got)
