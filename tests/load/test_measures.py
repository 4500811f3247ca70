"""The arithmetic, on turns and calls that are made up."""

import pytest
from earshot.load.measures import Share, Spread, percentile, summary

from .making import call, turn


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        ([], 0.5, None),
        ([7.0], 0.95, 7.0),
        ([3.0, 1.0, 2.0, 4.0], 0.5, 2.0),
        (list(range(1, 21)), 0.95, 19),
        (list(range(1, 101)), 0.95, 95),
    ],
)
def test_percentiles_are_values_that_were_measured(
    values: list[float], share: float, expected: float | None
) -> None:
    assert percentile(values, share) == expected


def test_turns_without_an_answer_are_counted_and_not_averaged_away() -> None:
    found = summary([call(*[turn(0.5)] * 18, turn(1.5), turn(None))])
    assert found.unanswered == Share(1, 20)
    assert found.voice_to_voice == Spread(19, 0.5, 1.5, 1.5)
    assert found.p95_with_lost_s == 1.5  # one of 20 may be lost
    assert summary([call(turn(0.5), turn(None))]).p95_with_lost_s is None
    assert summary([]).p95_with_lost_s is None


def test_words_answers_and_shares() -> None:
    found = summary(
        [
            call(
                turn(words=5, words_wrong=0, right=True),
                turn(words=5, words_wrong=2, right=False),
                turn(words=0, right=None),
            )
        ]
    )
    assert found.word_errors == Share(2, 10) and found.word_errors.value == 0.2
    assert found.right == Share(1, 2)
    assert Share(0, 0).value is None


def test_interruptions_missed_and_false() -> None:
    found = summary(
        [
            call(
                turn(over="speech", cut=True, stop_s=0.3),
                turn(over="speech", cut=False),
                turn(over="noise", cut=True),
                turn(over="noise", cut=False),
                turn(cut=False),
                turn(cut=None),  # an agent of which it is not known
            )
        ]
    )
    assert found.interruptions_missed == Share(1, 2)
    assert found.falsely_interrupted == Share(1, 3)
    assert found.stop == Spread(1, 0.3, 0.3, 0.3)


def test_calls_that_failed_are_named_by_what_became_of_them() -> None:
    found = summary(
        [
            call(turn()),
            call(outcome="died", join_s=None, agent_s=None),
            call(outcome="busy", agent_s=None, waited_s=30.0),
            call(outcome="busy", agent_s=None, waited_s=20.0),
        ]
    )
    assert found.held == Share(1, 4)
    assert found.failures == {"died": 1, "busy": 2}
    assert found.join.count == 3 and found.agent_join.count == 1
    assert found.waited == Spread(2, 20.0, 30.0, 30.0)


def test_concealed_audio_is_a_share_of_samples() -> None:
    found = summary([call(turn()), call(turn())])
    assert found.concealed == Share(960, 96_000) and found.concealed_worst == 0.01
    assert found.packets_lost == Share(0, 100)
