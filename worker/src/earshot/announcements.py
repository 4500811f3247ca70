"""What the agent says unasked, such as that a timer is over: in full, once, when there is room.

Said at once it would be lost: the turn that a caller is about to end cuts off whatever is spoken.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import structlog
from livekit.agents import AgentSession, AgentStateChangedEvent, UserStateChangedEvent
from livekit.agents.llm import ChatMessage
from livekit.agents.voice.speech_handle import SpeechHandle

_log = structlog.get_logger(__name__)

WAITING_MAX = 50
POLL_S = 0.05
SETTLED_S = 0.3  # nobody speaks, and nothing is prepared
UNANSWERED_S = 2.5  # after the caller's last word: the longest pause, and the time to be answered
UNHEARD_MAX = 20  # times that a caller's words may come before its first one


class Announcements:
    """Says one text after another.

    Args:
        session: whose caller hears them; it runs.
    """

    def __init__(self, session: AgentSession[Any]) -> None:
        self._session = session
        self._waiting: asyncio.Queue[str] = asyncio.Queue(WAITING_MAX)
        self._saying = False
        self._unanswered_since: float | None = None
        session.on("user_state_changed", self._on_user)
        session.on("agent_state_changed", self._on_agent)
        self._task = asyncio.create_task(self._run(), name="announcements")

    @property
    def pending(self) -> bool:
        """Whether something is still to be said, or being said."""
        return not self._task.done() and (self._saying or not self._waiting.empty())

    def put(self, text: str) -> None:
        """Says it as soon as there is room; more than 50 at once are not kept."""
        try:
            self._waiting.put_nowait(text)
        except asyncio.QueueFull:
            _log.warning("too much to say: an announcement is left out")

    async def aclose(self) -> None:
        self._session.off("user_state_changed", self._on_user)
        self._session.off("agent_state_changed", self._on_agent)
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            text = await self._waiting.get()
            self._saying = True
            try:
                await said_in_full(text, self._room, self._session.say)
            except RuntimeError as e:  # the session has ended meanwhile
                _log.info("nobody is there to hear an announcement", error=str(e))
            finally:
                self._saying = False

    async def _room(self) -> None:
        free_since: float | None = None
        while free_since is None or time.monotonic() - free_since < SETTLED_S:
            if self._taken():
                free_since = None
            elif free_since is None:
                free_since = time.monotonic()
            await asyncio.sleep(POLL_S)

    def _taken(self) -> bool:
        session, waited_from = self._session, self._unanswered_since
        return (
            session.user_state == "speaking"
            or session.agent_state in ("initializing", "thinking", "speaking")
            or session.current_speech is not None
            or (waited_from is not None and time.monotonic() - waited_from < UNANSWERED_S)
        )

    def _on_user(self, event: UserStateChangedEvent) -> None:
        if event.old_state == "speaking":
            self._unanswered_since = time.monotonic()

    def _on_agent(self, event: AgentStateChangedEvent) -> None:
        if event.old_state == "speaking":
            self._unanswered_since = None


async def said_in_full(
    text: str,
    room: Callable[[], Any],
    say: Callable[[str], SpeechHandle],
) -> None:
    """Says it until it was heard: again where nothing was, once more where less than half was."""
    again = True
    for _ in range(UNHEARD_MAX):
        await room()
        handle = say(text)
        await handle.wait_for_playout()
        heard = len(_heard(handle))
        if not handle.interrupted or heard * 2 >= len(text):
            return
        if heard:
            if not again:
                return
            again = False


def _heard(handle: SpeechHandle) -> str:
    texts = [i.text_content or "" for i in handle.chat_items if isinstance(i, ChatMessage)]
    return " ".join(texts).strip()
