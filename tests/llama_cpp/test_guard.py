"""One answer to different questions becomes less likely, and nothing else does."""

from __future__ import annotations

import numpy as np
from asking import ask
from dialogues import assistant, called, system, user
from livekit.plugins.llama_cpp import LocalGenerator
from livekit.plugins.llama_cpp.guard import RepetitionGuard, earlier_replies


def ends(token: int) -> bool:
    return token == 9


def test_only_what_goes_on_as_an_earlier_reply_is_restrained() -> None:
    logits = np.zeros(10, np.float32)
    guard = RepetitionGuard([[1, 2, 3, 4], [8, 9, 1, 2, 5]], strength=2.0, ends_sentence=ends)
    for token in (1, 2):  # many replies begin alike
        assert guard.restrained(logits) is logits
        guard.accept(token)
    assert guard.restrained(logits).nonzero()[0].tolist() == [3, 5]
    assert not logits.any()
    guard.accept(3)
    assert guard.restrained(logits).nonzero()[0].tolist() == [4]
    for token in (7, 9, 8):  # another way, and another sentence
        guard.accept(token)
        assert guard.restrained(logits) is logits


def test_the_same_question_may_have_the_same_answer() -> None:
    talk = [system(), user("Hello!"), assistant("Hi."), user("Who are you?"), assistant("Me.")]
    assert earlier_replies([*talk, user("What?")]) == ["Hi.", "Me."]
    assert earlier_replies([*talk, user("hello")]) == ["Me."]
    assert earlier_replies([*talk, user("Time?"), *called("clock", "{}", "noon")]) == []
    assert earlier_replies([]) == []


async def test_a_model_that_has_another_answer_gives_it(generator: LocalGenerator) -> None:
    joke = [system(), user("Tell me a joke.")]
    first = await ask(generator, joke, tools=[])
    talk = [*joke, first.message, user("Tell me a joke, please.")]
    again = await ask(generator, talk, tools=[], repetition_guard=30.0)
    assert again.text and again.text != first.text
    assert again.text[:3] == first.text[:3]
