"""Checks against text that nobody said.

Whisper invents text for noise and repeats itself when it is lost. The checks look at one decoded
text and its scores; they know nothing of audio or models.
"""

import re
import zlib

RETRY_BELOW_LOGPROB = -1.0
RETRY_ABOVE_COMPRESSION = 2.4
SILENT_ABOVE_NO_SPEECH = 0.6
WEAK_ABOVE_NO_SPEECH = 0.2
WEAK_BELOW_LOGPROB = -0.7
WORDS_PER_S = 8.0
CHARACTERS_PER_S = 40.0
DOUBLED_WORDS = 3
FAST_WORDS_PER_S = 4.5

# what stock models write when they hear noise; real ones come with strong scores
INVENTED = frozenset(
    """you
    thank you
    thanks
    bye
    bye bye
    so
    thank you for watching
    thanks for watching
    thank you so much for watching
    please subscribe
    please subscribe to my channel
    like and subscribe
    see you in the next video
    see you next time
    subtitles by the amara org community
    transcription by castingwords
    i m sorry""".replace("    ", "").split("\n")
)


def compression_ratio(text: str) -> float:
    """How well the text compresses; above 2.4 it repeats itself."""
    data = text.encode()
    return len(data) / len(zlib.compress(data)) if data else 0.0


def repeats(text: str) -> bool:
    """Whether the text ends in three or more copies of the same few words, or one word five times.

    Compression needs about 100 characters to show a loop; this sees a short one.
    """
    words = _plain(text).split()
    for size in range(1, 7):
        copies = 5 if size == 1 else 3
        tail = words[-size:]
        if len(words) >= size * copies and words[-size * copies :] == tail * copies:
            return True
    return False


def doubled(text: str, speech_s: float) -> bool:
    """Whether some words come twice in a row, in less time than it takes to say them twice.

    A stock model in a short window may write down what it heard, and then once more; its scores
    are good.
    """
    words = _plain(text).split()
    if len(words) <= FAST_WORDS_PER_S * speech_s:
        return False
    return any(
        words[i : i + size] == words[i + size : i + 2 * size]
        for size in range(DOUBLED_WORDS, len(words) // 2 + 1)
        for i in range(len(words) - 2 * size + 1)
    )


def looks_lost(text: str, avg_logprob: float, capped: bool, speech_s: float) -> bool:
    """Whether a decode should be tried once more the slow and safe way."""
    return (
        capped
        or doubled(text, speech_s)
        or avg_logprob < RETRY_BELOW_LOGPROB
        or compression_ratio(text) > RETRY_ABOVE_COMPRESSION
        or repeats(text)
    )


def is_silence(avg_logprob: float, no_speech_prob: float) -> bool:
    """Whether the scores say that nothing was said."""
    return no_speech_prob > SILENT_ABOVE_NO_SPEECH and avg_logprob < WEAK_BELOW_LOGPROB


def is_invented(text: str, avg_logprob: float, no_speech_prob: float, speech_s: float) -> bool:
    """Whether the text is one nobody said: too much for the time, a loop, or a stock phrase."""
    plain = _plain(text)
    if not plain.strip():
        return True
    if (
        len(plain.split()) > 3 + WORDS_PER_S * speech_s
        or len(plain) > 20 + CHARACTERS_PER_S * speech_s
    ):
        return True
    if compression_ratio(text) > RETRY_ABOVE_COMPRESSION or repeats(text):
        return True
    weak = no_speech_prob > WEAK_ABOVE_NO_SPEECH or avg_logprob < WEAK_BELOW_LOGPROB
    return weak and " ".join(plain.split()) in INVENTED


def _plain(text: str) -> str:
    return re.sub(r"[^\w\s]", " ", text.lower())
