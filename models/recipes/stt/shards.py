"""Training speech, made in pieces while training goes on.

A producer process writes numbered shards and stays at most `AHEAD` in front of the trainer, which deletes what it has
read: disk and memory are bounded, and training never hears a sample more than a few times. Shard n is always made
from seed n.
"""

import os
import pickle
import random
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

import numpy as np

from . import held_out, texts
from .line import through_a_call
from .speakers import RATE_HZ, Raw, Sample, espeak, flite, say, starter_voice

SIZE = 400
AHEAD = 3
CALL_SHARE = 0.35
"""of the samples: so many come through Opus"""


def make(
    seed: str, count: int, starter: Callable[[str], Raw], without: frozenset[str]
) -> list[Sample]:
    random.seed(seed)
    np.random.seed(random.getrandbits(32))
    without = without - texts.fixed()
    samples: list[Sample] = []
    while len(samples) < count:
        text, own = texts.text()
        weights = [0.17, 0.13, 0.70] if own else [0.47, 0.33, 0.20]
        speaker = random.choices([flite, espeak, starter], weights)[0]
        if text in without or not (sample := say(text, speaker)):
            continue
        if random.random() < CALL_SHARE:
            sample = sample._replace(audio=through_a_call(sample.audio))
        samples.append(sample)
    return samples


def read(path: Path) -> list[Sample]:
    """Own files only: pickle runs what it reads."""
    with path.open("rb") as f:
        return [Sample(*s) for s in pickle.load(f)]


def write(path: Path, samples: list[Sample]) -> None:
    part = path.with_suffix(".part")
    part.write_bytes(pickle.dumps([tuple(s) for s in samples]))
    part.replace(path)


class Pool:
    """The samples that training draws from: the newest shards, `keep` at most."""

    def __init__(self, folder: Path, keep: int = 24) -> None:
        self._folder, self._keep = folder, keep
        self._held: deque[tuple[Path, list[Sample]]] = deque()
        self.read = 0
        """shards read so far"""

    def refresh(self) -> list[Sample]:
        """One more shard, if it is there; waits only while there is none at all."""
        while True:
            known = {path for path, _ in self._held}
            new = [p for p in sorted(self._folder.glob("*.pkl")) if p not in known]
            for path in new[: 1 if self._held else len(new)]:
                self._held.append((path, read(path)))
                self.read += 1
            while len(self._held) > self._keep:
                self._held.popleft()[0].unlink()
            if self._held:
                return [s for _, samples in self._held for s in samples]
            time.sleep(0.5)

    def batches_per_shard(self, speech_s: float, uses: int) -> int:
        """How many batches to draw for each new shard, so that a sample is used about `uses` times."""
        samples = self._held[-1][1]
        spoken_s = sum(len(s.audio) / RATE_HZ + 1 for s in samples)
        return round(spoken_s * uses / speech_s)


def start_producer(
    folder: Path, without_in: Path, keep: int, size: int = SIZE
) -> subprocess.Popen[bytes]:
    """Ends by itself when this process is gone."""
    folder.mkdir(parents=True, exist_ok=True)
    arguments = [folder, without_in, keep, size, os.getpid()]
    return subprocess.Popen([sys.executable, "-m", __name__, *map(str, arguments)])


def produce(folder: Path, without_in: Path, keep: int, size: int, parent: int) -> None:
    """Until `parent` is gone."""
    os.nice(10)
    starter, without = starter_voice(), held_out.texts_in(without_in)
    counter = folder / "next"
    while os.getppid() == parent:
        if len(list(folder.glob("*.pkl"))) >= keep + AHEAD:
            time.sleep(1)
            continue
        n = int(counter.read_text()) if counter.exists() else 0
        write(folder / f"{n:06d}.pkl", make(str(n), size, starter, without))
        counter.write_text(str(n + 1))


if __name__ == "__main__":
    produce(Path(sys.argv[1]), Path(sys.argv[2]), *map(int, sys.argv[3:]))
