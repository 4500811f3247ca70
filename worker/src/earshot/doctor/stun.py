"""STUN (RFC 8489), as much of it as a connectivity check of ICE (RFC 8445) takes.

Knows neither sockets nor LiveKit.
"""

import hashlib
import hmac
import secrets
import struct
import zlib
from dataclasses import dataclass
from ipaddress import IPv4Address

BINDING_REQUEST, BINDING_SUCCESS = 0x0001, 0x0101
_COOKIE = 0x2112A442
_HEADER = struct.Struct("!HHI12s")
_USERNAME, _INTEGRITY, _XOR_MAPPED = 0x0006, 0x0008, 0x0020
_PRIORITY, _FINGERPRINT, _CONTROLLED = 0x0024, 0x8028, 0x8029
_FINGERPRINT_XOR = 0x5354554E
_PEER_REFLEXIVE_PRIORITY = (110 << 24) | (65535 << 8) | 255


@dataclass(frozen=True)
class Message:
    """What of a message is of use here."""

    type: int
    transaction: bytes
    mapped: tuple[str, int] | None
    """Where the other side saw the question come from."""


def request(username: str = "", password: str = "", transaction: bytes = b"") -> bytes:
    """A binding request; with a name and a password, a connectivity check of the controlled side.

    Args:
        username: "THEIR_UFRAG:OUR_UFRAG".
        password: theirs.
        transaction: 12 bytes; empty = drawn.
    """
    transaction = transaction or secrets.token_bytes(12)
    if not username:
        return _HEADER.pack(BINDING_REQUEST, 0, _COOKIE, transaction)
    body = _attribute(_USERNAME, username.encode())
    body += _attribute(_PRIORITY, struct.pack("!I", _PEER_REFLEXIVE_PRIORITY))
    body += _attribute(_CONTROLLED, secrets.token_bytes(8))
    return _signed(BINDING_REQUEST, transaction, body, password)


def success(question: Message, address: tuple[str, int], password: str) -> bytes:
    """The answer to a connectivity check, which came from `address`; `password` is ours."""
    ip = int(IPv4Address(address[0])) ^ _COOKIE
    mapped = struct.pack("!BBHI", 0, 1, address[1] ^ (_COOKIE >> 16), ip)
    body = _attribute(_XOR_MAPPED, mapped)
    return _signed(BINDING_SUCCESS, question.transaction, body, password)


def parse(data: bytes) -> Message | None:
    """A message, or None for what is none."""
    if len(data) < _HEADER.size:
        return None
    kind, length, cookie, transaction = _HEADER.unpack_from(data)
    if cookie != _COOKIE or len(data) < _HEADER.size + length:
        return None
    mapped, at, end = None, _HEADER.size, _HEADER.size + length
    while at + 4 <= end:
        name, size = struct.unpack_from("!HH", data, at)
        value = data[at + 4 : at + 4 + size]
        if name == _XOR_MAPPED and size == 8:
            port, ip = struct.unpack_from("!HI", value, 2)
            mapped = (str(IPv4Address(ip ^ _COOKIE)), port ^ (_COOKIE >> 16))
        at += 4 + (size + 3) // 4 * 4
    return Message(kind, transaction, mapped)


def _signed(kind: int, transaction: bytes, body: bytes, password: str) -> bytes:
    # each sum is over a header whose length includes the attribute that holds it
    head = _HEADER.pack(kind, len(body) + 24, _COOKIE, transaction)
    digest = hmac.new(password.encode(), head + body, hashlib.sha1).digest()
    body += _attribute(_INTEGRITY, digest)
    head = _HEADER.pack(kind, len(body) + 8, _COOKIE, transaction)
    crc = zlib.crc32(head + body) ^ _FINGERPRINT_XOR
    return head + body + _attribute(_FINGERPRINT, struct.pack("!I", crc))


def _attribute(name: int, value: bytes) -> bytes:
    return struct.pack("!HH", name, len(value)) + value + bytes(-len(value) % 4)
