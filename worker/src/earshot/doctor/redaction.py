"""Takes secrets, and what was said in calls, out of what is going to be sent to somebody.

Values that are known are taken out wherever they stand, in every form in which they are written;
what looks like a secret is taken out too. Of a log line in JSON only what is known to be harmless
stays: other keys may hold somebody's words.
"""

import base64
import json
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

GONE = "[removed]"
_SHORTEST = 6
_LOOKS = (
    re.compile(r"eyJ[\w-]{5,}\.[\w-]{5,}\.[\w-]*"),  # a token (JWT)
    re.compile(r"(?i)\b(?:bearer|basic|auth)\s+[\w.~+/=-]{6,}"),
    re.compile(r"(?<=://)[^\s/@:]*:[^\s/@]+(?=@)"),  # user and password of an address
    re.compile(
        r"(?i)(?<![\w-])([\w-]*(?:password|passwd|requirepass|secret|access[-_]?token|access[-_]?code"
        r"|api[-_]?key|credential|ice-pwd|jwt)[\"']?\s*[:= ]\s*[\"']?)([^\s\"',;&}]{4,})"
    ),
    re.compile(r"-----BEGIN [A-Z ]*KEY-----.*?(?:-----END [A-Z ]*KEY-----|$)", re.S),
)
_HARMLESS = {
    "ts", "time", "timestamp", "level", "event", "msg", "logger", "caller", "error", "exception",
    "service", "state", "why", "status", "method", "path", "reason", "version", "nodeID", "nodeIP",
    "pid", "signal", "turn", "seconds", "profile", "address", "port", "protocol", "code",
}  # fmt: skip


class Redaction:
    """
    Args:
        secrets: values that must not be seen; those too short to be secrets are left alone.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = {form for secret in secrets if len(secret) >= _SHORTEST for form in _forms(secret)}
        listed = "|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True))
        self._known = re.compile(listed, re.I) if listed else None

    def text(self, text: str) -> str:
        """The text without what must not be seen."""
        if self._known:
            text = self._known.sub(GONE, text)
        for pattern in _LOOKS:
            text = pattern.sub(lambda m: m[1] + GONE if m.lastindex else GONE, text)
        return text

    def value(self, value: Any) -> Any:
        """The same within lists and mappings."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(str(k)): self.value(v) for k, v in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(v) for v in value]
        return value

    def line(self, line: str) -> str:
        """A line of a log: secrets removed, and nobody's words."""
        try:
            record = json.loads(line)
        except ValueError:
            return self.text(line)[:500]
        if not isinstance(record, dict):
            return self.text(line)[:500]
        kept = {
            k: v if k in _HARMLESS or isinstance(v, int | float | bool) or v is None else GONE
            for k, v in record.items()
        }
        return json.dumps(self.value(kept), ensure_ascii=False)[:1000]


def _forms(secret: str) -> set[str]:
    plain = "".join(c for c in secret if c.isalnum())
    encoded = base64.b64encode(secret.encode()).decode()
    forms = {secret, quote(secret, safe=""), json.dumps(secret)[1:-1], encoded, encoded.rstrip("=")}
    if len(plain) >= _SHORTEST:  # an access code as people type it
        forms |= {plain, " ".join(re.findall(r"\w+", secret))}
    return forms
