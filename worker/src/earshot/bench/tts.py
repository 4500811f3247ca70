"""Piper: first sound of a long sentence, cancelling and memory, against `PiperVoice.synthesize`.

Both ways get one thread and the same 12 s of text, in turn; the figure is the median.
"""

import asyncio
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from livekit.plugins.piper import LocalSynthesizer, SynthesisRequest

from .row import Row, Subject

SENTENCE = (
    "The visitors who came to the front desk this morning asked about the opening hours of the"
    " library and then about the garage behind the building where they would like to leave the"
    " cars until the meeting on the second floor is over"
)
ROUNDS = 7
CANCEL_TARGET_MS = 50.0


def measure(subjects: list[Subject]) -> list[Row]:
    """Every figure of every subject; about a minute."""
    rows: list[Row] = []
    for subject in subjects:
        ours_ms, cancel_ms = asyncio.run(_ours(subject.path))
        stock_ms = _stock_ms(subject.path)
        grown, theirs = (_grown_mb(way, subject.path) for way in ("ours", "stock"))
        rows += [
            Row("first sound of a 12 s sentence", subject.name, ours_ms, stock_ms, subject.target),
            Row("cancel in a synthesis", subject.name, cancel_ms, None, CANCEL_TARGET_MS),
            Row("memory", subject.name, grown, theirs, unit="MB"),
        ]
    return rows


async def _ours(path: Path) -> tuple[float, float]:
    """(median ms to the first chunk, worst ms from cancelling until the pool is free)"""
    with LocalSynthesizer(path, workers=1) as synthesizer:
        synthesizer.warm_up()
        first, cancelled = [], []
        for i in range(ROUNDS):
            # another word each time: nobody may answer from a cache
            stream = synthesizer.synthesize(SynthesisRequest(f"{SENTENCE} {i}."))
            began = time.perf_counter()
            await anext(stream)
            first.append(time.perf_counter() - began)
            began = time.perf_counter()
            await stream.aclose()
            while synthesizer.active:
                await asyncio.sleep(0.001)
            cancelled.append(time.perf_counter() - began)
    return statistics.median(first) * 1000, max(cancelled) * 1000


def _stock_ms(path: Path) -> float:
    voice = _stock(path)
    list(voice.synthesize("Warm up."))
    first = []
    for i in range(ROUNDS):
        began = time.perf_counter()
        next(iter(voice.synthesize(f"{SENTENCE} {i}.")))
        first.append(time.perf_counter() - began)
    return statistics.median(first) * 1000


def _stock(path: Path) -> Any:
    import onnxruntime as ort  # type: ignore[import-untyped]
    from piper import PiperVoice

    voice = PiperVoice.load(path)
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1  # as ours: a comparison of ways, not of threads
    voice.session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return voice


def _grown_mb(way: str, path: Path) -> float:
    command = [sys.executable, "-m", "earshot.bench.tts", way, str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(done.stdout.split()[-1])


def _grow(way: str, path: Path) -> None:
    """The child of `_grown_mb`: what loading a voice and speaking once adds to a process."""
    import piper as _  # noqa: F401

    before = _peak_mb()
    if way == "stock":
        list(_stock(path).synthesize(SENTENCE))
    else:

        async def once() -> None:
            with LocalSynthesizer(path, workers=1) as synthesizer:
                async for _chunk in synthesizer.synthesize(SynthesisRequest(SENTENCE)):
                    pass

        asyncio.run(once())
    print(_peak_mb() - before)


def _peak_mb() -> float:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return float(status.split("VmHWM:")[1].split()[0]) / 1024


if __name__ == "__main__":
    _grow(sys.argv[1], Path(sys.argv[2]))
