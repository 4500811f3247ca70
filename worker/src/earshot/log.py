"""Structured logging through structlog: for people on a terminal, one JSON object a line otherwise.

Everything goes to standard error, so that standard output stays for results. Records of libraries
(livekit, faster-whisper) pass through the same formatter. What was said in a call is never logged:
livekit marks such values as personal, and they are left out.
"""

import logging
import sys
from collections.abc import Sequence

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from .settings import LogSettings


def configure(settings: LogSettings) -> None:
    """Sets up the root logger; may be called again."""
    human = settings.format == "human" or (settings.format == "auto" and sys.stderr.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        _without_words,
        structlog.processors.TimeStamper(fmt="iso", utc=not human),
    ]
    last: list[Processor] = (
        [
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(),
                # the default shows the values of variables: among them are keys and tokens
                exception_formatter=structlog.dev.plain_traceback,
            )
        ]
        if human
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.level.upper())
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def tell_ignored(names: Sequence[str]) -> None:
    """Says once, after `configure`, which variables are taken for a cluster's and not for ours."""
    if names:
        structlog.get_logger(__name__).warning(
            "variables that a cluster sets for its services are no settings, and are ignored",
            variables=", ".join(names),
        )


def _without_words(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    # livekit warns of words it skipped, and repeats them: lk.pii.user_input
    return {key: value for key, value in event.items() if "pii" not in key.split(".")}
