"""What a caller makes of what it heard, on sounds and captions that are made up."""

from typing import Any

import numpy as np
import pytest
from earshot.bench.wer import words
from earshot.caller import RATE_HZ, Caption, Message, Seen, Sound, Speech, Ticket
from earshot.caller.microphone import Spoken
from earshot.load.one_call import Conversation
from earshot.load.questions import shipped
from earshot.load.records import Turn
from earshot.load.script import Script

SECOND = Speech.of(np.full(RATE_HZ, 1000, np.int16), "What time is it?")


class Heard:
    """A caller who has heard this."""

    def __init__(self, *sounds: tuple[float, float]) -> None:
        self.seen = Seen()
        self._sounds = [Sound(*s) for s in sounds]

    def sounds(self, since: float = 0.0, pause_s: float = 0.0) -> list[Sound]:
        return [s for s in self._sounds if s.ended_at > since]


def talk(heard: Heard) -> Conversation:
    script = Script(0, Ticket("ws://a", "t", "me"), shipped(), 10.0, 4, 30.0, "seed")
    caller: Any = heard
    return Conversation(script, {}, caller, lambda *_, **__: None)


def spoken(at: float) -> Spoken:
    return Spoken(SECOND, at, at + 1.0)


@pytest.mark.parametrize(
    ("sounds", "cut", "stop_s"),
    [
        ([(7.0, 10.3), (11.6, 13.0)], True, 0.3),  # silent at once; then the next answer
        ([(7.0, 10.3), (10.6, 10.9), (11.6, 13.0)], True, 0.9),  # it tried again
        ([(7.0, 9.9), (11.6, 13.0)], True, 0.0),  # in a pause of its own
        ([(7.0, 14.0)], False, None),
        ([(7.0, 10.2), (10.5, 14.0)], False, None),  # went on after a breath
    ],
)
def test_an_interruption_is_judged_by_its_sound(
    sounds: list[tuple[float, float]], cut: bool, stop_s: float | None
) -> None:
    first, second = Turn("a", 0.0), Turn("b", 0.0, latency_s=0.6, talked_over=True)
    talk(Heard(*sounds))._stopped(first, second, spoken(10.0))
    assert first.cut is cut and first.stop_s == (None if stop_s is None else pytest.approx(stop_s))
    assert second.talked_over is False
    assert (second.latency_s, bool(second.why)) == ((0.6, False) if cut else (None, True))


def test_who_began_before_the_other_had_ended() -> None:
    assert talk(Heard((10.5, 12.0)))._talked_over(spoken(10.0))
    assert not talk(Heard((8.0, 10.2), (11.3, 12.0)))._talked_over(spoken(10.0))


def test_words_and_their_delay_are_those_of_the_turn() -> None:
    heard = Heard()
    for began, text, versions in (
        (10.4, "What time is it", [(10.4, "What"), (11.2, "What time is it")]),
        (13.0, "Mm-hm.", [(13.0, "Mm-hm.")]),
    ):
        caption = Caption("caller", text, text, True, began, versions[-1][0], versions)
        heard.seen.captions.append(caption)
    turn = Turn("What time is it?", 0.0)
    talk(heard)._understood(turn, spoken(10.0), until=12.5)
    assert (turn.words, turn.words_wrong, turn.heard) == (4, 0, "What time is it")
    assert turn.transcript_s == pytest.approx(0.2)
    talk(heard)._understood(turn, spoken(10.0))
    assert turn.words_wrong == 2  # "mm hm" is heard as well


def test_words_of_any_script_are_counted() -> None:
    assert (
        words("Wann haben Sie geöffnet? – Um 9_Uhr.") == "wann haben sie geöffnet um 9uhr".split()
    )
    assert words("Который час?") == ["который", "час"]


def test_the_agents_record_is_that_of_the_turn() -> None:
    heard = Heard()
    for at, number, said in ((12.0, 3, "story"), (14.0, 4, "time"), (14.1, 5, "")):
        heard.seen.messages.append(Message(at, "turn", {"turn": number, "heard": said}))
    conversation = talk(heard)
    first, latest = (conversation._record(spoken(10.0), latest=b) for b in (False, True))
    assert first is not None and first["heard"] == "story"
    assert latest is not None and latest["heard"] == "time"
    assert conversation._record(spoken(20.0)) is None
