"""The caller speaks while the agent does: is the agent to stop?

At the first sound of speech the agent pauses, so that nobody is talked over. What was said decides:
words that are meant for the agent end its answer; a listener's "mm-hm" or a cough lets it go on.
Works on the events of the speech-to-text, before LiveKit's session sees them.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterable, AsyncIterator
from typing import Protocol

from livekit.agents import AgentSession, UserStateChangedEvent, stt
from livekit.agents.voice import io
from livekit.agents.voice.room_io._output import _ParticipantAudioOutput
from livekit.agents.voice.speech_handle import SpeechHandle

BACKCHANNELS = frozenset(
    "ah aha alright cool good great hm hmm huh i mhm mm mmhm mmm nice oh ok okay really right see "
    "so sure uh uhhuh uhuh um wow yeah yep yes".split()
)
COMMANDS = frozenset("cancel enough excuse hold listen no pause quiet shut stop sorry wait".split())
"""Never a listener's noise, however badly they were heard."""

STUCK_S = 1.5
"""After the caller's last word; a pause that is still on then was forgotten."""
SHORT_S = 1.2
UNSURE = 0.85
"""Confidence below which a short utterance is taken for a noise. Of the starter recogniser, over
six voices: "stop", "wait", "no", "what time is it" 0.92 to 0.98; "mm-hm", "uh-huh", "hmm" (heard
as other words) 0.33 to 0.82."""

Type = stt.SpeechEventType


def is_backchannel(text: str, confidence: float, duration_s: float) -> bool:
    """True if a listener said it to show that they listen, or if it was no speech at all.

    >>> is_backchannel("Yeah, right.", 0.97, 0.6)
    True
    >>> is_backchannel("Stop.", 0.97, 0.4)
    False
    """
    words = re.findall(r"[a-z']+", text.lower().replace("-", ""))
    if COMMANDS.intersection(words):
        return False
    if len(words) <= 4 and BACKCHANNELS.issuperset(words):
        return True
    return duration_s < SHORT_S and confidence < UNSURE


class Speaker(Protocol):
    """Whose speech is in question."""

    @property
    def speaking(self) -> bool: ...

    def hold(self) -> None:
        """Pauses what is being said."""
        ...

    def go_on(self) -> None:
        """Takes the pause back."""
        ...


class Floor:
    """The agent of a session as a Speaker.

    LiveKit pauses as well, after `turn.interrupt_s` of speech, and makes an end of the answer when
    a transcript arrives; what is paused here before that is at the caller 0.3 s earlier.
    """

    def __init__(self, session: AgentSession[None]) -> None:
        self._session = session
        self._held: SpeechHandle | None = None
        session.on("user_state_changed", self._on_user_state)

    @property
    def speaking(self) -> bool:
        current = self._session.current_speech
        if current is None or current.interrupted or current.done():
            return False
        return self._session.agent_state == "speaking" or current is self._held

    def hold(self) -> None:
        current, output = self._session.current_speech, self._session.output.audio
        if current is not None and current.allow_interruptions and output is not None:
            self._held = current
            output.pause()
            _be_silent(output)
            # an answer that was cut off for good must not leave its pause to the next
            current.add_done_callback(lambda _: output.resume())

    def go_on(self) -> None:
        output = self._session.output.audio
        if self._held is not None and output is not None:
            output.resume()
        self._held = None

    def _on_user_state(self, event: UserStateChangedEvent) -> None:
        if event.new_state == "listening":
            asyncio.get_running_loop().call_later(STUCK_S, self._go_on_if_stuck)

    def _go_on_if_stuck(self) -> None:
        """Takes back a pause that nobody else will.

        Seen twice in 26 stories; the cause is not proved. By its code, LiveKit pauses on its
        detector's word and waits for that detector to end the speech; where the STT has ended the
        turn before, the detector is flushed and never does.
        """
        session, current = self._session, self._session.current_speech
        states = (session.user_state, session.agent_state)
        if current is None or current.interrupted or states != ("listening", "listening"):
            return
        if session.output.audio is not None:
            session.output.audio.resume()


def _be_silent(output: io.AudioOutput) -> None:
    """Drops what is on its way out already.

    LiveKit's room output does the same, but only when it has the next frame to send: until then,
    up to 0.2 s are heard of a voice that was told to be silent.
    """
    while output.next_in_chain is not None:
        output = output.next_in_chain
    if not isinstance(output, _ParticipantAudioOutput) or output._audio_buf.empty():
        return  # the last words of an answer are not worth a cut
    queued, pushed = output._audio_source.queued_duration, output._source_pushed_duration
    output._source_discarded_duration += queued
    output._report_run(offset=pushed - queued, ended_at=time.time(), resumes_at=pushed)
    output._audio_source.clear_queue()


async def judged(
    events: AsyncIterable[stt.SpeechEvent], speaker: Speaker
) -> AsyncIterator[stt.SpeechEvent]:
    """The events without a listener's noises over the agent's speech."""
    over_agent = meant = False
    try:
        async for event in events:
            if event.type is Type.START_OF_SPEECH:
                over_agent, meant = speaker.speaking, False
                if over_agent:
                    speaker.hold()
            elif over_agent and event.type is Type.END_OF_SPEECH:
                if not meant:
                    speaker.go_on()
                over_agent = False
            elif over_agent and not meant and event.alternatives and event.alternatives[0].text:
                said, is_final = event.alternatives[0], event.type is Type.FINAL_TRANSCRIPT
                duration_s = said.end_time - said.start_time
                if not is_final and duration_s < SHORT_S:
                    continue  # what it will be is not known yet
                if is_backchannel(said.text, said.confidence, duration_s):
                    continue
                meant = is_final
            yield event
    finally:
        if over_agent and not meant:
            speaker.go_on()
