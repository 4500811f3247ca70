"""What can go wrong in the model half, each with one line a person can act on.

PiperError
├── VoiceError                 the files can't serve as a voice
│   ├── VoiceNotFoundError     a file is missing
│   └── VoiceFormatError       not ONNX, another signature, or a bad .onnx.json
└── SynthesizeError            one request failed; `retryable` says if the same may work later
    ├── RequestError           a value is out of range
    │   └── UnknownSpeakerError  the voice has no speaker of this name
    ├── OverloadedError        the queue is full (retryable)
    ├── RunError               ONNX Runtime or espeak failed (retryable); its error is the cause
    └── ClosedError            the synthesizer was closed

Knows nothing of LiveKit; `tts.py` maps these to its APIError family.
"""


class PiperError(Exception):
    """Base of every error this package raises itself."""


class VoiceError(PiperError):
    """The files can't serve as a voice: what, where, what was expected, in one line."""


class VoiceNotFoundError(VoiceError):
    """A file of the voice is missing."""


class VoiceFormatError(VoiceError):
    """The files are there, but they are not a Piper voice."""


class SynthesizeError(PiperError):
    """One request failed; the synthesizer goes on."""

    retryable = False


class RequestError(SynthesizeError):
    """A value of the request is out of its range."""


class UnknownSpeakerError(RequestError):
    """The voice has no speaker of this name."""


class OverloadedError(SynthesizeError):
    """No room for this request now; it may work in a moment."""

    retryable = True


class RunError(SynthesizeError):
    """The native library failed while it worked on this request."""

    retryable = True


class ClosedError(SynthesizeError):
    """The synthesizer was closed before, or while it worked on this request."""
