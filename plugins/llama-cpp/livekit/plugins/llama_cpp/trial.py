"""One trial of a model: loaded and evaluated in a process of its own, which may die of it.

What it finds comes as lines of JSON on standard output, so that a death tells what it died of:
`{"trying": NAME}` before a variant is touched, `{"score": {NAME: POINTS}}`, `{"chosen": NAME}`, and
`{"ok": NAME}` or `{"error": WHY}` at the end.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import variants
from .errors import ModelError

TIME_S = 120.0
BYTES_PER_S = 10_000_000
"""The least that a disk is expected to read, on top of TIME_S."""

# The package without its __init__, which brings LiveKit: 0.3 s instead of 2.
_CHILD = (
    "import sys, types; p = types.ModuleType('llama_cpp_plugin'); p.__path__ = [sys.argv[1]];"
    " sys.modules[p.__name__] = p; from llama_cpp_plugin.trial import main; main(*sys.argv[2:])"
)
# A bug of the code or the wrong code for this processor. Others come from outside, as SIGKILL
# where memory is short, and say nothing about a variant.
_FAULTS = {signal.SIGILL, signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGABRT}
_PREFILLS = (69, 8, 32)
_DECODES = 3
_PR_SET_PDEATHSIG = 1


@dataclass
class Trial:
    """How it went."""

    scores: dict[str, int] = field(default_factory=dict)
    """Of the variants that could be asked."""
    variant: str = ""
    """The one that was touched last."""
    ok: bool = False
    fault: str = ""
    """What it died of: a signal's name, or that it hung or computed nonsense."""
    error: str = ""
    """What went wrong and is not the variant's fault."""
    killed: bool = False
    """From outside, as where memory is short."""


def attempt(
    model: Path, *, wish: str = "", without: Collection[str] = (), gpu_layers: int | None = None
) -> Trial:
    """Tries a model in a child process; blocks until it is through.

    Args:
        model: A GGUF.
        wish: The variant to try; empty = the best one.
        without: Variants not to touch.
        gpu_layers: As for `Model`.
    """
    order = json.dumps(
        {"model": str(model), "wish": wish, "without": sorted(without), "gpu_layers": gpu_layers}
    )
    limit_s = TIME_S + model.stat().st_size / BYTES_PER_S
    command = [
        sys.executable,
        "-P",
        "-c",
        _CHILD,
        str(Path(__file__).parent),
        str(os.getpid()),
        order,
    ]
    environment = os.environ | {"GGML_NO_BACKTRACE": "1"}
    try:
        done = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=limit_s
        )
    except subprocess.TimeoutExpired as e:
        trial = _read(e.stdout or b"")
        trial.fault = f"no end after {limit_s:.0f} s"
        return trial
    trial = _read(done.stdout)
    if not trial.ok and not trial.fault and not trial.error:
        if -done.returncode in _FAULTS:
            trial.fault = signal.Signals(-done.returncode).name
        elif done.returncode < 0:
            trial.killed = True
            trial.error = f"killed by signal {-done.returncode}"
        else:
            last = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
            trial.error = "".join(last) or f"exit code {done.returncode}"
    return trial


def _read(output: bytes) -> Trial:
    trial = Trial()
    for line in output.decode("utf-8", "replace").splitlines():
        try:
            said: dict[str, Any] = json.loads(line)
        except ValueError:
            continue  # cut off in the middle, or not ours
        trial.scores |= said.get("score", {})
        trial.variant = said.get("trying", trial.variant)
        trial.ok = trial.ok or "ok" in said
        trial.fault = said.get("fault", trial.fault)
        trial.error = said.get("error", trial.error)
    return trial


def main(parent: str, order: str) -> None:
    """The child."""
    # Also when the parent is killed; and nobody wants the core of a death that was foreseen.
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != int(parent):
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    asked = json.loads(order)
    try:
        _try(Path(asked["model"]), asked["wish"], asked["without"], asked["gpu_layers"])
    except ModelError as e:
        _say(error=str(e))


def _try(model: Path, wish: str, without: list[str], gpu_layers: int | None) -> None:
    names = [name for name in variants.names() if name not in without]
    scores = {}
    for name in names:
        _say(trying=name)
        scores[name] = variants.score(name)
        _say(score={name: scores[name]})
    if variants.names():
        usable = variants.ranked(scores)
        chosen = wish if wish in usable else next(iter(usable), "") if not wish else ""
        if not chosen:
            _say(trying="", error="no variant suits this processor")
            return
    else:
        chosen = variants.BUILT_IN
    _say(trying=chosen)
    variants.load(chosen)
    if _evaluate(model, gpu_layers):
        _say(ok=chosen)
    else:
        _say(fault="results that are no numbers")


def _evaluate(path: Path, gpu_layers: int | None) -> bool:
    """Reads prompts long enough for the kernels of many rows and writes a few tokens, with one
    thread and with all. Whether all results were numbers."""
    import numpy as np

    from .context import OK, Context, Row
    from .model import Model

    model = Model(path, gpu_layers=gpu_layers)
    finite = True
    for threads in sorted({1, len(os.sched_getaffinity(0))}):
        context = Context(
            model, cells=256, sequences=2, threads=threads, batch_tokens=max(_PREFILLS)
        )
        position = 0
        for size in (*_PREFILLS, *(1,) * _DECODES):
            rows = [
                Row((7 * i + 11) % model.vocab_size, position + i, 0, i == size - 1)
                for i in range(size)
            ]
            if context.decode(rows) == OK:
                finite = finite and bool(np.isfinite(context.logits(size - 1)).all())
            position += size
        context.close()
    model.close()
    return finite


def _say(**line: Any) -> None:
    print(json.dumps(line), flush=True)
