"""What stops the agent, and what a listener only hums."""

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest
from earshot.barge_in import Floor, is_backchannel, judged
from livekit.agents import LanguageCode, UserStateChangedEvent, stt
from livekit.rtc import EventEmitter

Type = stt.SpeechEventType


@pytest.mark.parametrize(
    "text",
    ["Mm-hm.", "Uh-huh.", "Yeah.", "Okay.", "I see.", "Right, right.", "Oh, really?", "Hmm."],
)
def test_a_listener_only_listens(text: str) -> None:
    assert is_backchannel(text, 0.97, 0.5)


@pytest.mark.parametrize(
    "text",
    ["Stop.", "No.", "Wait.", "Okay, stop.", "What time is it?", "Hold on.", "Yes, but why?"],
)
def test_words_for_the_agent(text: str) -> None:
    assert not is_backchannel(text, 0.95, 0.6)


def test_a_short_sound_that_was_hardly_understood_is_a_noise() -> None:
    assert is_backchannel("Emma mah cha.", 0.45, 0.74)
    assert not is_backchannel("Emma mah cha and more of it.", 0.45, 2.0)
    assert not is_backchannel("Cold on, stop.", 0.45, 0.6)


class Speaker:
    """Keeps what it was told."""

    def __init__(self, speaking: bool) -> None:
        self.speaking = speaking
        self.told: list[str] = []

    def hold(self) -> None:
        self.told.append("hold")

    def go_on(self) -> None:
        self.told.append("go on")


async def _through(speaker: Speaker, text: str, confidence: float) -> list[Type]:
    def event(kind: Type, said: str = "") -> stt.SpeechEvent:
        data = stt.SpeechData(LanguageCode("en"), said, 1.0, 1.5, confidence)
        return stt.SpeechEvent(kind, alternatives=[data] if said else [])

    async def events() -> AsyncIterator[stt.SpeechEvent]:
        yield event(Type.START_OF_SPEECH)
        if text:
            yield event(Type.PREFLIGHT_TRANSCRIPT, text)
            yield event(Type.FINAL_TRANSCRIPT, text)
        yield event(Type.END_OF_SPEECH)

    return [e.type async for e in judged(events(), speaker)]


async def test_over_the_agents_speech() -> None:
    hummed = Speaker(True)
    assert await _through(hummed, "Mm-hm.", 0.9) == [Type.START_OF_SPEECH, Type.END_OF_SPEECH]
    assert hummed.told == ["hold", "go on"]

    coughed = Speaker(True)
    assert await _through(coughed, "", 0.0) == [Type.START_OF_SPEECH, Type.END_OF_SPEECH]
    assert coughed.told == ["hold", "go on"]

    stopped = Speaker(True)
    assert Type.FINAL_TRANSCRIPT in await _through(stopped, "Stop.", 0.96)
    assert stopped.told == ["hold"]


async def test_a_yes_to_a_question_counts_when_the_agent_is_silent() -> None:
    listening = Speaker(False)
    assert await _through(listening, "Yes.", 0.97) == [
        Type.START_OF_SPEECH, Type.PREFLIGHT_TRANSCRIPT, Type.FINAL_TRANSCRIPT, Type.END_OF_SPEECH,
    ]  # fmt: skip
    assert listening.told == []


async def test_a_pause_that_nobody_takes_back_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("earshot.barge_in.STUCK_S", 0.01)
    told: list[str] = []
    session: Any = EventEmitter()
    session.current_speech = SimpleNamespace(interrupted=False)
    session.output = SimpleNamespace(audio=SimpleNamespace(resume=lambda: told.append("resume")))
    Floor(session)

    async def after_the_callers_word(agent_state: str, interrupted: bool = False) -> list[str]:
        told.clear()
        session.current_speech.interrupted = interrupted
        session.user_state, session.agent_state = "listening", agent_state
        event = UserStateChangedEvent(old_state="speaking", new_state="listening")
        session.emit("user_state_changed", event)
        await asyncio.sleep(0.05)
        return told

    assert await after_the_callers_word("listening") == ["resume"]
    assert await after_the_callers_word("speaking") == []
    assert await after_the_callers_word("listening", interrupted=True) == []
