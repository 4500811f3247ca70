"""What can go wrong, each with one line a person can act on.

FasterWhisperError
├── ModelError                the directory can't serve as a model
│   ├── ModelNotFoundError    it isn't there
│   └── ModelFormatError      it isn't a CTranslate2 Whisper directory, or it is damaged
├── DeviceError               the device or compute type asked for isn't there
├── LanguageError             the model doesn't know this language
└── TranscribeError           one request failed; `retryable` says if the same may work later
    ├── RequestError          the request itself is wrong (too long, empty, wrong shape)
    ├── OverloadedError       the queue is full (retryable)
    ├── SupersededError       a newer request of the same call took its place
    ├── DeadlineError         no answer within the request's time (retryable)
    ├── DecodeError           CTranslate2 failed (retryable); its error is the cause
    └── ClosedError           the transcriber was closed

Knows nothing of LiveKit; `stt.py` maps these to its APIError family.
"""


class FasterWhisperError(Exception):
    """Base of every error this package raises itself."""


class ModelError(FasterWhisperError):
    """The directory can't serve as a model: what, where, what was expected, in one line."""


class ModelNotFoundError(ModelError):
    """There is no such directory."""


class ModelFormatError(ModelError):
    """A file is missing, damaged, or of another kind of model."""


class DeviceError(FasterWhisperError):
    """The device or compute type asked for isn't there."""


class LanguageError(FasterWhisperError):
    """The model doesn't know this language."""


class TranscribeError(FasterWhisperError):
    """One request failed; the transcriber goes on."""

    retryable = False


class RequestError(TranscribeError):
    """The request itself is wrong."""


class OverloadedError(TranscribeError):
    """The queue is full of work at least as urgent; it may work in a moment."""

    retryable = True


class SupersededError(TranscribeError):
    """A newer request of the same call took this one's place; nothing was lost."""


class DeadlineError(TranscribeError):
    """No answer within the request's time."""

    retryable = True


class DecodeError(TranscribeError):
    """CTranslate2 failed on this request."""

    retryable = True


class ClosedError(TranscribeError):
    """The transcriber was closed."""
