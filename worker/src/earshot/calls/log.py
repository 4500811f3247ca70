"""The call log as the worker has it: what comes in on two ways goes to one keeper."""

import contextlib
import time
from collections.abc import AsyncIterator

import structlog
from livekit import api

from ..settings import Settings
from . import schema
from .facts import Alive, of_webhook
from .keeper import Keeper
from .post import NoPost, Post, address_in, inbox

LOOK_EVERY_S = 60.0
"""How often livekit-server is asked which rooms there are: a webhook may be lost."""

_log = structlog.get_logger(__name__)


class CallLog:
    """Takes everything; never blocks, never fails."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper
        self._look_at = 0.0

    def webhook(self, event: api.WebhookEvent) -> None:
        """A verified event of livekit-server."""
        for fact in of_webhook(event):
            self._keeper.tell(fact)

    async def look(self, server: api.LiveKitAPI) -> None:
        """Ends, once a minute, the calls whose rooms are gone without a word.

        Raises:
            api.TwirpError, OSError, TimeoutError: the server can't be asked now.
        """
        now = time.monotonic()
        if now < self._look_at:
            return
        rooms = (await server.room.list_rooms(api.ListRoomsRequest())).rooms
        self._keeper.tell(Alive(frozenset(room.sid for room in rooms), now))
        self._look_at = now + LOOK_EVERY_S

    def stopped(self) -> None:
        """Nobody answers from here on."""
        self._keeper.tell(Alive(frozenset(), time.monotonic(), "stopped"))


@contextlib.asynccontextmanager
async def open_log(settings: Settings) -> AsyncIterator[CallLog | None]:
    """The log while the worker runs; None where none is wanted."""
    if not settings.calls.enabled:
        yield None
        return
    path = schema.path_in(settings.state_dir)
    async with contextlib.AsyncExitStack() as stack:
        keeper = Keeper(path, settings.calls.retention_days)
        await stack.enter_async_context(keeper)
        log = CallLog(keeper)
        stack.callback(log.stopped)
        try:
            address = address_in(settings.state_dir)
            await stack.enter_async_context(inbox(address, keeper.tell))
        except OSError as e:
            _log.warning("turns are not logged", why=str(e))
        yield log


def open_post(settings: Settings) -> Post:
    """In a call's process: where it tells of its turns."""
    if not settings.calls.enabled:
        return NoPost()
    try:
        return Post(address_in(settings.state_dir))
    except OSError as e:
        _log.warning("turns are not logged", why=str(e))
        return NoPost()
