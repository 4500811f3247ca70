"""What the engine's thread works on. Knows nothing of how it is scheduled."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from .cache import Sequence
from .choice import Choice
from .errors import GenerateError
from .fields import Fields
from .generator import Usage
from .prompt import Prompt
from .reply import Reply


@dataclass(slots=True, eq=False)
class Job:
    """One prompt to be evaluated and, if it has a reply, continued."""

    prompt: Prompt
    done: Callable[[GenerateError | None], None]
    """Called once from the engine's thread; None = it went well."""
    reply: Reply | Choice | Fields | None = None
    """None: only warms the cache."""
    conversation: str | None = None
    deadline: float | None = None
    """time.monotonic() by which it must be done."""
    reserve: int = 0
    """Most cells its reply will take."""
    submitted_at: float = field(default_factory=time.monotonic)
    started_at: float = 0.0
    first_token_at: float = 0.0
    cached: int = 0
    cancelled: bool = False
    finished: bool = False
    sequence: Sequence | None = None
    pending: list[int] = field(default_factory=list)
    """Tokens to be evaluated before the reply goes on."""

    @property
    def writing(self) -> bool:
        """Whether its prompt is done and its reply in progress."""
        return self.first_token_at > 0

    def usage(self) -> Usage:
        """What its reply has cost."""
        assert self.reply is not None
        return Usage(
            prompt_tokens=len(self.prompt.tokens),
            cached_tokens=self.cached,
            completion_tokens=self.reply.tokens,
            thinking_tokens=self.reply.thinking_tokens,
            queue_ms=_ms(self.submitted_at, self.started_at),
            ttft_ms=_ms(self.submitted_at, self.first_token_at),
            total_ms=_ms(self.submitted_at, time.monotonic()),
        )


@dataclass(slots=True)
class Part:
    """A job's share of a batch."""

    job: Job
    tokens: int
    last_row: int


def _ms(start: float, end: float) -> float:
    return max(end - start, 0.0) * 1000 if end else 0.0
