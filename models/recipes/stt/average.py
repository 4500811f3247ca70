"""Two recognisers -> one between them: python -m recipes.stt.average OLD NEW SHARE OUT

Where NEW was trained on from OLD with other data, the average of their weights keeps what OLD did better and most of
what NEW learnt. SHARE of NEW, 0 to 1.
"""

import sys
from pathlib import Path

from .export import Weights, export, restored


def between(old: Weights, new: Weights, share: float) -> Weights:
    return {name: (1 - share) * old[name] + share * new[name] for name in old}


def main(old: Path, new: Path, share: float, out: Path) -> None:
    weights = between(restored(old), restored(new), share)
    export(weights, new / "tokenizer.json", out)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]), Path(sys.argv[4]))
