"""One simulated caller, in a process of its own: `python -m earshot.load.one_call`.

Takes a Script on standard input, says `ready`, waits for a line, holds the call and tells of it by
JSON lines on standard output. When standard input ends, so does the call: no caller outlives
whoever started it. Everything is taken from what any caller hears and sees; Earshot's own record
of a turn is asked for one thing only, whether an answer was cut off.
"""

import asyncio
import json
import random
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from itertools import cycle
from typing import Any

from ..bench.wer import edits, words
from ..caller import Caller, Speech
from ..caller.microphone import Spoken
from ..errors import CallError
from .jitter_buffer import heard_of
from .questions import Question
from .records import Call, Over, Turn
from .script import Script

GREETING_S = 8.0
"""an agent that has said nothing for so long does not greet"""
ANSWER_S = 20.0
SPEAKING_S = 1.5
"""how long an answer is listened to before something is said over it"""
MISSED_S = 1.5
"""an agent that still speaks so long after the caller began has missed it"""
PAUSE_S = (0.4, 0.9, 3.0)
"""least, median and longest pause of a person before the next question"""
KEEP_S = 3.0
TEXT_MAX = 2000
BACKLOG = 4 * 1024 * 1024

Tell = Callable[..., None]


class Conversation:
    """The turns of one call, from the greeting on."""

    def __init__(
        self, script: Script, speeches: dict[str, Speech], caller: Caller, tell: Tell
    ) -> None:
        self._script = script
        self._speeches = speeches
        self._caller = caller
        self._tell = tell
        self._random = random.Random(f"{script.seed}/{script.caller}")
        asked = script.questions
        self._short = self._from(asked.short, script.caller)
        self._long = self._from(asked.long or asked.asked, script.caller)
        self._noises = self._from(asked.noises, script.caller)
        self._began_at = 0.0

    @staticmethod
    def _from(questions: tuple[Question, ...], start: int) -> Iterator[Question]:
        start %= max(1, len(questions))
        return cycle(questions[start:] + questions[:start])

    async def hold(self) -> None:
        """Asks until the time is over; the last turn is ended.

        Raises:
            CallError: the call ended before its time.
        """
        self._began_at = time.monotonic()
        over_at = self._began_at + self._script.for_s
        every = self._script.interrupt_every
        # callers do not all interrupt at the same time
        number = self._script.caller
        while True:
            await asyncio.sleep(self._pause())
            if time.monotonic() >= over_at:
                return
            number += 1
            if every and number % every == 0:
                await self._over_an_answer("speech" if number // every % 2 else "noise")
            else:
                self._done(await self._ask(next(self._short)))
            self._check()
            for ear in self._caller.ears:
                ear.forget(time.monotonic() - KEEP_S)

    def _pause(self) -> float:
        least, median, longest = PAUSE_S
        return min(longest, max(least, self._random.lognormvariate(0.0, 0.5) * median))

    def _check(self) -> None:
        if self._caller.disconnected is not None:
            raise CallError(f"the call ended ({self._caller.disconnected})")

    def _say(self, question: Question) -> Spoken:
        return self._caller.say(self._speeches[str(question.file)])

    async def _ask(self, question: Question) -> Turn:
        """A question and the whole answer."""
        spoken = self._say(question)
        turn = self._begun(question, spoken)
        await self._answered(turn, question, spoken)
        self._understood(turn, spoken)
        return turn

    async def _over_an_answer(self, over: Over) -> None:
        """Says something while the answer is spoken: words that must stop it, or a noise."""
        question = next(self._long)
        spoken = self._say(question)
        turn = self._begun(question, spoken)
        try:
            await self._caller.loud(spoken.ended_at, ANSWER_S)
            await asyncio.sleep(SPEAKING_S)
        except CallError as e:
            turn.why = str(e)
        speaking = self._caller.seen.state == "speaking"
        if turn.why or not speaking:  # a short answer: nothing to speak over
            if not turn.why:
                await self._answered(turn, question, spoken)
            self._understood(turn, spoken)
            self._done(turn)
            return
        turn.over = over
        if over == "noise":
            noise = self._say(next(self._noises))
            await self._answered(turn, question, spoken)
            self._understood(turn, spoken, noise.began_at)
            self._done(turn)
            return
        follow = next(self._short)
        words_over = self._say(follow)
        turn.latency_s = self._first_sound(spoken, words_over.began_at)
        second = self._begun(follow, words_over)
        second.interrupting = True
        await self._answered(second, follow, words_over)
        self._stopped(turn, second, words_over)
        record = self._record(spoken)
        if record and turn.cut and not record.get("interrupted"):
            turn.over, turn.cut, turn.stop_s = "", False, None  # it had come to its end by itself
        turn.reply = self._caller.seen.said("agent", spoken.ended_at, words_over.ended_at)
        self._understood(turn, spoken, words_over.began_at)
        self._understood(second, words_over)
        self._done(turn)
        self._done(second)

    def _begun(self, question: Question, spoken: Spoken) -> Turn:
        return Turn(question.text, round(spoken.began_at - self._began_at, 3))

    async def _answered(self, turn: Turn, question: Question, spoken: Spoken) -> None:
        caller = self._caller
        try:
            answer = await caller.answer_to(spoken, ANSWER_S)
        except CallError as e:
            turn.why = str(e)
            turn.talked_over = self._talked_over(spoken)
            return
        turn.talked_over = self._talked_over(spoken)
        turn.latency_s = answer.latency_s
        turn.reply = answer.reply
        turn.right = question.is_right(answer.reply)
        # the record of an answer that was spoken over comes after the words that did it
        record = self._record(spoken, latest=turn.interrupting)
        if record is not None:
            turn.cut = bool(record.get("interrupted"))
        elif turn.right:
            turn.cut = False  # it said what it had to say

    def _stopped(self, turn: Turn, second: Turn, words_over: Spoken) -> None:
        """Whether an answer ended when it was spoken over, by its sound."""
        sounds = self._caller.sounds(words_over.began_at, pause_s=0.2)
        over = [s for s in sounds if s.began_at < words_over.ended_at]
        ended_at = max((s.ended_at for s in over), default=words_over.began_at)
        turn.stop_s = ended_at - words_over.began_at
        turn.cut = turn.stop_s <= MISSED_S
        second.talked_over = False  # it was the caller who spoke over the agent
        if not turn.cut:
            turn.stop_s = second.latency_s = None
            second.why = "the agent did not stop for it"

    def _understood(self, turn: Turn, spoken: Spoken, until: float = float("inf")) -> None:
        seen = self._caller.seen
        turn.heard = seen.said("caller", spoken.began_at, until)
        said, heard = words(turn.asked), words(turn.heard)
        turn.words, turn.words_wrong = len(said), edits(said, heard)
        if turn.heard:
            stood_at = seen.recognised_at(spoken.began_at, until)
            turn.transcript_s = None if stood_at is None else stood_at - spoken.ended_at

    def _record(self, spoken: Spoken, latest: bool = False) -> dict[str, Any] | None:
        """The agent's own record of the turn, where it keeps one; records come when turns end."""
        records = [t for t in self._caller.seen.of("turn", spoken.ended_at) if t.get("heard")]
        records.sort(key=lambda t: int(t.get("turn", 0)))
        return records[-1 if latest else 0] if records else None

    def _first_sound(self, spoken: Spoken, until: float) -> float | None:
        sounds = self._caller.sounds(spoken.ended_at)
        began = (s.began_at for s in sounds if spoken.ended_at <= s.began_at < until)
        at = next(began, None)
        return None if at is None else at - spoken.ended_at

    def _talked_over(self, spoken: Spoken) -> bool:
        sounds = self._caller.sounds(spoken.began_at)
        return any(spoken.began_at < s.began_at < spoken.ended_at for s in sounds)

    def _done(self, turn: Turn) -> None:
        turn.reply, turn.heard, turn.why = (
            t[:TEXT_MAX] for t in (turn.reply, turn.heard, turn.why)
        )
        for name in ("latency_s", "transcript_s", "stop_s"):
            value = getattr(turn, name)
            setattr(turn, name, None if value is None else round(value, 4))
        self._tell("turn", turn=asdict(turn))


async def hold(script: Script, speeches: dict[str, Speech], tell: Tell) -> Call:
    """The call; its turns are told one by one, and are not in what is returned."""
    call = Call(script.caller)
    began = time.monotonic()
    caller = Caller(script.ticket)

    def reconnecting() -> None:
        call.reconnects += 1

    caller.room.on("reconnecting", reconnecting)
    try:
        async with caller:
            call.join_s = round(time.monotonic() - began, 4)
            tell("joined", join_s=call.join_s)
            try:
                await _agent(script, call, caller, began, tell)
                talk = Conversation(script, speeches, caller, tell)
                caller.microphone.latest_s = 0.0  # joining is not measured
                await talk.hold()
                call.outcome = "held"
            except CallError as e:
                call.why = str(e)
                if call.outcome == "died":
                    call.outcome = "broken off"
            call.microphone_late_s = round(caller.microphone.latest_s, 4)
            call.audio = await heard_of(caller.tracks)
    except CallError as e:
        call.outcome, call.why = "not joined", str(e)
    call.seconds = round(time.monotonic() - began, 3)
    return call


async def _agent(script: Script, call: Call, caller: Caller, began: float, tell: Tell) -> None:
    """Until the agent is there and has greeted.

    Raises:
        CallError: it did not come; the call's outcome says how.
    """
    try:
        await caller.agent(script.agent_within_s)
    except CallError:
        if caller.disconnected is None:
            call.outcome = "busy" if _notices(caller, "busy") else "no agent"
        raise
    finally:
        at = caller.seen.agent_joined_at
        call.agent_s = None if at is None else round(at - began, 4)
    busy, admitted = _notices(caller, "busy"), _notices(caller, "admitted")
    if busy:
        call.waited_s = round((admitted[-1] if admitted else time.monotonic()) - busy[0], 3)
    tell("agent", agent_s=call.agent_s, waited_s=call.waited_s)
    try:
        since = time.monotonic() if busy else 0.0
        call.greeted_s = round(await caller.loud(since, GREETING_S) - began, 4)
        await caller.quiet()
    except CallError:
        if caller.disconnected is not None:
            raise  # else: it does not greet


def _notices(caller: Caller, kind: str) -> list[float]:
    messages = caller.seen.messages
    return [m.at for m in messages if m.kind == "notice" and m.content.get("kind") == kind]


def _tell(event: str, **content: Any) -> None:
    print(json.dumps({"event": event, **content}, ensure_ascii=False), flush=True)


async def main() -> None:
    """Reads the script, holds the call, writes the last line."""
    loop = asyncio.get_running_loop()
    orders = asyncio.StreamReader(limit=BACKLOG)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    script = Script.from_json(await orders.readline())
    said = script.questions.asked + script.questions.noises
    speeches = {str(q.file): q.speech() for q in said}
    _tell("ready")
    if not await orders.readline():
        return
    call = asyncio.create_task(hold(script, speeches, _tell))
    left = asyncio.create_task(orders.read(1))
    await asyncio.wait({call, left}, return_when=asyncio.FIRST_COMPLETED)
    if call.done():
        left.cancel()
        _tell("end", call=asdict(call.result()))
        return
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(main())
