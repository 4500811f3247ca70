"""What can go wrong in the model half.

LlamaCppError
├── ModelError                the file can't serve as a model; the message is one line
│   └── ChatTemplateError     the GGUF has no chat template, or one that doesn't compile
└── GenerateError             one request failed; `retryable`: the same may work later
    ├── PromptError           the messages can't be put into the model's chat template
    │   └── PromptTooLongError  even the last turn alone exceeds the context
    ├── OverloadedError       no room now: queue full, or no KV cells (retryable)
    ├── DeadlineError         the request's deadline passed (retryable)
    ├── DecodeError           llama.cpp failed to evaluate this request (retryable)
    ├── NoAnswerError         the model wrote nothing that can be spoken, twice
    └── ClosedError           the generator was closed

Knows nothing of LiveKit; `llm.py` maps these to its APIError family.
"""


class LlamaCppError(Exception):
    """Base of every error this package raises itself."""


class ModelError(LlamaCppError):
    """The file can't serve as a model: what, where, what was expected, in one line."""


class ChatTemplateError(ModelError):
    """The GGUF carries no usable chat template."""


class GenerateError(LlamaCppError):
    """One request failed; the generator goes on."""

    retryable = False


class PromptError(GenerateError):
    """The messages or tools don't fit the model's chat template."""


class PromptTooLongError(PromptError):
    """System prompt, tools and the last turn alone exceed the context."""


class OverloadedError(GenerateError):
    """No room for this request now; it may work in a moment."""

    retryable = True


class DeadlineError(GenerateError):
    """The deadline passed before the reply was complete."""

    retryable = True


class DecodeError(GenerateError):
    """llama.cpp failed while it evaluated this request."""

    retryable = True


class NoAnswerError(GenerateError):
    """The model wrote nothing that can be spoken and called no tool, or broke a sentence off."""


class ClosedError(GenerateError):
    """The generator was closed."""
