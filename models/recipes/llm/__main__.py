"""The starter language model, the whole way: data -> train -> export -> evaluate.

    python -m recipes.llm [--minutes 240] [--quick]

Stopped and started again it goes on where it was. Dialogues are written while it trains.
"""

import argparse
from pathlib import Path

from tokenizers import Tokenizer

from .. import report
from ..run import arrays
from . import export, held_out, tokenizer, train


def main() -> None:
    parser = argparse.ArgumentParser(prog="recipes.llm", description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=360, help="training time, in all")
    parser.add_argument("--work", type=Path, default=Path("models/recipes/llm/work"))
    parser.add_argument("--from", dest="start", type=Path, help="an exported model to start from")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--quick", action="store_true", help="the whole way in 2 minutes; learns little"
    )
    a = parser.parse_args()
    work = a.work / "quick" if a.quick else a.work
    dialogues, pieces, out = (
        work / "dialogues.jsonl",
        work / "tokenizer.json",
        work / "starter.gguf",
    )
    held_out.write(dialogues, 5 if a.quick else 200)
    if not pieces.exists() and a.start:
        export.restored_tokenizer(a.start).save(str(pieces))
    elif not pieces.exists():
        tokenizer.make(pieces, 300 if a.quick else 4000)
    tokens = Tokenizer.from_file(str(pieces))
    minutes = 0.4 if a.quick else a.minutes
    train.train(work / "checkpoint.pt", tokens, minutes, start=a.start, seed=a.seed)
    export.export(arrays(work / "checkpoint.pt"), pieces, out)
    report.answering(out, dialogues)


if __name__ == "__main__":
    main()
