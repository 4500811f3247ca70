"""Checks of the way in: clocks, token, keys, signalling."""

import time
from collections.abc import AsyncIterator
from ipaddress import ip_address
from urllib.parse import urlsplit

from ..caller.ticket import Ticket, from_page, minted
from ..errors import CallError
from .finding import Finding, green, red
from .services import get
from .signalling import join
from .target import Target
from .token import Claims, judge

SKEW_MAX_S = 30.0
"""livekit-server forgives a minute; half of it is near enough to tell"""
ROOM = "check-doctor"
"""Agents of Earshot stay out of rooms that begin with `check-`."""


def http(url: str) -> str:
    return f"http{url.removeprefix('ws')}"


async def clock(target: Target) -> AsyncIterator[Finding]:
    before = time.time()
    status, _, theirs = await get(http(target.livekit) + "/")
    after = time.time()
    if not status or theirs is None:
        yield green("clock", "livekit-server tells no time; the token below would be refused")
        return
    # a header has whole seconds
    skew = 0.0 if before - 1.5 <= theirs <= after + 0.5 else theirs - (before + after) / 2
    if abs(skew) > SKEW_MAX_S:
        where = "ahead of" if skew > 0 else "behind"
        yield red("clock", "clock_skew", f"livekit-server's is {abs(skew):.0f} s {where} this one")
    else:
        yield green("clock", "livekit-server's agrees with this machine's")


async def token(target: Target) -> AsyncIterator[Finding]:
    """One as a caller gets it, and what it allows."""
    if target.token:
        claims = Claims.of(target.token)
        target.ticket = Ticket(target.livekit, target.token, claims.identity if claims else "")
    elif target.page:
        try:
            target.ticket = await from_page(target.page, code=target.code)
        except CallError as e:
            yield red("token", _refusal(str(e)), str(e))
            return
        if target.settings is not None and target.settings.livekit.url:
            # among containers livekit-server has another name than for browsers
            target.ticket = Ticket(target.livekit, target.ticket.token, target.ticket.identity)
        target.livekit = target.livekit or target.ticket.url
    else:
        target.ticket = minted(
            target.livekit, target.api_key, target.api_secret, f"doctor-{time.time_ns():x}"
        )
    claims = Claims.of(target.ticket.token)
    if claims is None:
        yield red("token", "token_unreadable", "three parts with dots between were expected")
        return
    for found in judge(claims):
        yield found


def _refusal(message: str) -> str:
    if "access code is needed" in message:
        return "code_needed"
    if "access code" in message:
        return "code_wrong"
    if "under this name" in message:
        return "page_refuses"
    return "page_down"


async def keys(target: Target) -> AsyncIterator[Finding]:
    """Does livekit-server take the token?"""
    assert target.ticket is not None
    headers = {"Authorization": f"Bearer {target.ticket.token}"}
    status, text, _ = await get(f"{http(target.livekit)}/rtc/validate", headers)
    # the answer repeats the token, which nobody should read in a log
    why = text.rpartition("error: ")[2].replace(target.ticket.token, "…").strip()[:120]
    if status == 200:
        yield green("keys", "livekit-server takes the token")
    elif status == 0:
        yield red("keys", "livekit_down", f"{target.livekit}: {why}")
    elif "not valid yet" in why or "not before" in why or "issued in the future" in why:
        yield red("keys", "clock_skew", f"HTTP {status}: {why}")
    elif "expired" in why:
        yield red("keys", "token_expired", f"HTTP {status}: {why}")
    elif "signature" in why or "API key" in why or "api key" in why or "verification" in why:
        yield red("keys", "keys_differ", f"HTTP {status}: {why}")
    elif "permission" in why:
        yield red("keys", "grant_join", f"HTTP {status}: {why}")
    else:
        yield red("keys", "token_refused", f"HTTP {status}: {why}")


async def signalling(target: Target) -> AsyncIterator[Finding]:
    """A WebSocket, and what a caller is told on it."""
    assert target.ticket is not None
    try:
        async with join(target.livekit, target.ticket.token) as found:
            target.joined = found.joined
    except CallError as e:
        yield red("signalling", "websocket_blocked", str(e))
        return
    joined = target.joined
    outside = [url for url in joined.ice_servers if _outside(url, target.livekit)]
    listed = ", ".join(str(c) for c in joined.candidates) or "nothing"
    if not joined.candidates:
        yield red("signalling", "no_candidates", f"livekit-server {joined.version}")
    elif outside:
        yield red("signalling", "asks_outside", ", ".join(outside))
    elif not joined.can_publish:
        yield red("signalling", "grant_publish", "livekit-server does not let this caller publish")
    elif not joined.can_subscribe:
        yield red("signalling", "grant_subscribe", "livekit-server does not let this caller hear")
    else:
        yield green(
            "signalling", f"livekit-server {joined.version}; audio is to be sent to {listed}"
        )


def _outside(url: str, livekit: str) -> bool:
    """A server that is neither livekit-server nor in a private network."""
    host = url.partition(":")[2].partition("?")[0].rpartition(":")[0] or url.partition(":")[2]
    if host == urlsplit(livekit).hostname:
        return False
    try:
        return ip_address(host.strip("[]")).is_global
    except ValueError:
        return True  # a name would have to be looked up
