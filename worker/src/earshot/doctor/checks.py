"""The checks, in order: the first red line is the one to mend.

What can't be right where another is wrong names that other in `needs`.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from . import audio, conversation, entry, installation, services
from .finding import Finding
from .target import Target


@dataclass(frozen=True)
class Check:
    """One question, which may have several answers."""

    name: str
    title: str
    """What is being done, for the one who waits."""
    run: Callable[[Target], AsyncIterator[Finding]]
    needs: tuple[str, ...] = ()
    limit_s: float = 10.0


SETTINGS = Check("settings", "reading the settings", installation.settings)
SECRETS = Check("secrets", "looking at the secrets", installation.secrets, ("settings",))
MODELS = Check("models", "looking at the models", installation.models, ("settings",))
PROCESSOR = Check(
    "processor", "trying the language model", installation.processor, ("models",), 300.0
)
MACHINE = Check("machine", "looking at the machine", installation.machine, ("settings",))
ADDRESS = Check("address", "looking for the address", installation.address, ("settings",))
PORTS = Check("ports", "looking at the ports", installation.ports, ("settings", "address"))
STACK = Check("stack", "looking at the services", services.stack, ("settings",))
REDIS = Check("redis", "asking redis", services.redis, ("stack:running", "secrets"))
ENGINE = Check("engine", "asking the engine", services.engine, ("stack:running",))
PAGE = Check("page", "asking the page", services.page, ("stack:running",))
ORIGIN = Check("microphone", "asking who gets a microphone", services.origin, ("stack:running",))
LIVEKIT = Check("livekit", "asking livekit-server", services.livekit, ("stack:running",))
TOKEN = Check("token", "getting a token", entry.token, ("page", "secrets"), 15.0)
CLOCK = Check("clock", "comparing the clocks", entry.clock, ("livekit",))
KEYS = Check("keys", "showing the token to livekit-server", entry.keys, ("livekit", "token"))
SIGNALLING = Check("signalling", "joining", entry.signalling, ("livekit", "keys"), 15.0)
AUDIO = Check("audio", "asking each address for audio", audio.audio, ("signalling",), 20.0)
TONE = Check("tone", "sending a tone", audio.tone, ("signalling", "audio", "secrets"), 30.0)
CALL = Check(
    "agent", "holding a call", conversation.conversation, ("page", "signalling", "audio"), 90.0
)


def checks(target: Target, *, call: bool = True) -> list[Check]:
    """Those that can be made of this target.

    Args:
        call: hold a call with the agent.
    """
    chosen: list[Check] = []
    if target.kind == "up":
        chosen += [SETTINGS, SECRETS, MODELS, PROCESSOR, MACHINE, ADDRESS, PORTS, STACK, REDIS]
        chosen += [ENGINE, LIVEKIT, PAGE, ORIGIN, TOKEN]
    elif target.kind == "compose":
        chosen += [SETTINGS, SECRETS, MACHINE, STACK, PAGE, ORIGIN, TOKEN, LIVEKIT]
    elif target.kind == "page":
        chosen += [PAGE, ORIGIN, TOKEN, LIVEKIT]
    else:
        chosen += [LIVEKIT, TOKEN]
    chosen += [CLOCK, KEYS, SIGNALLING, AUDIO]
    if target.api_key:
        chosen.append(TONE)
    if call:
        chosen.append(CALL)
    return chosen
