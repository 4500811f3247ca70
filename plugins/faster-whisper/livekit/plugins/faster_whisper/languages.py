"""Which language a call speaks: fixed, or detected until it is sure. Knows no audio."""

STICKY_S = 3.0
STICKY_PROBABILITY = 0.8

AUTO = "auto"


def parse(language: str, allowed: tuple[str, ...] = ()) -> tuple[str, ...]:
    """'en' or 'en-US' -> ('en',); 'auto' -> the allow-list, () = any; 'en,de' is an allow-list."""
    if language == AUTO:
        return tuple(base(x) for x in allowed)
    return tuple(base(x) for x in language.split(","))


def base(language: str) -> str:
    """Whisper's code for a BCP-47 tag."""
    return language.strip().lower().replace("_", "-").split("-")[0]


class LanguageTracker:
    """Of one call."""

    def __init__(self, languages: tuple[str, ...]) -> None:
        self.candidates = languages

    def observe(self, language: str, probability: float, speech_s: float) -> None:
        """Settles on a language once enough speech says so clearly."""
        if len(self.candidates) != 1 and speech_s >= STICKY_S and probability > STICKY_PROBABILITY:
            self.candidates = (language,)
