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
    is_finished: Callable[[str], bool] | None = None
    """Whether a text is a whole sentence; None: silence alone ends an utterance."""
    unfinished_silence_s: float = 1.2
    """Silence that ends an utterance whose text is not."""
    early: bool = True
    """Decode before the end of speech is certain: partial and speculative transcripts."""
