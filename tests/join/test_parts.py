"""The parts of `earshot room join` that need no room."""

import asyncio
import os

import numpy as np
import pytest
from earshot.join.events import TEXT_MAX, Event, Events
from earshot.join.mixer import RATE_HZ, Mixer
from earshot.join.typed import LINE_BYTES_MAX, Typed
from earshot.join.view import JsonLines, Lines
from livekit import rtc

FRAME = RATE_HZ // 100


async def test_a_reader_who_is_too_slow_loses_the_oldest_and_is_told() -> None:
    events = Events(most=3)
    for number in range(5):
        events.put("data", number=number)
    found = await events.next()
    assert [(e.kind, e.content) for e in found] == [
        ("lost", {"events": 2}),
        *(("data", {"number": n}) for n in (2, 3, 4)),
    ]
    waiting = asyncio.create_task(events.next())
    await asyncio.sleep(0)
    events.put("name", name="x" * (TEXT_MAX + 10), kind="standard")
    (event,) = await waiting
    assert event.content["name"].endswith(f"… ({TEXT_MAX + 10} characters)")
    assert event.content["kind"] == "standard"


def test_what_others_send_does_nothing_to_the_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    event = Event("data", {"identity": "eve\x1b[2J", "topic": "a", "text": "one\ntwo\x07"})
    Lines().show(event)
    shown = capsys.readouterr().out
    assert shown.count("\n") == 1 and "\x1b" not in shown and "\x07" not in shown
    JsonLines().show(event)
    assert capsys.readouterr().out.count("\n") == 1


def test_people_are_shown_what_stands(capsys: pytest.CaptureFixture[str]) -> None:
    words = {"identity": "me", "segment": "s", "track": "", "text": "What"}
    Lines().show(Event("transcript", {**words, "final": False}))
    Lines().show(Event("byte_stream", {"identity": "a", "topic": "lk.agent.session"}))
    assert capsys.readouterr().out == ""
    Lines().show(Event("transcript", {**words, "final": True}))
    assert "“What”" in capsys.readouterr().out


class Sink:
    def __init__(self) -> None:
        self.samples = np.zeros(0, np.int16)

    def __call__(self, frame: rtc.AudioFrame) -> None:
        self.samples = np.concatenate([self.samples, np.frombuffer(frame.data, np.int16)])


async def test_tracks_lie_where_they_were_heard_and_are_added_up() -> None:
    mixer, sink = None, Sink()
    mixer = Mixer([sink])
    mixer._began = 100.0

    def frames(begin_s: float, count: int, value: int) -> None:
        place = -1
        for i in range(count):
            # the network brings them in bursts: they are one stretch nevertheless
            at = 100.0 + begin_s + (i // 4) * 0.04
            place = mixer.mix(np.full(FRAME, value, np.int16), place, at)

    frames(0.5, 40, 1000)
    frames(0.7, 40, 2000)
    frames(0.8, 4, 32000)
    await mixer._let_out(102.0)
    found = sink.samples
    assert len(found) == 2 * RATE_HZ

    def at(second: float) -> int:
        return int(found[int(second * RATE_HZ)])

    assert (at(0.4), at(0.6), at(0.75), at(1.0), at(1.2)) == (0, 1000, 3000, 2000, 0)
    assert at(0.82) == 32767  # as loud as it gets, and not turned round
    before = mixer.mix(np.full(FRAME, 9, np.int16), -1, 101.0)
    assert before > 0 and not len(mixer._pending)  # too late to be heard


async def test_lines_are_read_to_the_end_and_a_flood_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    read, write = os.pipe()
    with os.fdopen(read) as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        typed = Typed()
        typed.start()
        flood = b"".join(b"line %d\n" % n for n in range(300))
        os.write(write, b"hello\n\n  there \n" + flood + b"x" * (LINE_BYTES_MAX + 5) + b"\nend")
        os.close(write)
        assert await typed.lines.get() == "hello"
        assert await typed.lines.get() == "there"
        await asyncio.sleep(0.3)
        assert typed.lines.qsize() <= 100
        rest = [await typed.lines.get() for _ in range(302)]
        assert rest[299] == "line 299" and len(rest[300]) <= LINE_BYTES_MAX and "end" in rest[-1]
        typed.close()
