"""How often an address may ask, how often it may guess, and which room is whose.

Every table is bounded: when it is full, what was used longest ago is forgotten. Time comes from a
clock that is given (seconds, monotonic). Knows neither HTTP nor LiveKit.
"""

import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Clock = Callable[[], float]


@dataclass(frozen=True)
class Limits:
    """What one address may do, and how long things may take."""

    burst: int = 30
    """Tokens that an address may ask for at once…"""
    per_minute: float = 30.0
    """…and steadily."""
    wrong_codes_max: int = 5
    """Wrong access codes until the address is locked out."""
    lockout_s: float = 30.0
    """The first lockout; each further one lasts twice as long…"""
    lockout_max_s: float = 900.0
    """…up to this. An address that stays quiet so long begins anew."""
    addresses_max: int = 4096
    rooms_max: int = 4096
    body_bytes_max: int = 16 * 1024
    body_s: float = 5.0
    handler_s: float = 10.0
    status_s: float = 2.0
    """How long the stack may take to tell its state…"""
    status_age_s: float = 1.0
    """…and how long that is told to others who ask."""


class RateLimit:
    """A bucket of `burst` requests per address, which fills at a steady pace."""

    def __init__(self, burst: int, per_s: float, addresses_max: int, clock: Clock) -> None:
        self._burst, self._per_s = burst, per_s
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._max = addresses_max

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, address: str) -> int:
        """0 when the request may pass, else in how many seconds one may."""
        now = self._clock()
        left, then = self._buckets.pop(address, (float(self._burst), now))
        left = min(float(self._burst), left + (now - then) * self._per_s)
        passes = left >= 1
        self._buckets[address] = (left - 1 if passes else left, now)
        _trim(self._buckets, self._max)
        return 0 if passes else max(1, math.ceil((1 - left) / self._per_s))


@dataclass
class _Guesses:
    wrong: int = 0
    locks: int = 0
    locked_until: float = 0.0
    last: float = 0.0


class Lockout:
    """Shuts out an address that guesses codes, longer each time, and never for good."""

    def __init__(
        self, wrong_max: int, first_s: float, max_s: float, addresses_max: int, clock: Clock
    ) -> None:
        self._wrong_max, self._first_s, self._max_s = wrong_max, first_s, max_s
        self._clock = clock
        self._guesses: OrderedDict[str, _Guesses] = OrderedDict()
        self._max = addresses_max

    def __len__(self) -> int:
        return len(self._guesses)

    def wait_s(self, address: str) -> int:
        """0 when the address may try a code, else in how many seconds it may."""
        guesses = self._guesses.get(address)
        return max(0, math.ceil(guesses.locked_until - self._clock())) if guesses else 0

    def failed(self, address: str) -> int:
        """Counts a wrong code; returns how long the address is shut out now, 0 if it is not."""
        now = self._clock()
        guesses = self._guesses.pop(address, None)
        if guesses is None or now - max(guesses.last, guesses.locked_until) > self._max_s:
            guesses = _Guesses()
        self._guesses[address] = guesses
        _trim(self._guesses, self._max)
        guesses.wrong += 1
        guesses.last = now
        if guesses.wrong >= self._wrong_max:
            guesses.locked_until = now + min(self._max_s, self._first_s * 2.0**guesses.locks)
            guesses.wrong, guesses.locks = 0, min(guesses.locks + 1, 32)
        return self.wait_s(address)

    def passed(self, address: str) -> None:
        """A right code: all is forgotten."""
        self._guesses.pop(address, None)


class Rooms:
    """Whose a room is that a caller named: of the address that asked first, for one call's time.

    A named room can be guessed. Whoever holds the access code could otherwise ask for somebody
    else's room under somebody else's identity, and take over the call. A generated name can't be
    guessed and needs no entry. When the table is full of living claims, no further name is given.
    """

    def __init__(self, keep_s: float, rooms_max: int, clock: Clock) -> None:
        self._keep_s, self._max, self._clock = keep_s, rooms_max, clock
        self._owners: OrderedDict[str, tuple[str, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._owners)

    def claim(self, room: str, address: str) -> bool:
        """Whether the room is the address's own, from now on if it was nobody's."""
        now = self._clock()
        while self._owners and next(iter(self._owners.values()))[1] <= now:
            self._owners.popitem(last=False)
        owner = self._owners.get(room)
        if owner is None and len(self._owners) >= self._max:
            return False
        if owner is not None and owner[0] != address:
            return False
        self._owners[room] = (address, now + self._keep_s)
        self._owners.move_to_end(room)  # the order is that of their ends
        return True


def _trim(table: OrderedDict[str, Any], most: int) -> None:
    while len(table) > most:
        table.popitem(last=False)
