"""A timer's end: said in full as soon as there is room, once."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from earshot import announcements
from earshot.announcements import Announcements
from livekit.agents.llm import ChatMessage

TEXT = "Your timer for 5 minutes is over."


class Session:
    """What announcements ask of a session; a test says what its caller and agent do."""

    def __init__(self, heard: list[str]) -> None:
        self.user_state, self.agent_state = "listening", "listening"
        self.current_speech: object | None = None
        self.said: list[str] = []
        self._heard, self._on = heard, {}

    def on(self, name: str, call: Any) -> None:
        self._on[name] = call

    def off(self, name: str, call: Any) -> None:
        assert self._on.pop(name) == call

    def turn(self, who: str, state: str) -> None:
        old = getattr(self, f"{who}_state")
        setattr(self, f"{who}_state", state)
        self._on[f"{who}_state_changed"](SimpleNamespace(old_state=old, new_state=state))

    def say(self, text: str) -> Any:
        if self.agent_state == "closed":
            raise RuntimeError("AgentSession isn't running")
        self.said.append(text)
        heard = self._heard.pop(0) if self._heard else text

        async def played() -> None:
            await asyncio.sleep(0)

        items = [ChatMessage(role="assistant", content=[heard])] if heard else []
        return SimpleNamespace(interrupted=heard != text, chat_items=items, wait_for_playout=played)


async def until_said(told: Announcements) -> None:
    async with asyncio.timeout(30):
        while told.pending:
            await asyncio.sleep(0.01)


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("POLL_S", "SETTLED_S"):
        monkeypatch.setattr(announcements, name, 0.01)


@pytest.mark.parametrize(
    ("heard", "times"),
    [
        ([], 1),
        (["", "", ""], 4),  # not a word of it: as often as it takes
        (["Your"], 2),  # less than half: once more
        (["Your", "", "Your timer"], 3),  # and no more than once
        (["Your timer for 5 minutes"], 1),  # what matters was heard
    ],
)
async def test_it_is_said_until_it_was_heard(heard: list[str], times: int) -> None:
    session = Session(heard)
    told = Announcements(session)  # type: ignore[arg-type]
    told.put(TEXT)
    await until_said(told)
    assert session.said == [TEXT] * times
    await told.aclose()


async def test_it_waits_for_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(announcements, "UNANSWERED_S", 3600.0)
    session = Session([])
    told = Announcements(session)  # type: ignore[arg-type]

    async def held() -> bool:
        await asyncio.sleep(0.1)
        return told.pending and not session.said

    session.turn("user", "speaking")
    told.put(TEXT)
    told.put("The second one.")
    assert await held()  # while the caller speaks
    session.turn("user", "listening")
    assert await held()  # until it is answered
    session.turn("agent", "thinking")
    session.turn("agent", "speaking")
    session.current_speech = object()
    assert await held()
    session.turn("agent", "listening")
    assert await held()
    session.current_speech = None
    await until_said(told)
    assert session.said == [TEXT, "The second one."]
    await told.aclose()


async def test_words_that_nobody_answers_do_not_hold_it_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(announcements, "UNANSWERED_S", 0.05)
    session = Session([])
    told = Announcements(session)  # type: ignore[arg-type]
    session.turn("user", "speaking")
    session.turn("user", "listening")
    told.put(TEXT)
    await until_said(told)
    assert session.said == [TEXT]
    await told.aclose()


async def test_after_the_end_nothing_is_said_and_nothing_is_left() -> None:
    session = Session([])
    told = Announcements(session)  # type: ignore[arg-type]
    session.agent_state = "closed"
    told.put(TEXT)
    await until_said(told)
    for _ in range(announcements.WAITING_MAX + 5):
        told.put(TEXT)  # bounded
    await told.aclose()
    assert session.said == [] and not told.pending
