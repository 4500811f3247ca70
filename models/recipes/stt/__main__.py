"""The starter recogniser, the whole way: data -> train -> export -> evaluate.

    python -m recipes.stt [--minutes 240] [--quick]

Stopped and started again it goes on where it was. Needs flite and espeak-ng on the machine.
"""

import argparse
import shutil
from pathlib import Path

from tokenizers import Tokenizer

from .. import report
from ..run import arrays
from . import export, held_out, shards, tokenizer, train


def main() -> None:
    parser = argparse.ArgumentParser(prog="recipes.stt", description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=360, help="training time, in all")
    parser.add_argument("--work", type=Path, default=Path("models/recipes/stt/work"))
    parser.add_argument("--from", dest="start", type=Path, help="an exported model to start from")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--quick", action="store_true", help="the whole way in 2 minutes; learns little"
    )
    a = parser.parse_args()
    minutes, share, keep = (0.4, 0.01, 2) if a.quick else (a.minutes, 1.0, 24)
    work = a.work / "quick" if a.quick else a.work
    speech, pieces, out = work / "speech.npz", work / "tokenizer.json", work / "stt"
    if not speech.exists():
        print("held-out speech …", flush=True)
        held_out.write(speech, share)
    if not pieces.exists() and a.start:
        shutil.copy(a.start / "tokenizer.json", pieces)
    elif not pieces.exists():
        tokenizer.make(pieces)
    producer = shards.start_producer(
        work / "shards", speech, keep, size=40 if a.quick else shards.SIZE
    )
    try:
        train.train(
            work / "checkpoint.pt",
            Tokenizer.from_file(str(pieces)),
            shards.Pool(work / "shards", keep),
            minutes,
            start=a.start,
            held_out=held_out.read(speech, 4 if a.quick else 40),
            seed=a.seed,
        )
    finally:
        producer.terminate()
        producer.wait()
    weights = {k.removeprefix("whisper."): w for k, w in arrays(work / "checkpoint.pt").items()}
    export.export(weights, pieces, out)
    report.hearing(out, speech, quiet_s=5 if a.quick else 60)


if __name__ == "__main__":
    main()
