"""What a token allows, as a caller's audio needs it. Nothing here verifies a signature."""

import base64
import json
import time
from dataclasses import dataclass
from typing import Any

from .finding import Finding, green, red, yellow


@dataclass(frozen=True)
class Claims:
    """The readable part of a token."""

    values: dict[str, Any]

    @classmethod
    def of(cls, token: str) -> "Claims | None":
        """None for what is no token."""
        try:
            _, body, _ = token.strip().split(".")
            values = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        except ValueError:
            return None
        return cls(values) if isinstance(values, dict) else None

    @property
    def grants(self) -> dict[str, Any]:
        video = self.values.get("video")
        return video if isinstance(video, dict) else {}

    @property
    def begins(self) -> float:
        """Seconds since 1970; 0 = always."""
        return float(self.values.get("nbf") or 0.0)

    @property
    def ends(self) -> float:
        return float(self.values.get("exp") or 0.0)

    @property
    def identity(self) -> str:
        return str(self.values.get("sub") or "")

    def allows(self, grant: str) -> bool:
        """What is not mentioned is allowed: LiveKit's rule for canPublish and its like."""
        return self.grants.get(grant) is not False


def judge(claims: Claims, now: float | None = None) -> list[Finding]:
    """What of the token keeps audio from passing, worst first; one green line if nothing does."""
    grants, now = claims.grants, time.time() if now is None else now
    found: list[Finding] = []
    if not grants.get("roomJoin"):
        found.append(red("token", "grant_join", "roomJoin is not granted"))
    if not claims.allows("canPublish"):
        found.append(red("token", "grant_publish", "canPublish is refused"))
    sources = grants.get("canPublishSources") or []
    if sources and "microphone" not in sources:
        listed = ", ".join(str(s) for s in sources)
        found.append(red("token", "grant_microphone", f"canPublishSources allows {listed} only"))
    if not claims.allows("canSubscribe"):
        found.append(red("token", "grant_subscribe", "canSubscribe is refused"))
    if claims.ends and claims.ends < now:
        found.append(red("token", "token_expired", f"over since {now - claims.ends:.0f} s"))
    if claims.begins > now + 1:
        found.append(
            red("token", "clock_skew", f"valid only in {claims.begins - now:.0f} s: whoever made it"
                " has a clock ahead of this one")
        )  # fmt: skip
    if not claims.allows("canPublishData"):
        found.append(yellow("token", "grant_data", "canPublishData is refused"))
    if found:
        return found
    left = f", {(claims.ends - now) / 60:.0f} min left" if claims.ends else ", without end"
    return [green("token", f"may join, publish a microphone, hear{left}")]
