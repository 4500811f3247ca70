"""The HTTP side of webhooks: bounded in size, time and number.

Does not know what becomes of an event.
"""

import asyncio
from typing import Literal

from aiohttp import web
from livekit import api

from ..errors import WebhookRefusedError
from ..web.hosts import IPAddress, address_of
from ..web.limits import Clock, RateLimit
from .verify import Verifier

BODY_BYTES_MAX = 256 * 1024  # metadata and attributes of 16 kB each, escaped
BODY_S = 5.0
BURST = 500
PER_S = 100.0
Senders = Literal["machine", "network", "all"]


class Receiver:
    """Takes webhooks of one server.

    Args:
        senders: whose are looked at: of this machine's, of private addresses, of all.
    """

    def __init__(self, verifier: Verifier, clock: Clock, senders: Senders) -> None:
        self._verifier = verifier
        self._senders = senders
        self._rate = RateLimit(BURST, PER_S, 256, clock)

    def _may_send(self, address: IPAddress | None) -> bool:
        if address is None:
            return False
        return {
            "machine": address.is_loopback,
            "network": address.is_private,
            "all": True,
        }[self._senders]

    async def receive(self, request: web.Request) -> api.WebhookEvent:
        """The event of a request.

        Raises:
            WebhookRefusedError: why; its `status` is the answer that tells livekit-server whether
                to try again.
        """
        address = address_of(request.remote)
        if not self._may_send(address):
            raise WebhookRefusedError(f"{address}: not from here", 403)
        if self._rate.take(str(address)):
            raise WebhookRefusedError("too many webhooks at once", 429)
        body = await _body(request)
        return self._verifier.check(body, request.headers.get("Authorization", ""))


async def _body(request: web.Request) -> bytes:
    too_large = WebhookRefusedError(f"more than {BODY_BYTES_MAX // 1024} kB", 413)
    if (request.content_length or 0) > BODY_BYTES_MAX:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_S):
            async for piece in request.content.iter_any():
                body += piece
                if len(body) > BODY_BYTES_MAX:
                    raise too_large
    except TimeoutError as e:
        raise WebhookRefusedError("its body came too slowly", 408) from e
    return bytes(body)
