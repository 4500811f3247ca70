"""What the engine runs its language model with: a note for whoever has to explain its death."""

import contextlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

_FILE = "llm.json"


@dataclass(frozen=True)
class Running:
    model: str
    """The file."""
    variant: str
    """Which build of llama.cpp's CPU code."""
    cpu: str

    def leave(self, run_dir: Path) -> None:
        """Writes the note; where it can't be written, a death is told with fewer words."""
        path = run_dir / _FILE
        part = path.with_suffix(".part")
        with contextlib.suppress(OSError):
            part.write_text(json.dumps(asdict(self)))
            part.replace(path)


def explain(run_dir: Path, fault: str) -> str:
    """What a death by a signal means, in one line; empty where no note was left."""
    try:
        found = Running(**json.loads((run_dir / _FILE).read_text()))
    except (OSError, ValueError, TypeError):
        return ""
    return (
        f"{found.model}: llama.cpp may die of this model on this processor ({found.cpu}); it ran"
        f" {found.variant} ({fault}); check the file (earshot models verify), set llm.variant to"
        " another build (earshot doctor names them), or take another model"
    )
