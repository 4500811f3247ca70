"""The voice against stock `PiperVoice.synthesize`: first sound, cancelling, memory.

    python -m earshot.bench.tts

Both ways speak the same sentences in one process, in turn; the memory is that of a process each.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

from ..settings import home
from .report import markdown
from .row import Row

ROUNDS = 7
# Each about 12 s long, as one sentence: stock Piper gives out nothing before its end.
SENTENCES = {
    "sentence of clauses": (
        "Sure, I can help you with that right away, because the kitchen timer is now set and it "
        "will ring after five minutes have gone, so please keep an eye on the pot of soup while "
        "you wait."
    ),
    "sentence without a mark": (
        "The kitchen timer that you asked me about before lunch is now set to ring as soon as the "
        "big pot of soup on the back of the stove has been cooking for another five minutes or so "
        "from now on."
    ),
}


def measure(*, shapes: bool = True) -> list[Row]:
    """All rows; a minute and a half on two cores.

    Args:
        shapes: also measure a random voice of a medium voice's shape, made if it isn't there.
    """
    subjects = [("starter", home() / "models" / "starter" / "voice" / "starter.onnx", 0.3)]
    if shapes:
        subjects.append(("medium voice shape", _shape(), 0.12))
    rows: list[Row] = []
    for name, path, target in subjects:
        ours, stock, cancel = asyncio.run(_times(path))
        rows += [
            Row(f"first sound of a 12 s {kind}", name, ours[kind], stock[kind], target)
            for kind in SENTENCES
        ]
        rows += [
            Row("cancel a synthesis", name, cancel, None, 50.0),
            Row("memory", name, _memory("ours", path), _memory("stock", path), None, "MB"),
        ]
    return rows


def _shape() -> Path:
    recipe = home() / "models" / "recipes" / "shapes" / "vits.py"
    path = home() / "models" / "weights" / "shapes" / "vits-medium-random.onnx"
    if not path.exists():
        subprocess.run([sys.executable, str(recipe), str(path)], check=True)
    return path


async def _times(path: Path) -> tuple[dict[str, float], dict[str, float], float]:
    """Milliseconds: our first chunk and stock's of each sentence, and cancelling."""
    from livekit.plugins.piper import LocalSynthesizer, SynthesisRequest
    from piper import PiperVoice

    stock = PiperVoice.load(path)
    ours_ms: dict[str, list[float]] = {kind: [] for kind in SENTENCES}
    stock_ms: dict[str, list[float]] = {kind: [] for kind in SENTENCES}
    with LocalSynthesizer(path) as synthesizer:
        synthesizer.warm_up()
        for n in range(ROUNDS):
            for kind, text in SENTENCES.items():
                # a reply not heard before: neither way may profit from an earlier round
                text = f"{text.rstrip('.')} number {n}."
                started = time.perf_counter()
                speech = synthesizer.synthesize(SynthesisRequest(text))
                await anext(speech)
                ours_ms[kind].append(1000 * (time.perf_counter() - started))
                await speech.aclose()
                await _idle(synthesizer)
                started = time.perf_counter()
                next(iter(stock.synthesize(text)))
                stock_ms[kind].append(1000 * (time.perf_counter() - started))
        cancel = max([await _cancel(synthesizer, n) for n in range(12)])
    return (
        {kind: median(ms) for kind, ms in ours_ms.items()},
        {kind: median(ms) for kind, ms in stock_ms.items()},
        cancel,
    )


async def _cancel(synthesizer: Any, n: int) -> float:
    """From leaving a synthesis, somewhere in its middle, until its native work has ended."""
    from livekit.plugins.piper import SynthesisRequest

    text = " ".join(f"{n} {sentence}" for sentence in SENTENCES.values()) * 5
    speech = synthesizer.synthesize(SynthesisRequest(text))
    await anext(speech)
    await asyncio.sleep(0.013 * (n + 1))
    started = time.perf_counter()
    await speech.aclose()
    await _idle(synthesizer)
    return 1000 * (time.perf_counter() - started)


async def _idle(synthesizer: Any) -> None:
    while synthesizer.active:
        await asyncio.sleep(0.0005)


def _memory(way: str, path: Path) -> float:
    """Megabytes at most that opening the voice one way and speaking once adds to a process."""
    command = [sys.executable, "-m", "earshot.bench.tts", "--memory", way, str(path)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return float(output.split()[-1])


def _use_memory(way: str, path: Path) -> None:
    from livekit.plugins.piper import LocalSynthesizer, SynthesisRequest
    from piper import PiperVoice

    text = SENTENCES["sentence of clauses"]
    before = _status_mb("VmRSS")
    if way == "stock":
        list(PiperVoice.load(path).synthesize(text))
    else:

        async def speak() -> None:
            with LocalSynthesizer(path) as synthesizer:
                async for _ in synthesizer.synthesize(SynthesisRequest(text)):
                    pass

        asyncio.run(speak())
    print(_status_mb("VmHWM") - before)


def _status_mb(field: str) -> float:
    """A size of this process; unlike ru_maxrss not inherited from the process that started it."""
    status = Path("/proc/self/status").read_text()
    return int(status.split(f"{field}:")[1].split()[0]) / 1024


if __name__ == "__main__":
    if sys.argv[1:2] == ["--memory"]:
        _use_memory(sys.argv[2], Path(sys.argv[3]))
    else:
        print(markdown(measure()))
