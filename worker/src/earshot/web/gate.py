"""Who may have a token.

At once: our own page on this machine. That is, the connection comes from loopback to loopback, no
proxy stands in between, and the browser says that the page was loaded from here (`Origin` is this
very host and port, `Sec-Fetch-Site`, where it is sent, agrees). Everybody else needs the access
code in the header `X-Access-Code`: another machine, another origin, and a program that sends no
`Origin`, for a browser always sends one.

"This machine" means each of its users: headers can be made up by any local process, and a browser
may belong to another user than the service, so neither tells them apart. What a caller gets is a
call with the agent, the same as anybody in the room gets by speaking; the keys and the access code
stay in files that only the service's user can read.

A page of a foreign site can't get in: it can't read answers or send the code (no CORS, `OPTIONS` is
refused), can't pass as ours (`Host`, `Origin`), and what it sends blindly is refused before it is
counted, so that it can't use up this machine's share of requests either. Addresses are those of
connections; another is believed only from a proxy that the setting `network.proxies` names
(`proxies.py`).
"""

import hashlib
import hmac

import structlog
from aiohttp import web

from .hosts import Host, address_of, is_loopback, port_of, same_origin
from .limits import Clock, Limits, Lockout, RateLimit
from .refusal import Refusal

CODE_HEADER = "X-Access-Code"
CLIENT = web.RequestKey("client", str)
"""the caller's address, where a proxy told it"""
_PROXY_HEADERS = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Via")
_log = structlog.get_logger("earshot.web")


class Gate:
    """Lets a request for a token pass, or refuses it.

    Args:
        access_code: upper and lower case, spaces and dashes don't matter when it is typed.
    """

    def __init__(self, access_code: str, limits: Limits, clock: Clock) -> None:
        if not _plain(access_code):
            raise ValueError("the access code is empty")
        self._code = _digest(access_code)
        self.rate = RateLimit(limits.burst, limits.per_minute / 60, limits.addresses_max, clock)
        self.lockout = Lockout(
            limits.wrong_codes_max,
            limits.lockout_s,
            limits.lockout_max_s,
            limits.addresses_max,
            clock,
        )

    def admit(self, request: web.Request, host: Host) -> None:
        """Returns when the request may have a token.

        Raises:
            Refusal: 403 `origin_refused`, 415 `not_json`, 429 `too_many`, 401 `code_required` or
                `code_wrong`.
        """
        if request.headers.get("Sec-Fetch-Site", "none") not in ("same-origin", "none"):
            raise Refusal(
                403, "origin_refused", "Another site's page asked. Open Earshot's own page instead."
            )
        if request.content_type != "application/json" or "Content-Encoding" in request.headers:
            # a form of a foreign page can send other types without asking first
            raise Refusal(
                415, "not_json", "Send the request as plain JSON: Content-Type: application/json."
            )
        address = client(request)
        if wait_s := self.rate.take(address):
            raise Refusal(
                429,
                "too_many",
                f"Too many requests. Try again in {_seconds(wait_s)}.",
                retry_after_s=wait_s,
            )
        if not _own_page(request, host):
            self._check_code(request, address)

    def _check_code(self, request: web.Request, address: str) -> None:
        given = request.headers.get(CODE_HEADER, "")
        if not _plain(given):
            raise Refusal(
                401,
                "code_required",
                "The access code is needed. `earshot up` shows where to find it.",
            )
        # also a right code waits: else the wait would tell nobody guessing anything
        wait_s = self.lockout.wait_s(address)
        if not wait_s and hmac.compare_digest(_digest(given), self._code):
            self.lockout.passed(address)
            return
        if not wait_s:
            wait_s = self.lockout.failed(address)
            if not wait_s:
                raise Refusal(
                    401, "code_wrong", "That is not the access code. Check it, and try again."
                )
            _log.warning("too many wrong access codes", address=address, locked_s=wait_s)
        raise Refusal(
            429,
            "too_many",
            f"Too many wrong access codes. Try again in {_seconds(wait_s)}.",
            retry_after_s=wait_s,
        )


def client(request: web.Request) -> str:
    """Under what a caller is counted: the address."""
    return request.get(CLIENT) or str(address_of(request.remote))


def _own_page(request: web.Request, host: Host) -> bool:
    return (
        is_loopback(address_of(request.remote))
        and not getattr(request.protocol, "proxied", False)
        and host.loopback
        and host.port == port_of(request)
        and request.headers.get("Origin", "").startswith("http:")
        and same_origin(request, host)
        and not any(name in request.headers for name in _PROXY_HEADERS)
    )


def _plain(code: str) -> str:
    return "".join(c for c in code.lower() if c.isalnum())


def _digest(code: str) -> bytes:
    return hashlib.sha256(_plain(code).encode("utf-8", "surrogateescape")).digest()


def _seconds(seconds: int) -> str:
    if seconds < 120:
        return "1 second" if seconds == 1 else f"{seconds} seconds"
    return f"{-(-seconds // 60)} minutes"
