"""Configurations of LiveKit's recorder and telephone gateway (profiles egress and sip).

Both are told their work by redis and join rooms as any participant does. Knows nothing of files.
"""

from dataclasses import dataclass

import yaml

from ..credentials import Credentials
from ..settings import NetworkSettings

_HEAD = "# Written by `earshot init`; changes are lost.\n"
HEALTH_PORT = 8088
SIP_PORT = 5060
RTP_PORTS = (10000, 10099)
"""two a call; each is a port that the machine opens"""


@dataclass(frozen=True)
class Services:
    """What both need to know of the stack."""

    secrets: Credentials
    ports: NetworkSettings
    redis_address: str
    redis_password: str
    node_ip: str
    """The address that telephones are told to send their audio to."""

    def egress(self) -> str:
        """egress.yaml of livekit/egress."""
        return _text(
            self._common() | {"health_port": HEALTH_PORT, "insecure": True}
        )  # insecure: ws, not wss; both are on the inner network

    def sip(self) -> str:
        """sip.yaml of livekit/sip."""
        return _text(
            self._common()
            | {
                "health_port": HEALTH_PORT,
                "sip_port": SIP_PORT,
                "rtp_port": f"{RTP_PORTS[0]}-{RTP_PORTS[1]}",
                "use_external_ip": False,  # true asks a public STUN server
                "nat_1_to_1_ip": self.node_ip,
            }
        )

    def _common(self) -> dict[str, object]:
        return {
            "api_key": self.secrets.api_key,
            "api_secret": self.secrets.api_secret,
            "ws_url": f"ws://livekit:{self.ports.livekit_port}",
            "redis": {"address": self.redis_address, "password": self.redis_password},
            "logging": {"level": "warn", "json": True},
        }


def _text(values: dict[str, object]) -> str:
    return _HEAD + yaml.safe_dump(values, sort_keys=False)
