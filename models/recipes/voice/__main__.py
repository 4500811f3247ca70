"""The starter voice, the whole way: data -> train -> export -> evaluate.

    python -m recipes.voice [--minutes 26] [--quick]

Stopped and started again it goes on where it was. Needs flite and espeak-ng on the machine.
"""

import argparse
import json
import random
from pathlib import Path

import torch

from .. import report
from . import data, export, texts, train
from .model import Net

SENTENCES = 3600


def main() -> None:
    parser = argparse.ArgumentParser(prog="recipes.voice", description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=26, help="training time, in all")
    parser.add_argument("--work", type=Path, default=Path("models/recipes/voice/work"))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--quick", action="store_true", help="the whole way in 2 minutes; learns little"
    )
    a = parser.parse_args()
    work = a.work / "quick" if a.quick else a.work
    minutes, count, judged = (0.4, 80, 8) if a.quick else (a.minutes, SENTENCES, 100)
    random.seed(a.seed)
    held_out, out = texts.held_out(judged), work / "starter.onnx"
    work.mkdir(parents=True, exist_ok=True)
    (work / "sentences.json").write_text(json.dumps(held_out, indent=0))
    data.make(work / "lessons", texts.training(count, frozenset(held_out)))
    data.make(work / "held_out", held_out)
    lessons = data.read(work / "lessons")
    train.train(work / "checkpoint.pt", lessons, data.read(work / "held_out"), minutes, seed=a.seed)
    net = Net()
    net.load_state_dict(torch.load(work / "checkpoint.pt", weights_only=False)["model"])
    export.export(net, lessons, out)
    report.speaking(out, held_out)


if __name__ == "__main__":
    main()
