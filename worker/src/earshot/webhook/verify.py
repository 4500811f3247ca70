"""Is a webhook from the server whose key we have, whole, and not an old one sent again?

livekit-server signs a token that lives five minutes and holds the sha256 of the body. Knows
nothing of HTTP.
"""

import base64
import binascii
import hashlib
import hmac

import jwt
from google.protobuf.json_format import ParseError
from livekit import api

from ..errors import WebhookRefusedError


class Verifier:
    """Checks webhooks with one key."""

    def __init__(self, api_key: str, api_secret: str) -> None:
        self._key = api_key
        self._tokens = api.TokenVerifier(api_key, api_secret)
        self._receiver = api.WebhookReceiver(self._tokens)

    def check(self, body: bytes, authorization: str) -> api.WebhookEvent:
        """The event in a request.

        Args:
            authorization: the header of that name, a bare token.

        Raises:
            WebhookRefusedError: why, in one line.
        """
        if not authorization:
            raise WebhookRefusedError("no signature: the header Authorization is missing")
        token = authorization.removeprefix("Bearer ").strip()
        try:
            claims = self._tokens.verify(token)
        except jwt.InvalidIssuerError as e:
            raise WebhookRefusedError(
                f"signed with another key, expected {self._key}", claimed=f"key {_issuer(token)}"
            ) from e
        except jwt.InvalidSignatureError as e:
            raise WebhookRefusedError("the signature is not that of our secret") from e
        except jwt.ExpiredSignatureError as e:
            raise WebhookRefusedError("too old: its five minutes are over") from e
        except jwt.ImmatureSignatureError as e:
            raise WebhookRefusedError("signed in the future: a clock is wrong") from e
        except Exception as e:  # PyJWT's others; or grants that are no grants
            raise WebhookRefusedError(f"the signature can't be read: {e}") from e
        try:
            told = base64.b64decode(claims.sha256 or "", validate=True)
        except (binascii.Error, ValueError) as e:
            raise WebhookRefusedError("the token's sha256 can't be read") from e
        if not told:
            raise WebhookRefusedError("the token has no sha256: it is not a webhook's")
        if not hmac.compare_digest(hashlib.sha256(body).digest(), told):
            raise WebhookRefusedError("the body was changed: its sha256 is not the signed one")
        try:
            return self._receiver.receive(body.decode(), token)
        except (ParseError, UnicodeDecodeError) as e:
            raise WebhookRefusedError("the body is not a webhook event") from e


def _issuer(token: str) -> str:
    try:
        return str(jwt.decode(token, options={"verify_signature": False}).get("iss", "none"))[:64]
    except jwt.PyJWTError:
        return "none"
