"""What a stream keeps from its start to its end."""

from collections.abc import Callable
from dataclasses import dataclass, field

from .endpointing import EndpointingOptions


@dataclass(frozen=True, slots=True)
class RecognitionOptions:
    languages: tuple[str, ...] = ("en",)
    hotwords: str = ""
    endpointing: EndpointingOptions = field(default_factory=EndpointingOptions)
    speculation_silence_s: float = 0.06
    preflight_silence_s: float = 0.12
    silence_after: Callable[[str], float] | None = None
    """Seconds of silence that end an utterance with this text, where they are more than
    `endpointing` asks for; None: the words don't matter."""
    early: bool = True
    """Decode before the end of speech is certain: partial and speculative transcripts."""
