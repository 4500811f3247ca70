"""Which build of llama.cpp's CPU code a model is run with: the best one that survives it.

A model that a build can't run doesn't raise: the process dies. So the first time that a model meets
a build on a processor, a child process tries it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from . import trial, variants, verdicts
from .cpu import this_cpu
from .errors import ModelError
from .log import logger
from .model import check_file

AUTO = "auto"


@dataclass(frozen=True, slots=True)
class Build:
    """What was decided for a model."""

    variant: str
    cpu: str
    refused: dict[str, str] = field(default_factory=dict)
    """Better ones -> what the process that tried them died of."""


def choose_build(
    model: str | Path,
    *,
    wish: str = AUTO,
    gpu_layers: int | None = None,
    cache_dir: str | Path | None = None,
) -> Build:
    """Finds a build for a model; the first time, this takes about as long as loading it twice.

    Args:
        model: A GGUF.
        wish: A variant's name; `auto` = the best one that runs here.
        gpu_layers: As for `Model`.
        cache_dir: Where verdicts are kept; None = `livekit-plugins-llama-cpp` in the user's cache.

    Raises:
        ModelError: No build can run it, or not the one that is wished for.
    """
    model, cache = Path(model), Path(cache_dir) if cache_dir else verdicts.folder()
    check_file(model)
    known = variants.names() or [variants.BUILT_IN]
    if wish not in (AUTO, *known):
        raise ModelError(
            f"variant {wish!r}: not in this llama.cpp, expected {AUTO} or {', '.join(known)}"
        )
    only = variants.loaded() or ("" if wish == AUTO else wish)
    cpu = this_cpu()
    key = verdicts.key(model, cpu, gpu_layers)
    verdict = verdicts.recall(cache, key)
    if verdict is None or _best(verdict, only) is None:
        with verdicts.alone(cache):
            # another process may have tried it while this one waited
            verdict = verdicts.recall(cache, key) or verdicts.Verdict(str(model), cpu.name)
            untried = _try(verdict, only, gpu_layers)
            if verdict.good or verdict.refused:
                verdicts.remember(cache, key, verdict)
        if untried:
            return Build(untried, cpu.name, verdict.refused)
    best = _best(verdict, only)
    if not best:
        raise ModelError(_refusal(verdict, only))
    points = verdict.scores
    # one that died when it was asked for its score has none
    better = {
        name: why
        for name, why in verdict.refused.items()
        if name not in points or points[name] > points.get(best, 0)
    }
    return Build(best, cpu.name, better)


def _best(verdict: verdicts.Verdict, only: str) -> str | None:
    """The variant to run; empty = none is left, None = that takes a trial."""
    order = [only] if only else variants.ranked(verdict.scores)
    left = [name for name in order if name not in verdict.refused]
    if order and not left:
        return ""
    return left[0] if left and left[0] in verdict.good else None


def _try(verdict: verdicts.Verdict, only: str, gpu_layers: int | None) -> str:
    """Tries one variant after the other until one is good or none is left.

    Returns:
        The variant to go on with although it could not be tried, for whatever reason lies with the
        model or the machine: loading the model here says what it is. Empty = nothing of that kind.
    """
    while _best(verdict, only) is None:
        done = trial.attempt(
            Path(verdict.model), wish=only, without=verdict.refused, gpu_layers=gpu_layers
        )
        verdict.scores |= done.scores
        if done.ok:
            verdict.good.append(done.variant)
        elif done.fault and done.variant:
            logger.warning(
                "%s: llama.cpp's build for %s is not used, the process that tried it ended by %s",
                verdict.model, done.variant, done.fault,
            )  # fmt: skip
            verdict.refused[done.variant] = done.fault
        elif done.killed:
            raise ModelError(
                f"{verdict.model}: the process that tried it was {done.error}: most likely there"
                " is not enough memory for it, expected a smaller model or more memory"
            )
        elif done.variant:
            return done.variant
        elif verdict.refused:
            return ""
        else:
            raise ModelError(
                f"{only or 'llama.cpp'}: {done.error or 'could not be tried'} ({verdict.cpu})"
            )
    return ""


def _refusal(verdict: verdicts.Verdict, only: str) -> str:
    died = ", ".join(
        f"{name} ({why})" for name, why in verdict.refused.items() if only in ("", name)
    )
    advice = (
        f"expected {AUTO} or another variant"
        if only
        else "check the file against its checksum, or take another model"
    )
    return (
        f"{verdict.model}: llama.cpp dies of this model on this processor ({verdict.cpu});"
        f" tried: {died}; {advice}"
    )
