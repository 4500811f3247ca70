"""The way of events out of the engine's thread, into the event loop of who reads them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from .generator import Event
from .log import logger


def event_channel() -> tuple[Callable[[Event | Exception], None], asyncio.Queue[Event | Exception]]:
    """A way from the engine's thread into the running event loop."""
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[Event | Exception] = asyncio.Queue()  # bounded by max_tokens

    def emit(item: Event | Exception) -> None:
        try:
            loop.call_soon_threadsafe(queue.put_nowait, item)
        except RuntimeError:  # the loop is gone, and with it whoever would listen
            logger.debug("an event came after its event loop was closed")

    return emit, queue
